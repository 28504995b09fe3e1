"""Graphs built by nodes while they run: what a node returns under ``expand`` (loops, macros, generated sub-graphs)."""

from __future__ import annotations

import itertools
from contextvars import ContextVar
from typing import Any

#: What a prefix is built from while a node runs: ``[node id, call index, number of builders made in this call]``.
builder_scope: ContextVar[list[Any] | None] = ContextVar("comfy_notebook_builder_scope", default=None)

_free_prefixes = itertools.count()


def is_link(value: Any) -> bool:
    """Whether a prompt input is a link: a list of a node id (text) and an output slot (a whole number)."""
    if not isinstance(value, list) or len(value) != 2 or not isinstance(value[0], str):
        return False
    slot = value[1]
    return type(slot) is int or (isinstance(slot, float) and slot.is_integer())


class GraphNode:
    """One node under construction."""

    def __init__(self, id: str, class_type: str, inputs: dict[str, Any]) -> None:
        self.id = id
        self.class_type = class_type
        self.inputs = inputs
        self.override_display_id: str | None = None

    def out(self, index: int) -> list[Any]:
        """The link to output ``index`` of this node."""
        return [self.id, index]

    def set_input(self, key: str, value: Any) -> None:
        """Set one input; None removes it."""
        if value is None:
            self.inputs.pop(key, None)
        else:
            self.inputs[key] = value

    def get_input(self, key: str) -> Any:
        return self.inputs.get(key)

    def set_override_display_id(self, override_display_id: str | None) -> None:
        """Show this node's progress and errors on another node of the drawn graph."""
        self.override_display_id = override_display_id

    def serialize(self) -> dict[str, Any]:
        """This node as a prompt entry."""
        entry: dict[str, Any] = {"class_type": self.class_type, "inputs": self.inputs}
        if self.override_display_id is not None:
            entry["override_display_id"] = self.override_display_id
        return entry


class GraphBuilder:
    """Collects nodes under one id prefix, the same from run to run so that their results can be reused."""

    def __init__(self, prefix: str | None = None) -> None:
        self.prefix = self.alloc_prefix() if prefix is None else prefix
        self.nodes: dict[str, GraphNode] = {}
        self._next = itertools.count(1)

    @staticmethod
    def alloc_prefix(root: str | None = None, call_index: int | None = None, graph_index: int | None = None) -> str:
        """``"{node}.{call}.{graph}."`` for the node that runs now; a process-wide number outside any run."""
        scope = builder_scope.get()
        if scope is None:
            scope = ["graph", next(_free_prefixes), 0]
        own_root = scope[0] if root is None else root
        own_call = scope[1] if call_index is None else call_index
        if graph_index is None:
            graph_index, scope[2] = scope[2], scope[2] + 1
        return f"{own_root}.{own_call}.{graph_index}."

    def node(self, class_type: str, id: str | None = None, **inputs: Any) -> GraphNode:
        """Add a node; the same ``id`` again answers with the node that is there."""
        full_id = self.prefix + (str(next(self._next)) if id is None else id)
        if full_id not in self.nodes:
            self.nodes[full_id] = GraphNode(full_id, class_type, inputs)
        return self.nodes[full_id]

    def lookup_node(self, id: str) -> GraphNode | None:
        """The node called ``id`` (without the prefix), or None."""
        return self.nodes.get(self.prefix + id)

    def finalize(self) -> dict[str, dict[str, Any]]:
        """The prompt entries to return under ``expand``."""
        return {id: node.serialize() for id, node in self.nodes.items()}

    def replace_node_output(self, node_id: str, index: int, new_value: Any) -> None:
        """Put ``new_value`` wherever output ``index`` of ``node_id`` is linked; None takes the links away."""
        targets = {node_id, self.prefix + node_id}
        for node in self.nodes.values():
            for key, value in list(node.inputs.items()):
                if is_link(value) and value[0] in targets and value[1] == index:
                    node.set_input(key, new_value)

    def remove_node(self, id: str) -> None:
        """Take the node called ``id`` (without the prefix) out; raises ``KeyError`` when there is none."""
        del self.nodes[self.prefix + id]


def add_graph_prefix(
    graph: dict[str, Any], outputs: tuple[Any, ...], prefix: str
) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """A copy of ``graph`` (prompt entries) and of the links in ``outputs`` with every id prefixed."""

    def moved(value: Any) -> Any:
        return [prefix + value[0], value[1]] if is_link(value) else value

    renamed = {
        prefix + id: {**entry, "inputs": {key: moved(value) for key, value in entry["inputs"].items()}}
        for id, entry in graph.items()
    }
    return renamed, tuple(moved(value) for value in outputs)
