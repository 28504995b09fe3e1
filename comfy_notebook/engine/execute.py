"""One prompt, executed: plan, cache, calls, expansion, events.

State of a run: ``_results`` the outputs that nodes still to run will read (let go when the last reader is done),
``_uses`` how many readers are left, ``_reads`` what each planned node reads, ``_pending`` async nodes under way,
``_expanded`` what expanding nodes returned while the nodes they added run, ``_plan`` the work that is left.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..protocol.blocking import ExecutionBlocker
from ..protocol.context import InterruptProcessingException
from ..protocol.definition import NodeDefinition
from ..protocol.expansion import is_link
from .cache import CacheEntry
from .calling import Returned, add_output, is_list_output, list_calls, merge_outputs, merge_ui, read_return
from .failure import NodeFailure, NodeInputError, UnknownNodeError
from .inputs import DeclaredInputs, InputLists, gather, gather_static
from .node_call import Caller
from .plan import DependencyCycleError, Plan
from .prompt import DynamicPrompt
from .run_services import QueueItem, RunServices
from .signature import Key, Signatures

_NOT_EVALUATED = (None,)
_POLL = 0.05  # seconds between two looks at Cancel while only async nodes are under way
log = logging.getLogger(__name__)


class Interrupted(Exception):  # noqa: N818 - the run was cancelled at ``node_id``
    def __init__(self, node_id: str) -> None:
        super().__init__(node_id)
        self.node_id = node_id


@dataclass
class _Pending:
    """An async node: what its calls returned so far (tasks among it)."""

    returns: list[Any]
    inputs: InputLists


@dataclass
class _Expanded:
    """An expanding node: what its calls returned, and the nodes its outputs come from."""

    returns: list[Returned]
    ui: dict[str, list[Any]] | None
    sources: list[str] = field(default_factory=list)


class PromptRun:
    """Executes ``item``; ``outputs`` (``ui`` by node id) and ``meta`` fill while it runs."""

    def __init__(self, item: QueueItem, services: RunServices) -> None:
        self._item = item
        self._services = services
        self._cache = services.cache
        self._progress = services.progress
        self.prompt = DynamicPrompt(item.prompt)
        self.outputs: dict[str, Any] = {}
        self.meta: dict[str, Any] = {}
        self.executed: dict[str, None] = {}
        self._declared_by_class: dict[str, DeclaredInputs] = {}
        self._urgent_by_class: dict[str, bool] = {}
        self._results: dict[str, tuple[list[Any], ...]] = {}
        self._uses: dict[str, int] = {}
        self._reads: dict[str, list[str]] = {}
        self._announced: set[str] = set()
        self._pending: dict[str, _Pending] = {}
        self._expanded: dict[str, _Expanded] = {}
        self._caller = Caller(item.prompt_id, services.sink)
        self._signatures = Signatures(self.prompt, self._declared, self._is_changed)
        self._plan = Plan(self._sources, self._available, self._urgent)

    @property
    def keys(self) -> dict[str, Key]:
        """The cache key of every node looked at."""
        return self._signatures.keys

    def run(self) -> None:
        """Execute everything; raises :class:`NodeFailure` or :class:`Interrupted`."""
        try:
            self._begin()
            while self._plan:
                self._step()
        finally:
            self._caller.close()

    def progress_failed(self, node_id: str) -> None:
        self._progress.finish(node_id, "error")

    def _begin(self) -> None:
        for root in self._item.outputs_to_execute:
            self._signatures.key_of(root)
        self._cache.start_prompt(frozenset(self.keys.values()))
        cached = [node_id for node_id, key in self.keys.items() if key in self._cache]
        self._services.status("execution_cached", {"nodes": cached})
        for root in self._item.outputs_to_execute:
            self._plan.add(root)

    def _step(self) -> None:
        if self._pending:
            self._caller.spin()
        node_id = self._plan.next()
        if node_id is None and self._pending:
            self._wait_for_pending()
            return
        if node_id is None:
            cycle: DependencyCycleError = self._plan.cycle()
            raise NodeFailure(self.prompt.get_display_node_id(cycle.node_id), cycle)
        if self._services.sink.interrupted(self._item.prompt_id):
            raise Interrupted(node_id)
        try:
            self._stage(node_id)
        except (NodeFailure, Interrupted):
            raise
        except InterruptProcessingException as error:
            raise Interrupted(node_id) from error
        except BaseException as error:
            raise NodeFailure(node_id, error) from error

    def _wait_for_pending(self) -> None:
        tasks = [task for one in self._pending.values() for task in one.returns if isinstance(task, asyncio.Task)]
        self._caller.wait([task for task in tasks if not task.done()] or tasks, _POLL)
        if self._services.sink.interrupted(self._item.prompt_id):
            raise Interrupted(next(iter(self._pending)))

    # What the plan and the keys ask

    def _definition(self, node_id: str) -> NodeDefinition:
        class_type = self.prompt.get_node(node_id)["class_type"]
        return self._declared(class_type).definition

    def _declared(self, class_type: str) -> DeclaredInputs:
        declared = self._declared_by_class.get(class_type)
        if declared is None:
            definition = self._services.registry.get(class_type)
            if definition is None:
                raise UnknownNodeError(f"The node {class_type!r} is not installed")
            declared = self._declared_by_class[class_type] = DeclaredInputs(definition)
        return declared

    def _sources(self, node_id: str) -> list[str]:
        node = self.prompt.get_node(node_id)
        strong = []
        read = self._reads[node_id] = list[str]()
        for name, source, _, is_lazy in self._declared(node["class_type"]).links(node["inputs"]):
            if not self.prompt.has_node(source):
                error = NodeInputError(f"The input {name!r} is linked to node {source}, which is not in the prompt")
                raise NodeFailure(node_id, error)
            self._uses[source] = self._uses.get(source, 0) + 1
            read.append(source)
            if not is_lazy:
                strong.append(source)
        return strong

    def _available(self, node_id: str) -> bool:
        if node_id in self._results:
            return True
        entry = self._cache.get(self._signatures.key_of(node_id))
        if entry is None:
            return False
        self._results[node_id] = entry.outputs
        return True

    def _urgent(self, node_id: str) -> bool:
        definition = self._definition(node_id)
        known = self._urgent_by_class.get(definition.name)
        if known is None:
            function = getattr(definition.node_class, definition.function, None)
            known = definition.is_output_node or inspect.iscoroutinefunction(function)
            self._urgent_by_class[definition.name] = known
        return known

    def _is_changed(self, node_id: str) -> Any:
        node = self.prompt.get_node(node_id)
        if "is_changed" in node:
            return node["is_changed"]
        declared = self._declared(node["class_type"])
        if not hasattr(declared.definition.node_class, "IS_CHANGED"):
            return False
        node["is_changed"] = ask_is_changed(node_id, node["inputs"], declared, self._caller)
        return node["is_changed"]

    # One node

    def _stage(self, node_id: str) -> None:
        if node_id in self._pending:
            self._collect(node_id)
            return
        if node_id in self._expanded:
            self._resolve(node_id)
            return
        entry = self._cache.get(self._signatures.key_of(node_id))
        if entry is not None:
            self._reuse(node_id, entry)
            return
        self._announce(node_id)
        node = self.prompt.get_node(node_id)
        definition = self._definition(node_id)
        declared = DeclaredInputs(definition)  # asked afresh: a node that ran may have changed what is offered
        inputs = gather(declared, node["inputs"], self._from_link, self._hidden(node_id) if declared.hidden else {})
        try:
            instance = self._services.instances.get(node_id, definition.node_class)
            missing = self._missing_lazy(node_id, instance, definition, node["inputs"], inputs)
            if missing:
                self._plan.require(node_id, missing)
                return
            self._call(node_id, getattr(instance, definition.function), definition, inputs)
        except (NodeFailure, Interrupted, InterruptProcessingException):
            raise
        except BaseException as error:
            raise NodeFailure(node_id, error, inputs) from error

    def _reuse(self, node_id: str, entry: CacheEntry) -> None:
        definition = self._definition(node_id)
        if entry.ui or definition.is_output_node:
            self._show(node_id, entry.ui)
        self._progress.start(node_id, self._ids(node_id))
        self._done(node_id, entry.outputs)

    def _announce(self, node_id: str) -> None:
        if node_id in self._announced:
            return
        self._announced.add(node_id)
        self._progress.start(node_id, self._ids(node_id))
        display = self.prompt.get_display_node_id(node_id)
        self._services.send("executing", {"node": node_id, "display_node": display})

    def _ids(self, node_id: str) -> dict[str, Any]:
        return {
            "display_node_id": self.prompt.get_display_node_id(node_id),
            "parent_node_id": self.prompt.get_parent_node_id(node_id),
            "real_node_id": self.prompt.get_real_node_id(node_id),
        }

    def _from_link(self, source: str, slot: int) -> Any:
        outputs = self._results.get(source)
        if outputs is None:
            return _NOT_EVALUATED
        return outputs[slot] if 0 <= slot < len(outputs) else [None]

    def _hidden(self, node_id: str) -> dict[str, Any]:
        extra = self._item.extra_data
        return {
            "PROMPT": self.prompt.original_prompt,
            "DYNPROMPT": self.prompt,
            "EXTRA_PNGINFO": extra.get("extra_pnginfo"),
            "UNIQUE_ID": node_id,
            "AUTH_TOKEN_COMFY_ORG": extra.get("auth_token_comfy_org"),
            "API_KEY_COMFY_ORG": extra.get("api_key_comfy_org"),
        }

    def _missing_lazy(
        self, node_id: str, instance: Any, definition: NodeDefinition, links: Mapping[str, Any], inputs: InputLists
    ) -> list[str]:
        """The nodes behind the inputs that ``check_lazy_status`` asks for and that have not run."""
        status = getattr(instance, "check_lazy_status", None)
        if not callable(status):
            return []
        calls = list_calls(inputs, definition.input_is_list)
        answers = self._caller.call_each(node_id, status, calls, definition.input_is_list, lambda blocker: [])
        missing = []
        for name in [name for answer in answers for name in self._caller.finished(answer) or ()]:
            if name is None:
                continue
            if name not in links:
                if name in inputs:
                    continue
                raise NodeInputError(f"check_lazy_status asks for {name!r}, which is no input of this node")
            value = links[name]
            if is_link(value) and value[0] not in self._results:
                missing.append(value[0])
        return missing

    def _call(self, node_id: str, function: Any, definition: NodeDefinition, inputs: InputLists) -> None:
        calls = list_calls(inputs, definition.input_is_list)

        def blocked(blocker: ExecutionBlocker) -> ExecutionBlocker:
            return self._block(node_id, definition, blocker)

        returns = self._caller.call_each(node_id, function, calls, definition.input_is_list, blocked)
        tasks = [value for value in returns if isinstance(value, asyncio.Task)]
        if all(task.done() for task in tasks):
            self._conclude(node_id, definition, [_result(value) for value in returns])
            return
        self._pending[node_id] = _Pending(returns, inputs)
        self._offer_when_done(node_id, [task for task in tasks if not task.done()])

    def _offer_when_done(self, node_id: str, tasks: list[asyncio.Task[Any]]) -> None:
        left = len(tasks)
        offered = False

        def one_done(task: asyncio.Task[Any]) -> None:
            nonlocal left, offered
            left -= 1
            failed = not task.cancelled() and task.exception() is not None
            if (left == 0 or failed) and not offered:
                offered = True
                self._plan.again(node_id)

        for task in tasks:
            task.add_done_callback(one_done)

    def _collect(self, node_id: str) -> None:
        pending = self._pending.pop(node_id)
        try:
            for value in pending.returns:  # one item that failed fails the node, whatever the others do
                if isinstance(value, asyncio.Task) and value.done():
                    value.result()
            self._conclude(node_id, self._definition(node_id), [_result(value) for value in pending.returns])
        except (NodeFailure, Interrupted, InterruptProcessingException):
            raise
        except BaseException as error:
            raise NodeFailure(node_id, error, pending.inputs) from error

    def _block(self, node_id: str, definition: NodeDefinition, blocker: ExecutionBlocker) -> ExecutionBlocker:
        if blocker.message is None:
            return blocker
        self._services.blocked(
            {
                "node_id": self.prompt.get_real_node_id(node_id),
                "node_type": definition.name,
                "executed": list(self.executed),
                "exception_message": f"Execution Blocked: {blocker.message}",
                "exception_type": "ExecutionBlocked",
                "traceback": [],
                "current_inputs": [],
                "current_outputs": [],
            }
        )
        return ExecutionBlocker(None)

    def _conclude(self, node_id: str, definition: NodeDefinition, values: list[Any]) -> None:
        returns = [read_return(value, definition) for value in values]
        ui = merge_ui(one.ui for one in returns)
        if any(one.expand is not None for one in returns):
            self._expand(node_id, _Expanded(returns, ui))
        else:
            self._keep(node_id, merge_outputs(returns, definition), ui)

    def _keep(self, node_id: str, outputs: tuple[list[Any], ...], ui: dict[str, list[Any]] | None) -> None:
        real = self.prompt.get_real_node_id(node_id)
        owner = self._signatures.key_of(real) if real != node_id else None
        self._cache.put(self._signatures.key_of(node_id), CacheEntry(outputs, ui, owner))
        if ui:
            self._show(node_id, ui)
        self._done(node_id, outputs)

    def _show(self, node_id: str, ui: Mapping[str, Any] | None) -> None:
        display = self.prompt.get_display_node_id(node_id)
        if ui:
            self.outputs[node_id] = ui
            self.meta[node_id] = {
                "node_id": node_id,
                "display_node": display,
                "parent_node": self.prompt.get_parent_node_id(node_id),
                "real_node": self.prompt.get_real_node_id(node_id),
            }
        self._services.send("executed", {"node": node_id, "display_node": display, "output": ui})

    def _done(self, node_id: str, outputs: tuple[list[Any], ...]) -> None:
        self.executed[node_id] = None
        if self._uses.get(node_id):
            self._results[node_id] = outputs
        self._plan.complete(node_id)
        for source in self._reads.pop(node_id, ()):
            self._release(source)
        self._progress.finish(node_id)

    def _release(self, source: str) -> None:
        self._uses[source] -= 1
        if self._uses[source] <= 0:
            self._results.pop(source, None)

    # Expansion

    def _expand(self, node_id: str, expanded: _Expanded) -> None:
        output_nodes = []
        for one in expanded.returns:
            for new_id, info in (one.expand or {}).items():
                definition = self._services.registry.get(info["class_type"])
                if definition is None:
                    raise UnknownNodeError(f"The expansion contains {info['class_type']!r}, which is not installed")
                entry = {**info, "inputs": dict(info.get("inputs") or {})}
                self.prompt.add_ephemeral_node(str(new_id), entry, node_id, info.get("override_display_id") or node_id)
                if definition.is_output_node:
                    output_nodes.append(str(new_id))
            if one.expand is not None:
                expanded.sources += [value[0] for value in one.values if is_link(value)]
        for source in expanded.sources:
            if not self.prompt.has_node(source):
                raise NodeInputError(f"The expansion links its result to node {source}, which is not there")
            self._uses[source] = self._uses.get(source, 0) + 1
        self._expanded[node_id] = expanded
        for output_node in output_nodes:
            self._plan.add(output_node)
        self._plan.require(node_id, expanded.sources)

    def _resolve(self, node_id: str) -> None:
        expanded = self._expanded.pop(node_id)
        definition = self._definition(node_id)
        count = max(len(one.values) for one in expanded.returns)
        if any(one.blocker is not None for one in expanded.returns):
            count = max(count, len(definition.outputs))
        outputs: tuple[list[Any], ...] = tuple([] for _ in range(count))
        for one in expanded.returns:
            for slot in range(count):
                value: Any = one.blocker
                if value is None and slot < len(one.values):
                    value = one.values[slot]
                if one.expand is not None and is_link(value):
                    outputs[slot].extend(self._from_link(value[0], int(value[1])))
                else:
                    add_output(outputs[slot], value, one.expand is None and is_list_output(definition, slot))
        for source in expanded.sources:
            self._release(source)
        self._keep(node_id, outputs, expanded.ui)


def _result(value: Any) -> Any:
    return value.result() if isinstance(value, asyncio.Task) else value


def ask_is_changed(node_id: str, inputs: Mapping[str, Any], declared: DeclaredInputs, caller: Caller) -> Any:
    """What ``IS_CHANGED`` says of each list item; NaN, which equals nothing, when it fails."""
    definition = declared.definition
    try:
        function = definition.node_class.IS_CHANGED  # type: ignore[attr-defined]
        calls = list_calls(gather_static(declared, inputs, node_id), definition.input_is_list)
        answers = caller.call_each(node_id, function, calls, definition.input_is_list, lambda blocker: None)
        return [caller.finished(answer) for answer in answers]
    except Exception:
        log.warning("IS_CHANGED of node %s (%s) failed; the node runs again", node_id, definition.name, exc_info=True)
        return float("nan")
