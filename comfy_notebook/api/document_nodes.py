"""Nodes of a document by name, and their widget values by name: what ``wf["KSampler"].seed = 7`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..workflow.widget_values import widget_values
from .lookup import NameNotFound, not_found

InfoSource = Callable[[str], Mapping[str, Any] | None]

#: A widget list may be saved without its tail; this many missing places are looked for.
MISSING_TAIL = 8


class WidgetNode:
    """One node of a workflow. Widget values are attributes: ``node.seed``, ``node.seed = 7``.

    Names that are no Python identifiers, or that clash with ``id title type mode``, go through ``node["name"]``.
    """

    __slots__ = ("_changed", "_info", "_node", "_origin")

    def __init__(
        self,
        node: dict[str, Any],
        info: InfoSource,
        origin: Callable[[Any], str],
        changed: Callable[[dict[str, Any]], None],
    ) -> None:
        """``origin(link id)`` names the node a link comes from, ``changed(node)`` hears of every new value."""
        for name, value in (("_node", node), ("_info", info), ("_origin", origin), ("_changed", changed)):
            object.__setattr__(self, name, value)

    @property
    def id(self) -> str:
        """The node's id as text."""
        return str(self._node.get("id"))

    @property
    def type(self) -> str:
        """The class type."""
        return str(self._node.get("type"))

    @property
    def title(self) -> str:
        """The title drawn on the node."""
        return node_title(self._node, self._info)

    @property
    def values(self) -> dict[str, Any]:
        """Every widget value by name."""
        if self.type == "PrimitiveNode":
            saved = self._node.get("widgets_values")
            return {"value": saved[0]} if isinstance(saved, list) and saved else {}
        return widget_values(self._node, self._info(self.type))

    def __getitem__(self, name: str) -> Any:
        values = self.values
        if name not in values:
            raise NameNotFound(not_found(f"widget of {self.title!r} called", name, values))
        return values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self[name]  # a wrong name raises before anything changes
        if (source := self._linked_to(name)) is not None:
            raise ValueError(f"{name!r} of {self.title!r} is linked to {source!r}; change the value there.")
        saved = self._node.get("widgets_values")
        if isinstance(saved, dict):
            self._node["widgets_values"] = {**saved, name: value}
        else:
            self._node["widgets_values"] = self._with_value(list(saved or ()), name, value)
        self._changed(self._node)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as exc:
            raise AttributeError(str(exc)) from None

    def __setattr__(self, name: str, value: Any) -> None:
        try:
            self[name] = value
        except KeyError as exc:
            raise AttributeError(str(exc)) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name in self.values if name.isidentifier())]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={_short(value)}" for name, value in self.values.items())
        return f"<{self.title} ({self.type}, node {self.id}){': ' if values else ''}{values}>"

    def _linked_to(self, name: str) -> str | None:
        for slot in self._node.get("inputs") or ():
            if isinstance(slot, dict) and slot.get("name") == name and slot.get("link") is not None:
                return str(self._origin(slot["link"]))
        return None

    def _with_value(self, saved: list[Any], name: str, value: Any) -> list[Any]:
        """The widget list with ``value`` at the place that is read as ``name``, missing places filled up."""
        if self.type == "PrimitiveNode":
            return [value, *saved[1:]]
        for place in range(len(saved) + MISSING_TAIL):
            if self._read_with(saved, place).get(name) is _MARK:
                for missing in range(len(saved), place):
                    read = self._read_with(saved, missing)
                    owner = next((key for key, item in read.items() if item is _MARK), None)
                    saved.append(self.values[owner] if owner is not None else "fixed")
                return [*saved[:place], value, *saved[place + 1 :]]
        raise ValueError(f"{name!r} of {self.title!r} has no place in the saved values; set it in the editor.")

    def _read_with(self, saved: list[Any], place: int) -> dict[str, Any]:
        """The values by name when the mark stands at ``place``."""
        padded = [*saved, *[None] * (place + 1 - len(saved))]
        padded[place] = _MARK
        return widget_values({**self._node, "widgets_values": padded}, self._info(self.type))


_MARK: Any = object()


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"


def node_title(node: Mapping[str, Any], info: InfoSource) -> str:
    """The title a node shows: its own, else the display name of its class."""
    title = node.get("title")
    if title:
        return str(title)
    entry = info(str(node.get("type"))) or {}
    return str(entry.get("display_name") or node.get("type"))


def names_of(node: Mapping[str, Any], info: InfoSource) -> Iterator[str]:
    """Everything a node answers to, the most particular first."""
    yield node_title(node, info)
    yield str(node.get("id"))
    yield str(node.get("type"))


def find_document_node(document: Mapping[str, Any], name: Any, info: InfoSource) -> dict[str, Any]:
    """The one node called ``name``: by title, else id, else class type. Raises ``KeyError`` with candidates."""
    wanted = str(name)
    nodes = [node for node in document.get("nodes", ()) if isinstance(node, dict)]
    for rank in range(3):
        found = [node for node in nodes if list(names_of(node, info))[rank] == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(f"{node.get('id')!r} ({node_title(node, info)})" for node in found)
            raise NameNotFound(f"{len(found)} nodes are called {wanted!r}; use an id: {listed}")
    titles = [node_title(node, info) for node in nodes]
    raise NameNotFound(not_found("node", wanted, titles, [str(node.get("type")) for node in nodes]))


def widget_node(
    document: Mapping[str, Any],
    node: dict[str, Any],
    info: InfoSource,
    changed: Callable[[dict[str, Any]], None] = lambda node: None,
) -> WidgetNode:
    """``node`` of ``document``, to read and set widget values; setting one changes the node in place."""

    def origin(link_id: Any) -> str:
        for link in document.get("links", ()):
            number, source = (link["id"], link["origin_id"]) if isinstance(link, dict) else (link[0], link[1])
            if number == link_id:
                return next((node_title(each, info) for each in document["nodes"] if each.get("id") == source), "?")
        return "another node"

    return WidgetNode(node, info, origin, changed)
