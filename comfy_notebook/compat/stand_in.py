"""Stand-ins for what comfy_notebook does not have: they import, can be subclassed, answer ``isinstance``, and raise
:class:`NotSupportedError` when called. An honest question (see :mod:`.probing`) is answered with no."""

from __future__ import annotations

import importlib
import sys
from abc import ABCMeta
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from . import reference_names
from .errors import not_supported
from .probing import is_probe

_MARK = "__stand_in_for__"


class _StandInType(ABCMeta):
    """The class of stand-ins. Packs' subclasses of them are ordinary classes but for their base's ``__init__``."""

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        if _MARK in cls.__dict__:
            raise not_supported(cls.__dict__[_MARK])
        return super().__call__(*arguments, **named)

    def __getattr__(cls, name: str) -> Any:
        own = cls.__dict__.get(_MARK)
        if own is None or name.startswith("_") or is_probe(sys._getframe(1)):
            raise AttributeError(f"type object {cls.__name__!r} has no attribute {name!r}")
        made = stand_in(f"{own}.{name}")
        type.__setattr__(cls, name, made)
        return made

    def __iter__(cls) -> Iterator[Any]:
        return iter(())

    def __contains__(cls, item: object) -> bool:
        return False

    def __getitem__(cls, key: Any) -> Any:
        return cls

    def __add__(cls, other: Any) -> Any:
        return other

    __radd__ = __add__

    def __bool__(cls) -> bool:
        return True


def stand_in(feature: str) -> Any:
    """A class that stands for ``feature``, a dotted name such as ``"comfy.sd.VAE"``."""
    module, _, name = feature.rpartition(".")

    def refuse(self: Any, *arguments: Any, **named: Any) -> None:
        raise not_supported(feature)

    def accept(cls: type, /, **named: Any) -> None:
        """Arguments of a class statement mean nothing to us."""

    members = {_MARK: feature, "__module__": module, "__init__": refuse}
    return _StandInType(name, (), {**members, "__init_subclass__": classmethod(accept)})


def is_stand_in(value: Any) -> bool:
    """Whether ``value`` is a stand-in itself (not a subclass of one)."""
    return isinstance(value, _StandInType) and _MARK in value.__dict__


class StandInModule(ModuleType):
    """A module that is not there; it has every name that is asked for in earnest."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"Stands for ComfyUI's {name}.")
        self.__path__: list[str] = []
        self.__file__ = None

    def __getattr__(self, name: str) -> Any:
        return missing_attribute(self, self.__name__, name, sys._getframe(1))


def missing_attribute(module: ModuleType, full_name: str, name: str, frame: Any) -> Any:
    """What a module of the reference's ``full_name`` answers for a ``name`` it does not have."""
    full = f"{full_name}.{name}"
    if name.startswith("__"):
        raise AttributeError(f"module {full_name!r} has no attribute {name!r}")
    if reference_names.is_module(full):
        if frame.f_code.co_name == "_handle_fromlist":  # the import system asks; it goes on to import the module
            raise AttributeError(name)
        return importlib.import_module(full)
    built_in = _built_in_node(full_name, name)
    if built_in is None and not reference_names.has_name(full_name, name) and is_probe(frame):
        raise AttributeError(f"module {full_name!r} has no attribute {name!r}")
    made = built_in or stand_in(full)
    setattr(module, name, made)
    return made


def _built_in_node(module: str, name: str) -> Any:
    """``comfy_extras.nodes_mask.MaskComposite``: the class of a built-in node, where there is one of this name."""
    if not module.startswith("comfy_extras."):
        return None
    from .nodes import built_in_class

    return built_in_class(name)
