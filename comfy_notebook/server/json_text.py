"""JSON that every reader accepts: nodes may leave NaN or odd objects in what they show."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def dumps(value: Any) -> str:
    """JSON text; what JSON does not know becomes its text, numbers that are not finite become ``null``."""
    try:
        return json.dumps(value, allow_nan=False, default=_known)
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, default=str)


def _known(value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a numpy or torch scalar
        return value.item()
    return str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    known = value if value is None or isinstance(value, (str, int)) else _known(value)
    return _finite(known) if isinstance(known, float) else known
