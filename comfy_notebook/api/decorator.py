"""``@node``: a function is a node, at once, in every open editor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, overload


@overload
def node(function: Callable[..., Any], /) -> Callable[..., Any]: ...


@overload
def node(
    *,
    name: str | None = None,
    display_name: str | None = None,
    category: str = "notebook",
    description: str | None = None,
    output_node: bool = False,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...


def node(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a node, at once, in every open editor: ``@cn.node`` or ``@cn.node(category="image")``.

    Its annotations are its sockets and widgets (``cn.Image``, ``int``, ``float``, ``str``, ``bool`` …), its defaults
    their values. Running the cell again replaces the code; results that came from the old code are marked stale.
    The function itself stays callable as before.
    """

    def register(target: Callable[..., Any]) -> Callable[..., Any]:
        from .. import session as sessions
        from ..protocol.function import definition_from_function

        sessions.current().registry.register(definition_from_function(target, **options))
        return target

    return register if function is None else register(function)
