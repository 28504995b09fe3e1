"""Values beside the tensors of a CONDITIONING."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: ``[[tensor, dict], …]``
Conditioning = list[Any]


def with_values(conditioning: Conditioning, values: Mapping[str, Any], append: bool = False) -> Conditioning:
    """A CONDITIONING with ``values`` set in every entry's dict, a copy; ``append`` joins lists that are there."""
    changed = []
    for tensor, known, *rest in conditioning:
        entry = dict(known)
        for key, value in values.items():
            entry[key] = [*entry[key], *value] if append and entry.get(key) is not None else value
        changed.append([tensor, entry, *rest])
    return changed
