"""What a run knows of its graph: definitions, keys, who reads whom, and the outputs held for readers to come.

``_results`` are the outputs that nodes still to run will read; they are let go when the last reader is done. ``_uses``
counts the readers left, ``_reads`` says what each planned node reads.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Mapping
from typing import Any

from ..protocol.context import InterruptProcessingException
from ..protocol.definition import NodeDefinition
from ..protocol.registry import Registry
from .cache import CacheEntry, ResultCache
from .cache_providers import CacheContext, CacheProviders, CacheValue
from .calling import list_calls
from .failure import NodeFailure, NodeInputError, UnknownNodeError, is_a_persons_stop
from .inputs import DeclaredInputs, gather_static
from .node_call import Caller
from .prompt import DynamicPrompt, Prompt
from .signature import Key, Signatures

log = logging.getLogger(__name__)

Outputs = tuple[list[Any], ...]
_NOT_EVALUATED = (None,)


class RunGraph:
    """One prompt while it runs, nodes added by expansion included."""

    def __init__(
        self, prompt: Prompt, registry: Registry, cache: ResultCache, providers: CacheProviders, caller: Caller
    ) -> None:
        self.prompt = DynamicPrompt(prompt)
        self._registry = registry
        self._cache = cache
        self._providers = providers
        self._asked: set[str] = set()
        self._caller = caller
        self._declared_by_class: dict[str, DeclaredInputs] = {}
        self._urgent_by_class: dict[str, bool] = {}
        self._results: dict[str, Outputs] = {}
        self._uses: dict[str, int] = {}
        self._reads: dict[str, list[str]] = {}
        self._signatures = Signatures(self.prompt, self.declared, self._is_changed)

    @property
    def keys(self) -> dict[str, Key]:
        """The cache key of every node looked at."""
        return self._signatures.keys

    def key_of(self, node_id: str) -> Key:
        return self._signatures.key_of(node_id)

    def definition(self, node_id: str) -> NodeDefinition:
        """Raises :class:`UnknownNodeError` when the node's class is gone."""
        return self.declared(self.prompt.get_node(node_id)["class_type"]).definition

    def declared(self, class_type: str) -> DeclaredInputs:
        """What a class declares, asked once per run."""
        declared = self._declared_by_class.get(class_type)
        if declared is None:
            definition = self._registry.get(class_type)
            if definition is None:
                raise UnknownNodeError(f"The node {class_type!r} is not installed")
            declared = self._declared_by_class[class_type] = DeclaredInputs(definition)
        return declared

    def urgent(self, node_id: str) -> bool:
        """Whether it is an output node or an async one: those are started as early as can be."""
        definition = self.definition(node_id)
        known = self._urgent_by_class.get(definition.name)
        if known is None:
            function = getattr(definition.node_class, definition.function, None)
            known = definition.is_output_node or inspect.iscoroutinefunction(function)
            self._urgent_by_class[definition.name] = known
        return known

    def sources(self, node_id: str) -> list[str]:
        """The nodes that ``node_id`` needs before it can start; counts it as a reader of them and of its lazy ones."""
        node = self.prompt.get_node(node_id)
        strong = []
        read = self._reads[node_id] = list[str]()
        declared = self.declared(node["class_type"]).with_inputs(node["inputs"])
        for name, source, is_lazy in declared.links(node["inputs"]):
            if not self.prompt.has_node(source):
                error = NodeInputError(f"The input {name!r} is linked to node {source}, which is not in the prompt")
                raise NodeFailure(node_id, error)
            self.hold(source)
            read.append(source)
            if not is_lazy:
                strong.append(source)
        return strong

    def available(self, node_id: str) -> bool:
        """Whether the outputs of a node are at hand; those found in the cache are held from now on."""
        if node_id in self._results:
            return True
        entry = self.cached(node_id)
        if entry is None:
            return False
        self._results[node_id] = entry.outputs
        return True

    def cached(self, node_id: str) -> CacheEntry | None:
        """The result of an earlier run, from the own cache or else from a provider (asked once in a run)."""
        key = self.key_of(node_id)
        entry = self._cache.get(key)
        if entry is None and self._providers and node_id not in self._asked:
            self._asked.add(node_id)
            context = self._provider_context(node_id)
            found = None if context is None else self._providers.lookup(context)
            if found is not None:
                entry = CacheEntry(tuple(found.outputs), found.ui)
                self._cache.put(key, entry)
        return entry

    def offer(self, node_id: str, entry: CacheEntry) -> None:
        """Give a fresh result to the providers."""
        context = self._provider_context(node_id) if self._providers else None
        if context is not None:
            self._providers.store(context, CacheValue(entry.outputs, entry.ui))

    def _provider_context(self, node_id: str) -> CacheContext | None:
        """None for a node that other processes have no use for: added by expansion, or unlike any other."""
        if self.prompt.get_parent_node_id(node_id) is not None or not self._signatures.is_comparable(node_id):
            return None
        class_type = self.prompt.get_node(node_id)["class_type"]
        return CacheContext(node_id, class_type, self.key_of(node_id).hex())

    def evaluated(self, node_id: str) -> bool:
        return node_id in self._results

    def from_link(self, source: str, slot: int) -> Any:
        """The list in an output slot: ``[None]`` beyond the last slot, ``(None,)`` while the node has not run."""
        outputs = self._results.get(source)
        if outputs is None:
            return _NOT_EVALUATED
        return outputs[slot] if 0 <= slot < len(outputs) else [None]

    def hold(self, source: str) -> None:
        """One more reader of ``source``."""
        self._uses[source] = self._uses.get(source, 0) + 1

    def release(self, source: str) -> None:
        """One reader of ``source`` is done."""
        self._uses[source] -= 1
        if self._uses[source] <= 0:
            self._results.pop(source, None)

    def done(self, node_id: str, outputs: Outputs) -> None:
        """``node_id`` has run: hold its outputs for its readers, let go what it read itself."""
        if self._uses.get(node_id):
            self._results[node_id] = outputs
        for source in self._reads.pop(node_id, ()):
            self.release(source)

    def _is_changed(self, node_id: str) -> Any:
        node = self.prompt.get_node(node_id)
        if "is_changed" not in node:
            declared = self.declared(node["class_type"])
            if not hasattr(declared.definition.node_class, "IS_CHANGED"):
                return False
            node["is_changed"] = ask_is_changed(node_id, node["inputs"], declared, self._caller)
        return node["is_changed"]


def ask_is_changed(node_id: str, inputs: Mapping[str, Any], declared: DeclaredInputs, caller: Caller) -> Any:
    """What ``IS_CHANGED`` says of each list item; NaN, which equals nothing, when it fails."""
    definition = declared.definition
    try:
        function = definition.node_class.IS_CHANGED  # type: ignore[attr-defined]
        statics = gather_static(declared.with_inputs(inputs), inputs, node_id)
        calls = list_calls(statics, definition.input_is_list)
        answers = caller.call_each(node_id, function, calls, definition.input_is_list, lambda blocker: None)
        return [caller.finished(answer) for answer in answers]
    except FileNotFoundError as missing:  # the node itself says so, when it runs
        log.debug("IS_CHANGED of node %s (%s) found no file: %s", node_id, definition.name, missing)
        return float("nan")
    except InterruptProcessingException:  # the run is about to end
        return float("nan")
    except BaseException as error:
        if is_a_persons_stop(error):
            raise
        log.warning("IS_CHANGED of node %s (%s) failed; the node runs again", node_id, definition.name, exc_info=True)
        return float("nan")
