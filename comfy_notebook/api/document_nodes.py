"""The nodes of a document by name, and where each widget value lives: in a node, in a subgraph, in its instance.

A definition of a subgraph is shared by its instances: what is set on a node inside is set in all of them. A widget
that an instance shows as its own has its value there, one for each instance, and reading or setting the widget inside
leads to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..workflow.graph import INPUT_NODE, OWN, Scope, Scopes
from ..workflow.repair import definitions
from ..workflow.resolve import PRIMITIVE
from ..workflow.specs import InputSpec, children, input_specs
from ..workflow.widget_values import widget_values
from .lookup import NameNotFound, not_found
from .widget_node import WidgetNode

InfoSource = Callable[[str], Mapping[str, Any] | None]
Json = dict[str, Any]
Home = tuple[Scope, Json, str]

#: A widget list may be saved without its tail; this many missing places are looked for.
MISSING_TAIL = 8

_MARK: Any = object()


class DocumentNodes:
    """Reads and sets the widget values of ``document`` in place; ``changed(patch)`` hears of every change."""

    def __init__(self, document: Json, info: InfoSource, changed: Callable[[Json], None] = lambda patch: None) -> None:
        self.document = document
        self._info = info
        self._changed = changed
        self._scopes = Scopes(document, info, skipped=True)
        self._definitions = {str(item.get("id")): item for item in definitions(document)}

    def all(self) -> list[WidgetNode]:
        """Every node that is not inside a subgraph, in the order of the document."""
        return self._nodes_of(self._scopes.root)

    def inside(self, scope: Scope, node: Json) -> list[WidgetNode]:
        """The nodes inside a subgraph instance; none of any other node."""
        return self._nodes_of(scope.children[str(node["id"])]) if self._is_instance(node) else []

    def _nodes_of(self, scope: Scope) -> list[WidgetNode]:
        return [WidgetNode(self, scope, node) for node in scope.graph.nodes.values()]

    def _is_instance(self, node: Json) -> bool:
        return node["type"] in self._definitions

    # Names

    def find(self, name: Any) -> WidgetNode:
        """The one node called ``name``: by title, else id, else class type; ``"Subgraph/Node"`` and ``"12:3"`` lead
        into subgraphs. Raises ``KeyError`` with candidates."""
        wanted, root = str(name), self._scopes.root
        found = self._one(root, wanted)
        if found is not None:
            return WidgetNode(self, root, found)
        inner = self._by_id(wanted) or self._along(root, wanted)
        if inner is not None:
            return inner
        raise NameNotFound(not_found("node", wanted, *self._known(root)))

    def _one(self, scope: Scope, wanted: str) -> Json | None:
        nodes = scope.graph.nodes.values()
        for called in (self.title, lambda node: str(node["id"]), lambda node: node["type"]):
            found = [node for node in nodes if called(node) == wanted]
            if len(found) > 1:
                listed = ", ".join(f"'{scope.prefix}{node['id']}' ({self.title(node)})" for node in found)
                raise NameNotFound(f"{len(found)} nodes are called {wanted!r}; use an id: {listed}")
            if found:
                return found[0]
        return None

    def _by_id(self, wanted: str) -> WidgetNode | None:
        scope: Scope | None = self._scopes.root
        *outer, last = wanted.split(":")
        for part in outer:
            scope = self._child(scope, part) if scope is not None else None
        node = scope.graph.nodes.get(last) if scope is not None else None
        return None if scope is None or node is None else WidgetNode(self, scope, node)

    def _child(self, scope: Scope, key: str) -> Scope | None:
        node = scope.graph.nodes.get(key)
        return scope.children[key] if node is not None and self._is_instance(node) else None

    def _along(self, scope: Scope, path: str) -> WidgetNode | None:
        """The node that a path of names leads to; a name may itself hold slashes."""
        for end in (place for place, char in enumerate(path) if char == "/"):
            instance = self._one(scope, path[:end])
            child = self._child(scope, str(instance["id"])) if instance is not None else None
            if instance is None or child is None:
                continue
            rest = path[end + 1 :]
            found = self._one(child, rest)
            inner = WidgetNode(self, child, found) if found is not None else self._along(child, rest)
            if inner is None:
                raise NameNotFound(not_found(f"node inside {self.title(instance)!r} called", rest, *self._known(child)))
            return inner
        return None

    def _known(self, scope: Scope) -> tuple[list[str], list[str]]:
        nodes = scope.graph.nodes.values()
        return [self.title(node) for node in nodes], [node["type"] for node in nodes if not self._is_instance(node)]

    def title(self, node: Json) -> str:
        """The title a node shows: its own, else the name of its subgraph, else the display name of its class."""
        title = node.get("title")
        if title:
            return str(title)
        known = self._definitions.get(node["type"])
        named = known.get("name") if known is not None else (self._info(node["type"]) or {}).get("display_name")
        return str(named or node["type"])

    # Values

    def values(self, scope: Scope, node: Json) -> Json:
        """Every widget value of a node by name, as the node itself will get it."""
        values = self._own_values(scope, node)
        for name in values:
            try:
                home = self._home(scope, node, name)
            except ValueError:  # linked: its own value waits for the link to go
                continue
            if home[1] is not node:
                values[name] = self._own_values(*home[:2])[home[2]]
        return values

    def _own_values(self, scope: Scope, node: Json) -> Json:
        saved = node.get("widgets_values")
        if node["type"] == PRIMITIVE:
            return {"value": saved[0]} if isinstance(saved, list) and saved else {}
        if not self._is_instance(node):
            return widget_values(node, self._info(node["type"]))
        values: Json = {}
        for place, (label, owner, name) in enumerate(self._labels(scope, node)):
            value = saved[place] if isinstance(saved, list) and place < len(saved) else None
            value = saved.get(name) if isinstance(saved, dict) and owner == OWN else value
            values[label] = self._inner_value(scope.children[str(node["id"])], owner, name) if value is None else value
        return values

    def _labels(self, scope: Scope, instance: Json) -> Iterator[tuple[str, str, str]]:
        """The widgets of a subgraph instance: (name, owner, name there); the second of a name is told by its owner."""
        taken: set[str] = set()
        for owner, name in self._scopes.places(instance, scope.children[str(instance["id"])].graph):
            label = name if name not in taken else f"{owner}.{name}"
            taken.add(label)
            yield label, owner, name

    def _inner_value(self, child: Scope, owner: str, name: str) -> Any:
        """What the widget inside holds that a widget of the instance stands for."""
        for node, inner in self._stood_for(child, owner, name):
            values = self._own_values(child, node)
            if inner in values:
                return values[inner]
        return None

    def _stood_for(self, child: Scope, owner: str, name: str) -> Iterator[tuple[Json, str]]:
        """The inputs of nodes inside that a widget of the instance may stand for."""
        if owner != OWN:
            node = child.graph.nodes.get(owner)
            if node is not None:
                yield node, name
            return
        for slot, declared in enumerate(child.graph.inputs):
            for link in child.graph.incoming.get(slot, ()) if declared.get("name") == name else ():
                node = child.graph.nodes.get(link.target)
                slots = (node or {}).get("inputs") or ()
                if node is not None and 0 <= link.target_slot < len(slots):
                    yield node, str(slots[link.target_slot].get("name"))

    def spec(self, scope: Scope, node: Json, name: str) -> InputSpec | None:
        """What a widget is declared as, for one of a subgraph instance the widget inside; None where nobody knows."""
        if self._is_instance(node):
            child = scope.children[str(node["id"])]
            owners = [(owner, inner) for label, owner, inner in self._labels(scope, node) if label == name]
            places = [place for owner, inner in owners for place in self._stood_for(child, owner, inner)]
            return next((found for place in places if (found := self.spec(child, *place)) is not None), None)
        entry = self._info(node["type"])
        known = input_specs(entry) if entry is not None else []
        values = self._own_values(scope, node)
        for spec in known:
            if spec.name == name:
                return spec
            known += children(spec, values.get(spec.name))
        return None

    def _home(self, scope: Scope, node: Json, name: str) -> Home:
        """Where a widget's value lives; raises ``ValueError`` when a link feeds it."""
        for slot in node.get("inputs") or ():
            if not isinstance(slot, dict) or slot.get("name") != name or slot.get("link") is None:
                continue
            link = scope.graph.links.get(str(slot["link"]))
            if link is not None and link.origin == INPUT_NODE and scope.parent is not None:
                outer, _ = scope.input_of(link.origin_slot)
                if outer in self._own_values(scope.parent, scope.instance):
                    return self._home(scope.parent, scope.instance, outer)
            source = scope.graph.nodes.get(link.origin) if link is not None else None
            named = self.title(source) if source is not None else self.title(scope.instance or node)
            raise ValueError(f"{name!r} of {self.title(node)!r} is linked to {named!r}; change the value there.")
        if scope.parent is not None:
            for label, owner, inner in self._labels(scope.parent, scope.instance):
                if (owner, inner) == (str(node["id"]), name):
                    return scope.parent, scope.instance, label
        return scope, node, name

    def set(self, scope: Scope, node: Json, name: str, value: Any, *, alone: bool = False) -> None:
        """Give a widget another value.

        Raises ``KeyError`` for an unknown name and ``ValueError`` where a link feeds it or, with ``alone``, where other
        instances of the same subgraph would change too.
        """
        known = self._own_values(scope, node)
        if name not in known:
            raise NameNotFound(not_found(f"widget of {self.title(node)!r} called", name, known))
        scope, node, name = self._home(scope, node, name)
        if alone and sum(other.graph is scope.graph for other in self._scopes.all) > 1:
            raise ValueError(f"{self.title(node)!r} is part of several instances of its subgraph.")
        saved = node.get("widgets_values")
        if isinstance(saved, dict):
            node["widgets_values"] = {**saved, name: value}
        elif self._is_instance(node):
            shown = self._own_values(scope, node)
            node["widgets_values"] = list({**shown, name: value}.values())
        else:
            node["widgets_values"] = self._with_value(node, list(saved or ()), name, value)
        inner = scope.parent is not None
        definitions_ = self.document.get("definitions")
        self._changed({"set": {"definitions": definitions_}} if inner else {"nodes": {"set": [node]}})

    def _with_value(self, node: Json, saved: list[Any], name: str, value: Any) -> list[Any]:
        """The widget list with ``value`` at the place that is read as ``name``, missing places filled up."""
        if node["type"] == PRIMITIVE:
            return [value, *saved[1:]]
        shown = widget_values(node, self._info(node["type"]))
        for place in range(len(saved) + MISSING_TAIL):
            if self._read_with(node, saved, place).get(name) is _MARK:
                for missing in range(len(saved), place):
                    read = self._read_with(node, saved, missing)
                    owner = next((key for key, item in read.items() if item is _MARK), None)
                    saved.append(shown[owner] if owner is not None else "fixed")
                return [*saved[:place], value, *saved[place + 1 :]]
        raise ValueError(f"{name!r} of {self.title(node)!r} has no place in the saved values; set it in the editor.")

    def _read_with(self, node: Json, saved: list[Any], place: int) -> Json:
        """The values by name when the mark stands at ``place``."""
        padded = [*saved, *[None] * (place + 1 - len(saved))]
        padded[place] = _MARK
        return widget_values({**node, "widgets_values": padded}, self._info(node["type"]))
