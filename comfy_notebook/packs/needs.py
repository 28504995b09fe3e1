"""What the nodes of a pack would call that comfy_notebook does not have, found by reading their bytecode."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ..compat.stand_in import StandInModule, is_stand_in, stand_in
from ..protocol.definition import NodeDefinition

_MAX_FUNCTIONS = 300
_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")


def missing_features(definition: NodeDefinition) -> list[str]:
    """Dotted names of what the node's code reaches and would fail on, sorted. Functions and classes of the same pack
    are followed; what is only reached through values is not seen."""
    node_class = getattr(definition.node_class, "V3_CLASS", definition.node_class)
    found: set[str] = set()
    waiting, seen = list(_functions(node_class)), set[int]()
    while waiting and len(seen) < _MAX_FUNCTIONS:
        function = waiting.pop()
        if id(function) in seen:
            continue
        seen.add(id(function))
        for value in _reached(function.__code__, function.__globals__):
            if is_stand_in(value):
                found.add(f"{value.__module__}.{value.__name__}")
            elif isinstance(value, FunctionType) and _same_pack(value.__module__, node_class.__module__):
                waiting.append(value)
            elif isinstance(value, type) and _same_pack(value.__module__, node_class.__module__):
                waiting.extend(_functions(value))
    return sorted(found)


def _same_pack(module: Any, other: str) -> bool:
    """Modules of a pack are called by its path, so they begin alike."""
    return isinstance(module, str) and module.split(".")[0] == other.split(".", maxsplit=1)[0]


def _functions(cls: type) -> Iterator[FunctionType]:
    for part in cls.__mro__:
        if _same_pack(part.__module__, cls.__module__):
            for member in vars(part).values():
                function = getattr(member, "__func__", member)
                if isinstance(function, FunctionType):
                    yield function


def _reached(code: CodeType, names: dict[str, Any]) -> Iterator[Any]:
    """The values of global names in ``code`` and of attributes taken from them, as far as they are modules or
    stand-ins."""
    value: Any = None
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            value = names.get(str(step.argval))
        elif step.opname in _ATTRIBUTES and (isinstance(value, ModuleType) or is_stand_in(value)):
            value = _attribute(value, str(step.argval))
        elif step.opname in ("CACHE", "PUSH_NULL", "PRECALL"):
            continue
        else:
            value = None
        if value is not None and not isinstance(value, ModuleType):
            yield value
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _reached(constant, names)


def _attribute(owner: Any, name: str) -> Any:
    """The attribute as a running node would get it; other people's modules are only looked at."""
    if name in vars(owner):
        return vars(owner)[name]
    if isinstance(owner, StandInModule):
        return stand_in(f"{owner.__name__}.{name}")
    if is_stand_in(owner):
        return stand_in(f"{owner.__module__}.{owner.__name__}.{name}")
    if owner.__name__ == "comfy_notebook.compat.nodes" and name in owner.CORE_CLASSES | owner.FUNCTIONS:
        return owner.__getattr__(name)
    return None
