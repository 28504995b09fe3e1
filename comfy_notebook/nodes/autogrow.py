"""Inputs that grow with use: ``values.a``, ``values.b`` … arrive as keyword arguments with dotted names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from .inputs import OpenInputs

_DIGITS = re.compile(r"[0-9]*$")

#: How many sockets a new node shows; a workflow may connect more.
SHOWN = 4


class GrowingInputs(OpenInputs):
    """Optional inputs ``<group>.<name>``: the first of them are listed, a link or a constant to any further one is
    accepted too."""

    def __init__(self, group: str, kind: str, names: Sequence[str]) -> None:
        members = {f"{group}.{name}": _socket(kind, name) for name in names}
        super().__init__(dict(islice(members.items(), SHOWN)), members)


def _socket(kind: str, name: str) -> tuple[str, dict[str, Any]]:
    return (kind, {"forceInput": True, "display_name": name})


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
