"""JSON that every reader accepts: nodes may leave NaN or odd objects in what they show."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

#: Deeper than this nothing is told.
MAX_DEPTH = 200
#: Longer whole numbers have no decimal text.
MAX_BITS = 8192


def dumps(value: Any) -> str:
    """JSON text of anything: what JSON does not know becomes its text, numbers that are not finite become ``null``."""
    try:
        return json.dumps(value, allow_nan=False, default=_known)
    except (ValueError, TypeError, RecursionError):
        return json.dumps(_plain(value, ()), allow_nan=False)


def _known(value: Any) -> Any:
    """A number of numpy or torch as a number, else the text of ``value``."""
    try:
        if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
            return value.item()
        return str(value)
    except Exception:  # of the value's own methods
        return f"<{type(value).__name__}>"


def _plain(value: Any, around: tuple[int, ...]) -> Any:
    """``value`` made of what JSON knows; ``around`` = the ids of what it lies in, for lists that hold themselves."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() <= MAX_BITS else None
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if id(value) in around or len(around) > MAX_DEPTH:
        return "…"
    around = (*around, id(value))
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, around) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, around) for item in value]
    known = _known(value)
    return known if isinstance(known, str) else _plain(known, around)


def _key(key: Any) -> Any:
    is_short = isinstance(key, int) and key.bit_length() <= MAX_BITS
    return key if key is None or is_short or isinstance(key, str) else str(_known(key))
