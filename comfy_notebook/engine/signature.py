"""Cache keys by meaning: the class, its code, its constants and the keys of what feeds it; never the id of a node.

A key is a digest over the keys of the direct sources, so computing all keys of a graph costs as much as looking at each
link once, however deep the graph is. What cannot be compared (NaN, tensors and other objects as constants) gets a
number of its own and so equals nothing.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from ..protocol.expansion import is_link
from .failure import is_a_persons_stop
from .inputs import DeclaredInputs
from .prompt import DynamicPrompt, constant

Key = bytes
_unique = itertools.count()
#: What compares by value and says all of it in its ``repr``.
_VALUES = (date, time, timedelta, Decimal, Fraction, PurePath, UUID, complex, range, Enum)
_NEVER = "\0unlike anything "


class Signatures:
    """The keys of one prompt, each computed once, on demand; nodes may be added to the prompt in between."""

    def __init__(
        self,
        prompt: DynamicPrompt,
        declared: Callable[[str], DeclaredInputs],
        is_changed: Callable[[str], Any],
    ) -> None:
        """``declared(class_type)`` raises ``KeyError`` for an unknown class; ``is_changed(node_id)`` is what the node's
        ``IS_CHANGED`` says, False without one."""
        self._prompt = prompt
        self._declared = declared
        self._is_changed = is_changed
        self.keys: dict[str, Key] = {}
        self._incomparable: set[str] = set()

    def is_comparable(self, node_id: str) -> bool:
        """Whether the key of a node that has one means the same in another process."""
        return node_id not in self._incomparable

    def key_of(self, node_id: str) -> Key:
        """The key of a node. A node on a cycle, or fed by a missing one, has a key that equals no other."""
        key = self.keys.get(node_id)
        return self._compute(node_id) if key is None else key

    def _compute(self, wanted: str) -> Key:
        open_nodes: set[str] = {wanted}
        stack = [(wanted, iter(self._sources(wanted)))]
        while stack:
            node_id, sources = stack[-1]
            for source in sources:
                if source in self.keys or source in open_nodes:
                    continue
                open_nodes.add(source)
                stack.append((source, iter(self._sources(source))))
                break
            else:
                stack.pop()
                open_nodes.discard(node_id)
                self.keys[node_id] = self._digest(node_id)
        return self.keys[wanted]

    def _sources(self, node_id: str) -> list[str]:
        if not self._prompt.has_node(node_id):
            return []
        return [value[0] for value in self._prompt.get_node(node_id)["inputs"].values() if is_link(value)]

    def _digest(self, node_id: str) -> Key:
        try:
            node = self._prompt.get_node(node_id)
            declared = self._declared(node["class_type"])
            code_version = declared.code_version
            declared = declared.with_inputs(node["inputs"])
        except BaseException as error:  # a missing node or class is reported when the node is reached, not here
            if is_a_persons_stop(error):
                raise
            self._incomparable.add(node_id)
            return _hash(_never())
        definition = declared.definition
        parts = [definition.name, "\0", code_version, "\0", encode(self._is_changed(node_id))]
        if definition.not_idempotent or declared.wants_unique_id:
            parts.append(f"\0id {node_id}")
        inputs = node["inputs"]
        for name in sorted(inputs):
            value, info = inputs[name], declared.info(name)
            if is_link(value):
                source = self.keys.get(value[0])
                own_id = encode(value[0]) if info.is_raw_link else ""  # the node sees whose output it is
                parts.append(f"\0{name}<{own_id}{int(value[1])} {source.hex() if source else _never()}")
                if value[0] in self._incomparable:
                    self._incomparable.add(node_id)
            elif info.category is not None:
                parts.append(f"\0{name}={encode(constant(value))}")
        text = "".join(parts)
        if _NEVER in text:
            self._incomparable.add(node_id)
        return _hash(text)


def _hash(text: str) -> Key:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _never() -> str:
    return f"{_NEVER}{next(_unique)}"


def encode(value: Any) -> str:
    """A text that two constants share exactly when they mean the same; unique where that cannot be told."""
    kind = type(value)
    if kind is str or kind is int or kind is bool or value is None:
        return repr(value)
    if isinstance(value, str):
        return str.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value) if value == value else _never()  # noqa: PLR0124 - NaN
    if isinstance(value, (int, bytes)):
        return kind.__name__ + repr(value)
    try:
        if isinstance(value, (list, tuple)):
            return f"[{','.join([encode(item) for item in value])}]"
        if isinstance(value, dict):
            items = sorted((encode(key), encode(item)) for key, item in value.items())
            return f"{{{','.join([f'{key}:{item}' for key, item in items])}}}"
        if isinstance(value, (set, frozenset)):
            return f"set({','.join(sorted(map(encode, value)))})"
        if isinstance(value, _VALUES):
            return f"{kind.__module__}.{kind.__qualname__} {value!r}"
        if kind.__module__ == "numpy" and getattr(value, "shape", None) == ():
            return f"{kind.__name__} {encode(value.item())}"
    except RecursionError:
        return _never()
    return _never()
