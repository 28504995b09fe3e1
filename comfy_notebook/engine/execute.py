"""One prompt, executed: nodes staged in the order of the plan, called or reused, expanded, and told about.

State of a run: ``_graph`` the nodes and the outputs held for readers, ``_plan`` the work that is left, ``_pending``
async nodes under way (``_pending_keys``: by their meaning), ``_expanded`` what expanding nodes returned while the nodes
they added run, ``_asked_lazy`` the lazy inputs that nodes asked for.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..protocol.blocking import ExecutionBlocker
from ..protocol.context import InterruptProcessingException
from ..protocol.definition import NodeDefinition
from ..protocol.expansion import is_link
from .cache import CacheEntry
from .calling import list_calls, merge_outputs, merge_ui, read_return
from .expanding import Expansion, expand, resolve
from .failure import NodeFailure, NodeInputError
from .inputs import DeclaredInputs, InputLists, gather
from .node_call import Caller
from .plan import Plan
from .run_graph import Outputs, RunGraph
from .run_report import RunReport
from .run_services import QueueItem, RunServices
from .signature import Key

_POLL = 0.05  # seconds between two looks at Cancel while only async nodes are under way


class Interrupted(Exception):  # noqa: N818 - the run was cancelled at ``node_id``
    def __init__(self, node_id: str) -> None:
        super().__init__(node_id)
        self.node_id = node_id


@dataclass
class _Pending:
    """An async node: what its calls returned so far (tasks among it)."""

    returns: list[Any]
    inputs: InputLists


class PromptRun:
    """Executes ``item``; ``report`` fills while it runs."""

    def __init__(self, item: QueueItem, services: RunServices) -> None:
        self._item = item
        self._services = services
        self._cache = services.cache
        self._pending: dict[str, _Pending] = {}
        self._pending_keys: dict[Key, str] = {}
        self._expanded: dict[str, Expansion] = {}
        self._asked_lazy: dict[str, frozenset[str]] = {}
        self._caller = Caller(item.prompt_id, services.sink)
        self._graph = RunGraph(item.prompt, services.registry, services.cache, services.providers, self._caller)
        self.prompt = self._graph.prompt
        self.report = RunReport(services, self.prompt)
        self._plan = Plan(self._graph.sources, self._graph.available, self._graph.urgent)

    @property
    def keys(self) -> dict[str, Key]:
        """The cache key of every node looked at."""
        return self._graph.keys

    def run(self) -> None:
        """Execute everything; raises :class:`NodeFailure` or :class:`Interrupted`."""
        try:
            self._begin()
            while self._plan:
                self._step()
        finally:
            self._caller.close()

    def _begin(self) -> None:
        for root in self._item.outputs_to_execute:
            self._graph.key_of(root)
        self._cache.start_prompt(frozenset(self.keys.values()), self._item.extra_data.get("client_id"))
        cached = [node_id for node_id, key in self.keys.items() if key in self._cache]
        self._services.status("execution_cached", {"nodes": cached})
        for root in self._item.outputs_to_execute:
            self._plan.add(root)
        self._show_intermediates(cached)

    def _show_intermediates(self, cached: list[str]) -> None:
        """What nodes show on the way, again, though nothing that is left needs them."""
        for node_id in cached:
            if node_id not in self._plan and self._graph.definition(node_id).has_intermediate_output:
                entry = self._graph.cached(node_id)
                if entry is not None and entry.ui:
                    self.report.shows(node_id, entry.ui)

    def _step(self) -> None:
        if self._pending:
            self._caller.spin()
        node_id = self._plan.next()
        if node_id is None and self._pending:
            self._wait_for_pending()
            return
        if node_id is None:
            cycle = self._plan.cycle()
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

    # One node

    def _stage(self, node_id: str) -> None:
        if node_id in self._pending:
            self._collect(node_id)
            return
        if node_id in self._expanded:
            expansion = self._expanded.pop(node_id)
            outputs = resolve(expansion, self._graph, self._graph.definition(node_id))
            self._keep(node_id, outputs, expansion.ui)
            return
        entry = self._graph.cached(node_id)
        if entry is not None:
            self._reuse(node_id, entry)
            return
        twin = self._pending_keys.get(self._graph.key_of(node_id))
        if twin is not None:
            self._plan.require(node_id, [twin])
            return
        self.report.starts(node_id)
        node = self.prompt.get_node(node_id)
        definition = self._graph.definition(node_id)
        declared = DeclaredInputs(definition).with_inputs(node["inputs"])  # asked afresh: offers may have changed
        hidden = self._hidden(node_id) if declared.hidden else {}
        asked = self._asked_lazy.get(node_id, frozenset())
        inputs = gather(declared, node["inputs"], self._graph.from_link, hidden, asked)
        try:
            instance = self._services.instances.get(node_id, definition.node_class)
            while wanted := self._lazy_wanted(node_id, instance, definition, node["inputs"], inputs) - asked:
                asked = self._asked_lazy[node_id] = asked | wanted
                sources = [node["inputs"][name][0] for name in wanted]
                if missing := [source for source in sources if not self._graph.evaluated(source)]:
                    self._plan.require(node_id, missing)
                    return
                inputs = gather(declared, node["inputs"], self._graph.from_link, hidden, asked)
            self._call(node_id, getattr(instance, definition.function), definition, inputs)
        except (NodeFailure, Interrupted, InterruptProcessingException):
            raise
        except BaseException as error:
            raise NodeFailure(node_id, error, inputs) from error

    def _reuse(self, node_id: str, entry: CacheEntry) -> None:
        definition = self._graph.definition(node_id)
        if entry.ui or definition.is_output_node:
            self.report.shows(node_id, entry.ui)
        self.report.reused(node_id)
        self._done(node_id, entry.outputs)

    @cached_property
    def _pnginfo(self) -> Any:
        """One copy for all nodes of the run: they may write to it before a saving node embeds it, while the document
        it was made from stays as it is."""
        return copy.deepcopy(self._item.extra_data.get("extra_pnginfo"))

    def _hidden(self, node_id: str) -> dict[str, Any]:
        extra = self._item.extra_data
        return {
            "PROMPT": self.prompt.original_prompt,
            "DYNPROMPT": self.prompt,
            "EXTRA_PNGINFO": self._pnginfo,
            "UNIQUE_ID": node_id,
            "AUTH_TOKEN_COMFY_ORG": extra.get("auth_token_comfy_org"),
            "API_KEY_COMFY_ORG": extra.get("api_key_comfy_org"),
            "COMFY_USAGE_SOURCE": extra.get("comfy_usage_source"),
        }

    def _lazy_wanted(
        self, node_id: str, instance: Any, definition: NodeDefinition, given: Mapping[str, Any], inputs: InputLists
    ) -> frozenset[str]:
        """The linked inputs that ``check_lazy_status`` asks for."""
        status = getattr(instance, "check_lazy_status", None)
        if not callable(status):
            return frozenset()
        calls = list_calls(inputs, definition.input_is_list)
        answers = self._caller.call_each(node_id, status, calls, definition.input_is_list, lambda blocker: [])
        names = [name for answer in answers for name in self._caller.finished(answer) or () if name is not None]
        for name in names:
            if name not in given and name not in inputs:
                raise NodeInputError(f"check_lazy_status asks for {name!r}, which is no input of this node")
        return frozenset(name for name in names if is_link(given.get(name)))

    def _call(self, node_id: str, function: Any, definition: NodeDefinition, inputs: InputLists) -> None:
        calls = list_calls(inputs, definition.input_is_list)

        def blocked(blocker: ExecutionBlocker) -> ExecutionBlocker:
            return self.report.blocked(node_id, definition.name, blocker)

        returns = self._caller.call_each(node_id, function, calls, definition.input_is_list, blocked)
        tasks = [value for value in returns if isinstance(value, asyncio.Task)]
        if all(task.done() for task in tasks):
            self._conclude(node_id, definition, [_result(value) for value in returns])
            return
        self._pending[node_id] = _Pending(returns, inputs)
        if self._cache.mode != "none":  # a node of the same meaning waits for this one's result
            self._pending_keys[self._graph.key_of(node_id)] = node_id
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
        self._pending_keys.pop(self._graph.key_of(node_id), None)
        try:
            for value in pending.returns:  # one item that failed fails the node, whatever the others do
                if isinstance(value, asyncio.Task) and value.done():
                    value.result()
            self._conclude(node_id, self._graph.definition(node_id), [_result(value) for value in pending.returns])
        except (NodeFailure, Interrupted, InterruptProcessingException):
            raise
        except BaseException as error:
            raise NodeFailure(node_id, error, pending.inputs) from error

    def _conclude(self, node_id: str, definition: NodeDefinition, values: list[Any]) -> None:
        returns = [read_return(value, definition) for value in values]
        ui = merge_ui(one.ui for one in returns)
        if any(one.expand is not None for one in returns):
            expansion = expand(node_id, returns, ui, self._graph, self._services.registry)
            self._expanded[node_id] = expansion
            for output_node in expansion.output_nodes:
                self._plan.add(output_node)
            self._plan.require(node_id, expansion.sources)
        else:
            self._keep(node_id, merge_outputs(returns, definition), ui)

    def _keep(self, node_id: str, outputs: Outputs, ui: dict[str, list[Any]] | None) -> None:
        real = self.prompt.get_real_node_id(node_id)
        owner = self._graph.key_of(real) if real != node_id else None
        entry = CacheEntry(outputs, ui, owner)
        self._cache.put(self._graph.key_of(node_id), entry)
        self._graph.offer(node_id, entry)
        if ui:
            self.report.shows(node_id, ui)
        self._done(node_id, outputs)

    def _done(self, node_id: str, outputs: Outputs) -> None:
        self._graph.done(node_id, outputs)
        self._plan.complete(node_id)
        self.report.done(node_id)


def _result(value: Any) -> Any:
    return value.result() if isinstance(value, asyncio.Task) else value
