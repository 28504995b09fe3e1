"""``@node``: a function is a node, at once, in every open editor; in a pack's file it is one of the pack's nodes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from ..protocol.definition import NodeDefinition


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
    The function itself stays callable as before. V1 and V3 classes are taken as they are.

    In a file that is imported, the node also stands in the file's ``NODE_CLASS_MAPPINGS`` and
    ``NODE_DISPLAY_NAME_MAPPINGS``: such a file is a custom node pack, here and in ComfyUI.
    """

    def register(target: Callable[..., Any]) -> Callable[..., Any]:
        from .. import session as sessions
        from ..protocol.function import definition_from_function

        definition = definition_from_function(target, **options)
        _offer(target, definition)
        if not _somebody_registers(target):
            sessions.current().registry.register(definition)
        return target

    return register if function is None else register(function)


def _offer(target: Any, definition: NodeDefinition) -> None:
    """Write the node into the mappings of the file it stands in; a notebook's cells are no file."""
    file = sys.modules.get(str(getattr(target, "__module__", "")))
    if file is None or file.__name__ == "__main__":
        return
    written = target if isinstance(target, type) else definition.node_class
    vars(file).setdefault("NODE_CLASS_MAPPINGS", {})[definition.name] = written
    vars(file).setdefault("NODE_DISPLAY_NAME_MAPPINGS", {})[definition.name] = definition.display_name


def _somebody_registers(target: Any) -> bool:
    """Whether the file of ``target`` is part of a pack that is being loaded, or the program is ComfyUI itself."""
    from ..compat.errors import pack_of_file

    file = getattr(sys.modules.get(str(getattr(target, "__module__", ""))), "__file__", None)
    if file is not None and pack_of_file(file) is not None:
        return True
    theirs: Any = sys.modules.get("nodes")
    return hasattr(theirs, "NODE_CLASS_MAPPINGS") and not theirs.__name__.startswith("comfy_notebook.")
