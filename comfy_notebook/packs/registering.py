"""The nodes of an imported pack into the registry, one by one: a node that is none costs itself alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from types import ModuleType
from typing import Any

from ..compat.extensions import PackNodes, read_extension, read_mappings
from ..compat.stand_in import is_stand_in
from ..protocol.definition import NodeDefinition
from ..protocol.errors import NodeDefinitionError
from ..protocol.registry import Registry
from .report import PackReport

PREFIX = "custom_nodes."
BUILT_IN = "nodes"


def read_nodes(module: ModuleType, origin: str) -> PackNodes | None:
    """The nodes of a pack's module; None where it names none. V1 mappings are preferred to an entry point, which may
    raise anything."""
    mappings = getattr(module, "NODE_CLASS_MAPPINGS", None)
    if mappings is not None:
        if not isinstance(mappings, Mapping):
            raise TypeError(f"NODE_CLASS_MAPPINGS is a {type(mappings).__name__}, not a dict of node classes")
        titles = dict(getattr(module, "NODE_DISPLAY_NAME_MAPPINGS", None) or {})
        read = read_mappings(dict(mappings), titles, origin)
        for name in read.failed:
            missing = _missing_base(mappings.get(name))
            if missing is not None:
                read.failed[name] = NodeDefinitionError(missing)
        return read
    entrypoint = getattr(module, "comfy_entrypoint", None)
    return read_extension(entrypoint, origin) if callable(entrypoint) else None


def register_nodes(registry: Registry, read: PackNodes, report: PackReport, code: str, is_asked_for: bool) -> None:
    """Register what a pack offers and write down in ``report`` what became of it. ``code`` is the fingerprint of the
    pack's files: results of other code are not reused. Built-in nodes win; so do nodes of the notebook's cells, unless
    somebody asks for this very pack (``is_asked_for``): then the file is newer than the cell."""
    origin = PREFIX + report.name
    report.refused.update({name: str(error) for name, error in read.failed.items()})
    for definition in read.definitions:
        known = registry.get(definition.name)
        if known is not None and known.python_module == BUILT_IN:
            report.refused[definition.name] = "a built-in node has this name"
            continue
        if known is not None and known.python_module != origin:
            is_of_pack = known.python_module.startswith(PREFIX)
            if not is_of_pack and not is_asked_for:
                report.refused[definition.name] = "a node of the notebook has this name"
                continue
            other = known.python_module.removeprefix(PREFIX) if is_of_pack else "the notebook"
            report.notes.append(f"{definition.name} takes the place of the node of {other}")
        with suppress(Exception):  # slots, or a metaclass that forbids it
            written: Any = getattr(definition.node_class, "V3_CLASS", definition.node_class)
            written.RELATIVE_PYTHON_MODULE = origin
        registry.register(replace(definition, code=lambda: code))
        report.nodes.append(definition.name)


def _missing_base(cls: Any) -> str | None:
    """What a class would need that is not there."""
    missing = [base for base in getattr(cls, "__mro__", ()) if is_stand_in(base)]
    if not missing:
        return None
    return f"it builds on {missing[0].__module__}.{missing[0].__name__}, which comfy_notebook does not have"


def remove_nodes(registry: Registry, names: list[str], pack: str) -> None:
    """Take nodes away that are still the pack's."""
    for name in names:
        if is_of(registry.get(name), pack):
            registry.remove(name)


def is_of(definition: NodeDefinition | None, pack: str) -> bool:
    return definition is not None and definition.python_module == PREFIX + pack
