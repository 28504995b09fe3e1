"""A fingerprint of what code does, so that results made by other code are not taken for results of this one.

The same source evaluated twice gives the same fingerprint; a changed constant, default or closure value gives another.
In a notebook or script the code also reaches functions, classes and plain values by global name: those of ``__main__``
are followed, so that running a helper's cell again counts too. Modules are not: they do not change under a running
kernel. Globals that the code itself changes (a counter, a dict it fills) do not count, or it would never equal itself.
"""

from __future__ import annotations

import dis
import enum
import functools
import hashlib
import inspect
import types
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import CodeType, FunctionType
from typing import Any

_PLAIN = (str, int, float, bool, bytes, complex, type(None))
_MAX_FOLLOWED = 500
_MAX_ITEMS = 1000
_MAX_VALUES = 20_000
_MAX_DEPTH = 8
_MUTATORS = (
    *("add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft"),
    *("remove", "reverse", "setdefault", "sort", "update"),
)


def function_version(function: Any) -> str:
    """16 hex digits over bytecode, constants, names, defaults, closure values and the globals of ``__main__`` that
    ``function`` reaches, as they are now."""
    reader = _Reader()
    reader.follow(inspect.unwrap(function))
    return reader.hexdigest()


def class_version(cls: type) -> str:
    """The fingerprint of a class written in a notebook or script, as it is now; ``""`` for one from a module."""
    if not _is_main(cls.__module__):
        return ""
    reader = _Reader()
    reader.follow(cls)
    return reader.hexdigest()


def version_of_class(cls: type) -> Callable[[], str] | None:
    """:func:`class_version` to be asked again and again; None for a class whose code cannot change."""
    return (lambda: class_version(cls)) if _is_main(cls.__module__) else None


def _is_main(module: Any) -> bool:
    return bool(module == "__main__")


class _Reader:
    """Feeds what one piece of code is made of into a digest. Functions and classes it reaches wait in ``_found``, each
    once, so that circles end and a long chain of helpers is no matter."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=8)
        self._found: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._values_left = _MAX_VALUES

    def hexdigest(self) -> str:
        for item in self._found:  # grows meanwhile
            if isinstance(item, type):
                self._class(item)
            else:
                self._function(item)
        return self._digest.hexdigest()

    def follow(self, item: Any) -> None:
        """Count a function, method or class, by what is in it."""
        item = getattr(item, "__func__", item)
        if id(item) not in self._numbers and len(self._found) < _MAX_FOLLOWED:
            self._numbers[id(item)] = len(self._found)
            self._found.append(item)
        self._text(f"number {self._numbers.get(id(item))}")

    def _function(self, function: Any) -> None:
        """A builtin or callable object counts by its name, which is all there is to know."""
        code = getattr(function, "__code__", None)
        if code is None:
            if callable(getattr(function, "__wrapped__", None)):
                self.follow(function.__wrapped__)
            self._text(f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', type(function))}")
            return
        self._code(code)
        self.value(getattr(function, "__defaults__", None))
        self.value(getattr(function, "__kwdefaults__", None))
        for cell in getattr(function, "__closure__", None) or ():
            try:
                self.value(cell.cell_contents)
            except ValueError:  # the cell is still empty (a function that names itself)
                self._text("empty cell")
        self._globals(code, getattr(function, "__globals__", {}))

    def _class(self, cls: type) -> None:
        """The methods and upper-case attributes of a class of ``__main__`` and of its bases there."""
        for part in cls.__mro__:
            if not _is_main(part.__module__):
                continue
            for name, value in sorted(vars(part).items()):
                member = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
                if isinstance(member, FunctionType):
                    self._text(name)
                    self.follow(member)
                elif name.isupper() or (not name.startswith("__") and isinstance(member, _PLAIN)):
                    self._text(name)
                    self.value(value)

    def value(self, value: Any, depth: int = 0) -> None:
        """Plain values count by content, functions by their code, other objects by their type alone."""
        self._values_left -= 1
        if isinstance(value, (enum.Enum, *_PLAIN)):
            self._text(repr(value))
        elif isinstance(value, (list, tuple, set, frozenset, Mapping)):
            self._text(f"{type(value).__name__}{len(value)}")
            if depth >= _MAX_DEPTH or self._values_left <= 0:
                return
            for item in _items(value):
                self.value(item, depth + 1)
        elif isinstance(value, (FunctionType, types.MethodType)) or hasattr(value, "__wrapped__"):
            self.follow(value)
        elif isinstance(value, functools.partial):
            self.value([value.func, value.args, value.keywords], depth + 1)
        elif isinstance(value, type):
            self._type(value)
        else:
            kind = type(value)
            self._type(kind)
            if (_is_main(kind.__module__) or kind is types.SimpleNamespace) and depth < _MAX_DEPTH:
                self.value(getattr(value, "__dict__", None), depth + 1)

    def _type(self, kind: type) -> None:
        self._text(f"{kind.__module__}.{kind.__qualname__}")
        if _is_main(kind.__module__):
            self.follow(kind)

    def _code(self, code: CodeType) -> None:
        self._digest.update(code.co_code)
        self._text(repr((code.co_names, code.co_varnames, code.co_flags)))
        for constant in code.co_consts:
            if isinstance(constant, CodeType):
                self._code(constant)
            elif isinstance(constant, frozenset):  # its order changes from process to process
                self._text(repr(sorted(map(repr, constant))))
            else:
                self._text(repr(constant))

    def _globals(self, code: CodeType, names: Mapping[str, Any]) -> None:
        if not _is_main(names.get("__name__")):
            return
        for name in _read_globals(code):
            if name in names and not isinstance(names[name], types.ModuleType):
                self._text(f"global {name}")
                self.value(names[name])

    def _text(self, text: str) -> None:
        self._digest.update(text.encode("utf-8", "surrogatepass") + b"\0")


def _items(value: Any) -> Iterator[Any]:
    """The first items of a container, in an order that does not change from process to process."""
    if isinstance(value, Mapping):
        for key, item in sorted(islice(value.items(), _MAX_ITEMS), key=lambda pair: repr(pair[0])):
            yield repr(key)
            yield item
    elif isinstance(value, (set, frozenset)):
        yield from sorted(map(repr, islice(value, _MAX_ITEMS)))
    else:
        yield from value[:_MAX_ITEMS]


@functools.lru_cache(maxsize=1024)
def _read_globals(code: CodeType) -> tuple[str, ...]:
    """The names of the globals that ``code`` reads and does not itself change, code nested in it included."""
    read: dict[str, None] = {}
    written: set[str] = set()
    for part in _nested(code):
        steps = [step for step in dis.get_instructions(part) if step.opname not in ("CACHE", "EXTENDED_ARG")]
        for index, step in enumerate(steps):
            if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
                written.add(step.argval)
            elif step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                read[step.argval] = None
                if _is_changed_by(steps[index + 1 : index + 4]):
                    written.add(step.argval)
    return tuple(name for name in read if name not in written)


def _is_changed_by(following: list[dis.Instruction]) -> bool:
    """Whether what was just loaded is changed next: ``X.append(…)``, ``X[key] = …``, ``X[key] += …``, ``X.name = …`` or
    ``X.name += …``."""
    first, second, third = [*(step.opname for step in following), "", "", ""][:3]
    if first in ("LOAD_ATTR", "LOAD_METHOD"):
        return following[0].argval in _MUTATORS
    copies = ("COPY", "DUP_TOP")
    return (
        first in ("STORE_ATTR", "DELETE_ATTR")
        or second in ("STORE_SUBSCR", "DELETE_SUBSCR", "DUP_TOP_TWO")
        or (first in copies and second == "LOAD_ATTR")
        or (second in copies and third in copies)
    )


def _nested(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _nested(constant)
