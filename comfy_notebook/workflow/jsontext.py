"""JSON as workflow files hold it: bare NaN and Infinity are met in the wild, depth is not bounded by good manners."""

from __future__ import annotations

import json
import math
from typing import Any

from .errors import WorkflowError

MAX_DEPTH = 200
"""Deepest nesting of lists and objects that is read; real files stay below 30."""


def loads(text: str, what: str) -> tuple[Any, int]:
    """Parse JSON ``text``; ``what`` names it in errors. NaN and ±Infinity become ``null``.

    Returns ``(value, count)`` with the number of such replacements. Raises :class:`WorkflowError`.
    """
    replaced = 0

    def constant(_name: str) -> None:
        nonlocal replaced
        replaced += 1

    text = text.removeprefix("\ufeff")
    try:
        value = json.loads(text, parse_constant=constant)
    except json.JSONDecodeError as error:
        raise WorkflowError(_describe(error, text, what)) from None
    except RecursionError:
        raise WorkflowError(f"{what} is nested too deeply (more than {MAX_DEPTH} levels).") from None
    except ValueError:  # what Python reads no further
        raise WorkflowError(_thousands_of_digits(what)) from None
    return value, replaced + _check_parsed(value, what)


def _check_parsed(value: Any, what: str) -> int:
    """Hold parsed JSON to the allowed depth and empty numbers like 1e999 in place; how many of those there were."""
    replaced = 0
    work: list[tuple[Any, int]] = [(value, 0)] if isinstance(value, (dict, list)) else []
    while work:
        container, depth = work.pop()
        if depth > MAX_DEPTH:
            raise WorkflowError(f"{what} is nested too deeply (more than {MAX_DEPTH} levels).")
        for key, child in container.items() if isinstance(container, dict) else enumerate(container):
            kind = type(child)
            if (kind is dict or kind is list) and child:
                work.append((child, depth + 1))
            elif kind is float and not math.isfinite(child):
                container[key] = None
                replaced += 1
    return replaced


def _thousands_of_digits(what: str) -> str:
    return f"{what} holds a whole number with thousands of digits, which no node can use."


def _describe(error: json.JSONDecodeError, text: str, what: str) -> str:
    if not text.strip():
        return f"{what} is empty."
    # whole JSON objects end in a bracket, so anything else was cut off
    if error.pos >= len(text.rstrip()) or not text.rstrip().endswith(("}", "]")):
        return (
            f"{what} ends too early, at line {error.lineno} column {error.colno}: the file is truncated ({error.msg})."
        )
    return f"{what} is not valid JSON: {error.msg} at line {error.lineno} column {error.colno}."


def plain(value: Any, what: str = "The workflow") -> tuple[Any, int]:
    """A copy of ``value`` made of dict, list, str, int, finite float, bool and None only, and how many numbers were
    not finite (they become None). Raises :class:`WorkflowError` for other types, and for nesting without end."""
    copier = _Copier(what)
    return copier.copy(value, 0), copier.replaced


_ATOMS = frozenset({str, bool, type(None)})
_TOO_LARGE = 10**4000
"""Python turns larger numbers into no text, so no file could hold them."""


class _Copier:
    """Copies JSON values; texts, which most values are, cost no call."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.replaced = 0

    def copy(self, value: Any, depth: int) -> Any:
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, int):
            if not -_TOO_LARGE < value < _TOO_LARGE:
                raise WorkflowError(_thousands_of_digits(self._what))
            return value
        if isinstance(value, float):
            return self._number(value)
        if depth > MAX_DEPTH:
            raise WorkflowError(f"{self._what} is nested too deeply (more than {MAX_DEPTH} levels).")
        below = depth + 1
        if isinstance(value, dict):
            return {
                key if type(key) is str else self._key(key): child if type(child) in _ATOMS else self.copy(child, below)
                for key, child in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [child if type(child) in _ATOMS else self.copy(child, below) for child in value]
        raise WorkflowError(f"{self._what} holds a {type(value).__name__}, which JSON cannot hold.")

    def _number(self, value: float) -> float | None:
        if math.isfinite(value):
            return value
        self.replaced += 1
        return None

    def _key(self, key: Any) -> str:
        if not isinstance(key, (str, int, float)):
            raise WorkflowError(f"{self._what} has a key that is no text: {type(key).__name__}.")
        return str(key)


def same(a: Any, b: Any) -> bool:
    """Whether two JSON values are the same text: unlike ``==``, ``1``, ``1.0`` and ``True`` differ."""
    work = [(a, b)]
    while work:
        left, right = work.pop()
        if left is right:
            continue
        if type(left) is not type(right):
            return False
        if isinstance(left, dict):
            if left.keys() != right.keys():
                return False
            work.extend((left[key], right[key]) for key in left)
        elif isinstance(left, list):
            if len(left) != len(right):
                return False
            work.extend(zip(left, right, strict=True))
        elif left != right:
            return False
    return True
