"""Inputs that grow with use: ``values.a``, ``values.b`` … arrive as keyword arguments with dotted names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class GrowingInputs(dict[str, Any]):
    """An ``optional`` mapping that declares ``<group>`` once and answers for every ``<group>.<name>``.

    The declared entry is a template for the editor; the dotted names never appear when the mapping is iterated, so
    none of them is required, yet a link or a constant of that name is accepted.
    """

    def __init__(self, group: str, kind: str, template: Mapping[str, Any], minimum: int = 1) -> None:
        entry = {"input": {"required": {"value": (kind, {"forceInput": True})}}, "min": minimum, **template}
        super().__init__({group: ("COMFY_AUTOGROW_V3", {"template": entry})})
        self._prefix = group + "."
        self._member = (kind, {"forceInput": True})

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and name.startswith(self._prefix))

    def __missing__(self, name: str) -> Any:
        if name in self:
            return self._member
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401 - this is `get`


def members(group: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What was given to the inputs of ``group``, by the part of their names after the dot, in the given order."""
    prefix = group + "."
    return {name[len(prefix) :]: value for name, value in arguments.items() if name.startswith(prefix)}


def names(letters: Iterable[str]) -> dict[str, Any]:
    """A template whose inputs have fixed names, used one after the other."""
    return {"names": list(letters)}


def numbered(prefix: str, maximum: int) -> dict[str, Any]:
    """A template whose inputs are called ``<prefix>0``, ``<prefix>1`` …"""
    return {"prefix": prefix, "max": maximum}
