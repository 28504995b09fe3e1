"""What a pack hands over, read into definitions: a ``comfy_entrypoint`` or V1 mappings. One bad node costs one node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..engine.awaiting import finished
from ..protocol.definition import NodeDefinition
from ..protocol.v1 import definition_from_class
from ..protocol.v3 import definition_from_v3


@dataclass
class PackNodes:
    """``definitions`` in the pack's order; ``failed``: why others could not be read, by node."""

    definitions: list[NodeDefinition] = field(default_factory=list)
    failed: dict[str, Exception] = field(default_factory=dict)


def read_extension(entrypoint: Callable[[], Any], python_module: str) -> PackNodes:
    """The nodes of the ``ComfyExtension`` that ``entrypoint`` (plain or async) makes, after its ``on_load``.

    Raises whatever these raise, and ``TypeError`` when they give no extension or no list of nodes.
    """
    extension = finished(entrypoint())
    if not callable(getattr(extension, "get_node_list", None)):
        raise TypeError(f"comfy_entrypoint returned {type(extension).__name__}, not a ComfyExtension")
    if callable(getattr(extension, "on_load", None)):
        finished(extension.on_load())
    classes = finished(extension.get_node_list())
    if not isinstance(classes, list):
        raise TypeError(f"get_node_list returned {type(classes).__name__}, not a list of node classes")
    nodes = PackNodes()
    for cls in classes:
        try:
            nodes.definitions.append(definition_from_v3(cls, python_module=python_module))
        except Exception as error:
            nodes.failed[getattr(cls, "__name__", repr(cls))] = error
    return nodes


def read_mappings(classes: Mapping[str, Any], display_names: Mapping[str, str] | None, python_module: str) -> PackNodes:
    """The nodes of a V1 mapping, in which V3 classes may stand as well."""
    nodes = PackNodes()
    for name, cls in classes.items():
        try:
            title = (display_names or {}).get(name)
            nodes.definitions.append(definition_from_class(name, cls, title, python_module))
        except Exception as error:
            nodes.failed[str(name)] = error
    return nodes
