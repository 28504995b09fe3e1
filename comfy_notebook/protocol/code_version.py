"""A fingerprint of what code does, so that results made by other code are not taken for results of this one.

The same source evaluated twice gives the same fingerprint; a changed constant, default or closure value gives another.
Only what the function itself holds counts: functions it calls by global name are not followed.
"""

from __future__ import annotations

import hashlib
import inspect
from types import CodeType, FunctionType
from typing import Any


def function_version(function: Any) -> str:
    """16 hex digits over bytecode, constants, names, defaults and closure values of ``function``."""
    digest = hashlib.blake2b(digest_size=8)
    _feed_function(digest, inspect.unwrap(function), set())
    return digest.hexdigest()


def class_version(cls: type) -> str:
    """The fingerprint of a class written in a notebook or script; ``""`` for one imported from a module.

    Modules do not change under a running kernel, while the cell that defines a class is run again and again.
    """
    if cls.__module__ != "__main__":
        return ""
    digest = hashlib.blake2b(digest_size=8)
    seen: set[int] = set()
    for name, value in sorted(vars(cls).items()):
        function = getattr(value, "__func__", value)
        if isinstance(function, FunctionType):
            digest.update(name.encode())
            _feed_function(digest, function, seen)
        elif name.isupper():
            _feed_value(digest, (name, value), seen)
    return digest.hexdigest()


def _feed_function(digest: Any, function: Any, seen: set[int]) -> None:
    function = getattr(function, "__func__", function)
    if id(function) in seen:
        return
    seen.add(id(function))
    code = getattr(function, "__code__", None)
    if code is None:  # a callable object or a builtin: what it is called is all there is to know
        digest.update(f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', function)}".encode())
        return
    _feed_code(digest, code)
    _feed_value(digest, getattr(function, "__defaults__", None), seen)
    _feed_value(digest, getattr(function, "__kwdefaults__", None), seen)
    for cell in getattr(function, "__closure__", None) or ():
        try:
            _feed_value(digest, cell.cell_contents, seen)
        except ValueError:  # the cell is still empty (a function that names itself)
            digest.update(b"empty cell")


def _feed_code(digest: Any, code: CodeType) -> None:
    digest.update(code.co_code)
    digest.update(repr((code.co_names, code.co_varnames, code.co_flags)).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _feed_code(digest, constant)
        elif isinstance(constant, frozenset):  # its order changes from process to process
            digest.update(repr(sorted(map(repr, constant))).encode())
        else:
            digest.update(repr(constant).encode())


def _feed_value(digest: Any, value: Any, seen: set[int]) -> None:
    """Plain values count by content, functions by their code, other objects by their type alone."""
    if isinstance(value, (str, int, float, bool, bytes, complex, type(None))):
        digest.update(repr(value).encode())
    elif isinstance(value, (list, tuple)):
        digest.update(f"{type(value).__name__}{len(value)}".encode())
        for item in value:
            _feed_value(digest, item, seen)
    elif isinstance(value, dict):
        for key, item in sorted(value.items(), key=lambda pair: repr(pair[0])):
            digest.update(repr(key).encode())
            _feed_value(digest, item, seen)
    elif isinstance(value, FunctionType):
        _feed_function(digest, value, seen)
    else:
        kind = value if isinstance(value, type) else type(value)
        digest.update(f"{kind.__module__}.{kind.__qualname__}".encode())
