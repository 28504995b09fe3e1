"""What the annotations of a function say in the terms of the node protocol."""

from __future__ import annotations

import enum
import inspect
import math
import operator
import sys
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import NodeDefinitionError
from .markers import Hidden, Name, Options, Socket

_NUMBERS: Mapping[type, tuple[str, Mapping[str, Any]]] = {
    bool: ("BOOLEAN", {}),
    int: ("INT", {"min": -(2**31), "max": 2**31 - 1}),
    float: ("FLOAT", {"min": -1e9, "max": 1e9, "step": 0.01, "round": False}),
    str: ("STRING", {}),
}
_SEED_NAMES = ("seed", "noise_seed")
_NOT_SOCKETS = (list, tuple, dict, set, frozenset, bytes, bytearray, complex, object, type)
_WRITE_INSTEAD = (
    "write int, float, str, bool, Literal[...], an Enum, a type such as cn.Image, cn.Mask, cn.Latent or cn.Any, "
    'or Annotated[YourClass, cn.Socket("YOUR_TYPE")]'
)


@dataclass(frozen=True)
class Parameter:
    """One input: ``spec()`` is its entry in ``INPUT_TYPES``.

    ``choices`` maps combo texts to what the function gets; ``needs_none``: the function has no default of its own for
    this input and takes None while nothing is connected.
    """

    name: str
    category: str  # "required" | "optional" | "hidden"
    type: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[Any, Any] | None = None
    needs_none: bool = False

    def spec(self) -> Any:
        return self.type if self.category == "hidden" else (self.type, dict(self.options))


@dataclass(frozen=True)
class Result:
    """One output slot; None may come out of an ``optional`` one."""

    name: str
    type: Any
    is_list: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Results:
    """``is_tuple``: the function returns a tuple of outputs, not one bare value."""

    outputs: list[Result]
    is_tuple: bool


@dataclass
class _Meaning:
    type: Any
    options: dict[str, Any] = field(default_factory=dict)
    optional: bool = False
    hidden: bool = False
    is_list: bool = False
    name: str | None = None
    choices: dict[Any, Any] | None = None


def read_parameters(fn: Callable[..., Any], node: str, localns: Mapping[str, Any] | None) -> list[Parameter]:
    """The inputs of ``fn``, in order; ``**kwargs`` declares none and receives whatever is linked besides."""
    hints = _Hints(fn, node, localns)
    parameters: list[Parameter] = []
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            raise NodeDefinitionError(
                f"node {node!r}: parameter {parameter.name!r} cannot be passed by name; inputs of a node have names"
            )
        _refuse_unbound(parameter, hints, node, is_first=not parameters)
        parameters.append(_parameter(parameter, hints, node))
    return parameters


def _refuse_unbound(parameter: inspect.Parameter, hints: _Hints, node: str, *, is_first: bool) -> None:
    """A bare ``self`` is a method without its object; one with an annotation or a default is an input like others."""
    bare = parameter.default is parameter.empty and hints.of(parameter.name) is parameter.empty
    if is_first and bare and parameter.name in ("self", "cls"):
        raise NodeDefinitionError(
            f"node {node!r} is a method without its object, nobody could fill {parameter.name!r}; make the node of the "
            "method of an object, cn.node(thing.method), or of a function"
        )


def _parameter(parameter: inspect.Parameter, hints: _Hints, node: str) -> Parameter:
    where = f"node {node!r}, parameter {parameter.name!r}"
    has_default = parameter.default is not parameter.empty
    annotation = hints.of(parameter.name)
    if annotation is parameter.empty:
        known = has_default and type(parameter.default) in _NUMBERS
        meaning = _meaning(type(parameter.default), where) if known else _Meaning("*")
    else:
        meaning = _meaning(annotation, where)
    if meaning.is_list:
        raise NodeDefinitionError(f"{where}: a list arrives through @node(input_is_list=True); {_WRITE_INSTEAD}")
    if meaning.hidden:
        return Parameter(parameter.name, "hidden", meaning.type)
    options = dict(meaning.options)
    if meaning.type == "INT" and parameter.name in _SEED_NAMES:
        options = {**options, "min": 0, "max": 2**64 - 1}
    if has_default and parameter.default is not None:
        _make_room(options, parameter.default, meaning, where)
        options["default"] = _option_of(parameter.default, meaning.choices)
    category = "optional" if has_default or meaning.optional else "required"
    needs_none = meaning.optional and not has_default
    return Parameter(parameter.name, category, meaning.type, options, meaning.choices, needs_none)


def _make_room(options: dict[str, Any], default: Any, meaning: _Meaning, where: str) -> None:
    """Widen limits nobody asked for so that ``default`` lies within them; refuse it outside those somebody set."""
    if meaning.type not in ("INT", "FLOAT") or not isinstance(default, (int, float)):
        return
    if isinstance(default, float) and not math.isfinite(default):
        raise NodeDefinitionError(f"{where}: {default} is no number a widget can show; write float | None = None")
    (stock,) = [limits for kind, limits in _NUMBERS.values() if kind == meaning.type]
    for limit, outside in (("min", operator.lt), ("max", operator.gt)):
        if limit in options and outside(default, options[limit]):
            if meaning.options[limit] != stock[limit]:
                raise NodeDefinitionError(f"{where}: the default {default} lies beyond its {limit}, {options[limit]}")
            options[limit] = default


def read_results(fn: Callable[..., Any], node: str, localns: Mapping[str, Any] | None) -> Results:
    """The outputs of ``fn``: none for ``-> None``, several for a tuple or NamedTuple, one ``*`` without annotation."""
    annotation = _Hints(fn, node, localns).of("return")
    where = f"node {node!r}, return annotation"
    if annotation is inspect.Parameter.empty:
        return Results([Result("output", "*")], is_tuple=False)
    if annotation is None or annotation is type(None):
        return Results([], is_tuple=False)
    if isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        hints = _Hints(annotation, node, localns)
        return Results([_result(hints.of(name), where, name) for name in annotation._fields], is_tuple=True)
    if typing.get_origin(annotation) is tuple:
        parts = typing.get_args(annotation)
        if Ellipsis in parts:
            raise NodeDefinitionError(f"{where}: name every output, as in tuple[cn.Image, cn.Mask]")
        return Results([_result(part, where, None) for part in parts], is_tuple=True)
    return Results([_result(annotation, where, None)], is_tuple=False)


def _result(annotation: Any, where: str, name: str | None) -> Result:
    meaning = _meaning(annotation, where, is_output=True)
    return Result(meaning.name or name or str(meaning.type), meaning.type, meaning.is_list, meaning.optional)


class _Hints:
    """Annotations with those written as text evaluated, one by one so that an error names its parameter."""

    def __init__(self, owner: Any, node: str, localns: Mapping[str, Any] | None) -> None:
        function = inspect.unwrap(owner) if not isinstance(owner, type) else owner
        function = getattr(function, "__func__", function)
        self._annotations = dict(getattr(function, "__annotations__", {}))
        self._globals = getattr(function, "__globals__", None) or vars(sys.modules.get(function.__module__, typing))
        self._locals = dict(localns or {})
        self._node = node

    def of(self, name: str) -> Any:
        if name not in self._annotations:
            return inspect.Parameter.empty
        annotation = self._annotations[name]
        holder = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            return typing.get_type_hints(holder, dict(self._globals), self._locals, include_extras=True)[name]
        except Exception as error:
            where = "return annotation" if name == "return" else f"parameter {name!r}"
            raise NodeDefinitionError(
                f"node {self._node!r}, {where}: the annotation {annotation!r} means nothing here ({error}); "
                f"{_WRITE_INSTEAD}"
            ) from error


def _meaning(annotation: Any, where: str, *, is_output: bool = False) -> _Meaning:
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _annotated(annotation, where, is_output)
    if origin is typing.Literal:
        return _combo({value: value for value in typing.get_args(annotation)})
    if origin in (typing.Union, types.UnionType):
        return _union(typing.get_args(annotation), where, is_output)
    if origin is list and is_output:
        (item,) = typing.get_args(annotation)
        meaning = _meaning(item, where, is_output=True)
        meaning.is_list = True
        return meaning
    if annotation is Any:
        return _Meaning("*")
    if isinstance(annotation, type) and origin is None:
        return _class(annotation, where, is_output)
    raise NodeDefinitionError(f"{where}: {_shown(annotation)} is no socket type; {_WRITE_INSTEAD}")


def _class(annotation: type, where: str, is_output: bool) -> _Meaning:
    if annotation in _NUMBERS:
        kind, options = _NUMBERS[annotation]
        return _Meaning(kind, dict(options))
    if issubclass(annotation, enum.Enum):
        return _enum(annotation)
    full_name = f"{annotation.__module__}.{annotation.__qualname__}"
    if is_output and full_name == "PIL.Image.Image":
        return _Meaning("IMAGE")
    ambiguous = full_name in ("torch.Tensor", "numpy.ndarray", "PIL.Image.Image")
    if ambiguous or annotation in _NOT_SOCKETS or annotation.__module__ == "builtins":
        raise NodeDefinitionError(f"{where}: {_shown(annotation)} does not say which socket it is; {_WRITE_INSTEAD}")
    return _Meaning(annotation.__name__.upper())


def _annotated(annotation: Any, where: str, is_output: bool) -> _Meaning:
    base, *extras = typing.get_args(annotation)
    named = any(isinstance(extra, (Socket, Hidden)) for extra in extras)
    meaning = _Meaning("*") if named else _meaning(base, where, is_output=is_output)
    for extra in extras:
        if isinstance(extra, Socket):
            meaning.type = extra.type
        elif isinstance(extra, Hidden):
            meaning.type, meaning.hidden = extra.marker, True
        elif isinstance(extra, Name):
            meaning.name = extra.name
        elif isinstance(extra, Options):
            meaning.options.update(extra.values)
        elif isinstance(extra, Mapping):
            meaning.options.update(extra)
        elif isinstance(extra, str) and is_output:
            meaning.name = extra
    return meaning


def _union(members: tuple[Any, ...], where: str, is_output: bool) -> _Meaning:
    wanted = [member for member in members if member is not type(None)]
    meanings = [_meaning(member, where, is_output=is_output) for member in wanted]
    optional = len(wanted) < len(members)
    if len(meanings) == 1:
        meanings[0].optional = meanings[0].optional or optional
        return meanings[0]
    return _Meaning(",".join(dict.fromkeys(str(meaning.type) for meaning in meanings)), optional=optional)


def _combo(choices: dict[Any, Any]) -> _Meaning:
    plain = all(text is value or text == value for text, value in choices.items())
    return _Meaning("COMBO", {"options": list(choices)}, choices=None if plain else choices)


def _enum(annotation: type[enum.Enum]) -> _Meaning:
    by_text = {_enum_text(member): member for member in annotation}
    return _Meaning("COMBO", {"options": EnumTexts(annotation)}, choices={**annotation.__members__, **by_text})


class EnumTexts(list[Any]):
    """The texts of a combo made of an Enum. The names of the members mean the same, so they are in it too."""

    def __init__(self, kind: type[enum.Enum]) -> None:
        super().__init__(_enum_text(member) for member in kind)
        self._names = frozenset(kind.__members__)

    def __contains__(self, text: object) -> bool:
        return super().__contains__(text) or (isinstance(text, str) and text in self._names)


def _enum_text(member: enum.Enum) -> Any:
    return member.value if isinstance(member.value, (str, int, float)) else member.name


def _option_of(default: Any, choices: Mapping[Any, Any] | None) -> Any:
    if isinstance(default, enum.Enum):
        return _enum_text(default)
    return next((text for text, value in (choices or {}).items() if value is default), default)


def _shown(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
