"""What an expanding node returned, until the nodes it added have run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..protocol.definition import NodeDefinition
from ..protocol.expansion import is_link
from ..protocol.registry import Registry
from .calling import Returned, add_output, is_list_output
from .failure import NodeInputError, UnknownNodeError
from .run_graph import Outputs, RunGraph


@dataclass
class Expansion:
    """``returns``: what each call returned; ``sources``: the nodes its outputs come from, one entry per link."""

    returns: list[Returned]
    ui: dict[str, list[Any]] | None
    sources: list[str] = field(default_factory=list)
    output_nodes: list[str] = field(default_factory=list)


def expand(node_id: str, returns: list[Returned], ui: Any, graph: RunGraph, registry: Registry) -> Expansion:
    """Add the nodes that ``node_id`` returned to the prompt and hold what its outputs come from.

    Raises :class:`UnknownNodeError`, ``DuplicateNodeError`` or :class:`NodeInputError` for a faulty expansion.
    """
    expansion = Expansion(returns, ui)
    for one in returns:
        for new_id, info in (one.expand or {}).items():
            definition = registry.get(info["class_type"])
            if definition is None:
                raise UnknownNodeError(f"The expansion contains {info['class_type']!r}, which is not installed")
            entry = {**info, "inputs": dict(info.get("inputs") or {})}
            graph.prompt.add_ephemeral_node(str(new_id), entry, node_id, info.get("override_display_id") or node_id)
            if definition.is_output_node:
                expansion.output_nodes.append(str(new_id))
        if one.expand is not None:
            expansion.sources += [value[0] for value in one.values if is_link(value)]
    for source in expansion.sources:
        if not graph.prompt.has_node(source):
            raise NodeInputError(f"The expansion links its result to node {source}, which is not there")
        graph.hold(source)
    return expansion


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
