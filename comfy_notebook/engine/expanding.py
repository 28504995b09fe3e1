"""What an expanding node returned, until the nodes it added have run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..protocol.definition import NodeDefinition
from ..protocol.expansion import is_link
from ..protocol.registry import Registry
from .calling import Returned, add_output, is_list_output
from .failure import NodeInputError, UnknownNodeError
from .run_graph import Outputs, RunGraph

_A_GRAPH = "An expansion is a dict of nodes as GraphBuilder.finalize() gives it"


@dataclass
class Expansion:
    """``returns``: what each call returned; ``sources``: the nodes its outputs come from, one entry per link."""

    returns: list[Returned]
    ui: dict[str, list[Any]] | None
    sources: list[str] = field(default_factory=list)
    output_nodes: list[str] = field(default_factory=list)


def expand(node_id: str, returns: list[Returned], ui: Any, graph: RunGraph, registry: Registry) -> Expansion:
    """Add the nodes that ``node_id`` returned to the prompt and hold what its outputs come from.

    Raises :class:`UnknownNodeError`, ``DuplicateNodeError``, :class:`NodeInputError` or ``TypeError`` for a faulty
    expansion.
    """
    expansion = Expansion(returns, ui)
    for one in returns:
        if one.expand is not None and not isinstance(one.expand, Mapping):
            raise TypeError(f"{_A_GRAPH}, not {type(one.expand).__name__}")
        for new_id, info in (one.expand or {}).items():
            entry = _entry(str(new_id), info)
            definition = registry.get(entry["class_type"])
            if definition is None:
                raise UnknownNodeError(f"The expansion contains {entry['class_type']!r}, which is not installed")
            display = info.get("override_display_id")
            graph.prompt.add_ephemeral_node(
                str(new_id), entry, node_id, str(display) if display is not None else node_id
            )
            if definition.is_output_node:
                expansion.output_nodes.append(str(new_id))
        if one.expand is not None:
            expansion.sources += [value[0] for value in one.values if is_link(value)]
    for source in expansion.sources:
        if not graph.prompt.has_node(source):
            raise NodeInputError(f"The expansion links its result to node {source}, which is not there")
        graph.hold(source)
    return expansion


def _entry(new_id: str, info: Any) -> dict[str, Any]:
    """One node of an expansion as a prompt entry of its own; raises ``TypeError`` for what is none."""
    if not isinstance(info, Mapping) or not isinstance(info.get("class_type"), str):
        raise TypeError(f"{_A_GRAPH}; its node {new_id} is {type(info).__name__} without a class_type")
    inputs = info.get("inputs") or {}
    if not isinstance(inputs, Mapping):
        raise TypeError(f"{_A_GRAPH}; the inputs of its node {new_id} are no dict but {type(inputs).__name__}")
    return {**info, "inputs": dict(inputs)}


def resolve(expansion: Expansion, graph: RunGraph, definition: NodeDefinition) -> Outputs:
    """The outputs of an expanding node whose sources have run; lets the sources go."""
    count = max(len(one.values) for one in expansion.returns)
    if any(one.blocker is not None for one in expansion.returns):
        count = max(count, len(definition.outputs))
    outputs: Outputs = tuple([] for _ in range(count))
    for one in expansion.returns:
        for slot in range(count):
            value: Any = one.blocker
            if value is None and slot < len(one.values):
                value = one.values[slot]
            if one.expand is not None and is_link(value):
                outputs[slot].extend(graph.from_link(value[0], int(value[1])))
            else:
                add_output(outputs[slot], value, one.expand is None and is_list_output(definition, slot))
    for source in expansion.sources:
        graph.release(source)
    return outputs
