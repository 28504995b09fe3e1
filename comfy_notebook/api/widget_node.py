"""One node of a workflow as Python sees it: what ``wf["KSampler"].seed = 7`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .lookup import NameNotFound, not_found
from .pictures import holds_pictures, is_picture
from .value_checks import InvalidValue, check_limits, checked

if TYPE_CHECKING:
    from ..workflow.graph import Scope
    from .document_nodes import DocumentNodes


class WidgetNode:
    """One node of a workflow. Widget values are attributes: ``node.seed``, ``node.seed = 7``; setting one raises
    ``ValueError`` for what the widget can't take.

    Names that are no Python identifiers, or that clash with ``id title type nodes values``, go through
    ``node["name"]``.
    """

    __slots__ = ("_all", "_node", "_scope")
    _all: DocumentNodes
    _node: dict[str, Any]
    _scope: Scope

    def __init__(self, all_nodes: DocumentNodes, scope: Scope, node: dict[str, Any]) -> None:
        for name, value in (("_all", all_nodes), ("_scope", scope), ("_node", node)):
            object.__setattr__(self, name, value)

    @property
    def id(self) -> str:
        """The node's id as runs and results know it: ``"12:3"`` for node 3 inside the subgraph instance 12."""
        return f"{self._scope.prefix}{self._node['id']}"

    @property
    def type(self) -> str:
        """The class type."""
        return str(self._node["type"])

    @property
    def title(self) -> str:
        """The title drawn on the node."""
        return self._all.title(self._node)

    @property
    def values(self) -> dict[str, Any]:
        """Every widget value by name."""
        return self._all.values(self._scope, self._node)

    @property
    def nodes(self) -> list[WidgetNode]:
        """The nodes inside, where this is a subgraph."""
        return self._all.inside(self._scope, self._node)

    def __getitem__(self, name: str) -> Any:
        values = self.values
        if name not in values:
            raise NameNotFound(not_found(f"widget of {self.title!r} called", name, values))
        return values[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._all.set(self._scope, self._node, name, self._checked(name, value))

    def _checked(self, name: str, value: Any) -> Any:
        """``value`` in the form the document holds; raises ``ValueError`` for what the widget can't take."""
        where = f"{self.title}.{name}"
        spec = self._all.spec(self._scope, self._node, name)
        if spec is None:
            return checked(value, "*", where)
        if spec.has_upload and (is_picture(value) or holds_pictures(value)):
            raise InvalidValue(
                f"{where} holds the name of a file; give pictures to a run: run({{'{where}': picture}})."
            )
        kind = spec.choices if spec.choices else spec.widget_type
        value = checked(value, kind, where)
        check_limits(value, kind, spec.options, where)
        return value

    def set_alone(self, name: str, value: Any) -> None:
        """As ``node[name] = value``, but raises ``ValueError`` where that would change other nodes too."""
        self._all.set(self._scope, self._node, name, value, alone=True)

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
        kind = "subgraph" if self.nodes else self.type
        return f"<{self.title} ({kind}, node {self.id}){': ' if values else ''}{values}>"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
