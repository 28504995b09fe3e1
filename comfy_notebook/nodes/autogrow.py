"""Inputs that grow with use: ``values.a``, ``values.b`` … arrive as keyword arguments with dotted names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .inputs import Spec, socket

_DIGITS = re.compile(r"[0-9]*$")


def growing(kind: str, names: Sequence[str], tooltip: str = "") -> Spec:
    """A group of optional sockets of one type, called ``<group>.<name>``: the editor shows one more than are linked."""
    template = {"input": {"optional": {"value": socket(kind, tooltip)}}, "names": list(names), "min": 1}
    return ("COMFY_AUTOGROW_V3", {"template": template})


def members(group: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What was given to the inputs of ``group``, by the part of their names after the dot, in the given order."""
    prefix = group + "."
    return {name[len(prefix) :]: value for name, value in arguments.items() if name.startswith(prefix)}


def by_number(given: Mapping[str, Any]) -> list[Any]:
    """The values of :func:`members`, ``image2`` before ``image10``."""
    return [given[name] for name in sorted(given, key=lambda name: int("0" + _DIGITS.findall(name)[0]))]


def numbered(prefix: str, count: int) -> list[str]:
    """``<prefix>0``, ``<prefix>1`` … ``count`` names."""
    return [f"{prefix}{number}" for number in range(count)]
