"""Arithmetic written as text, evaluated without ``eval``.

The text is parsed with :mod:`ast` and walked; only numbers, the given names, operators, comparisons, ``a if c else b``
and a fixed set of functions mean anything, everything else is refused with a message that names it. Sizes are bounded,
so that no short text can occupy the kernel for long.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

MAX_LENGTH = 4_000
MAX_BITS = 4_096  # of any whole number on the way: 2**(2**40) must not be tried


class ExpressionError(ValueError):
    """The expression cannot be evaluated; the message says why, in words for its author."""


def evaluate(expression: str, variables: Mapping[str, Any]) -> int | float | bool:
    """The value of ``expression``; raises :class:`ExpressionError`.

    ``variables`` maps names to numbers, booleans or lists of them.
    """
    text = " ".join(expression.split())
    if not text:
        raise ExpressionError("The expression is empty.")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"The expression is longer than {MAX_LENGTH} characters.")
    try:
        tree = ast.parse(text, mode="eval")
        value = _value(tree.body, variables)
    except SyntaxError as error:
        raise ExpressionError(f"Cannot read '{text}': {error.msg} at character {error.offset}.") from None
    except (RecursionError, MemoryError):
        raise ExpressionError("The expression is nested too deeply.") from None
    except ZeroDivisionError:
        raise ExpressionError(f"'{text}' divides by zero.") from None
    except (TypeError, ValueError, OverflowError, IndexError) as error:
        if isinstance(error, ExpressionError):
            raise
        raise ExpressionError(f"Cannot compute '{text}': {error}.") from None
    if not isinstance(value, (int, float)):
        raise ExpressionError(f"'{text}' gives {_kind(value)}, not a number.")
    return value


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and exponent > 0:
        _check_bits(base.bit_length() * exponent)
    result = base**exponent
    if isinstance(result, complex):
        raise ExpressionError(f"{base} to the power {exponent} is not a real number.")
    return result


def _shift_left(value: Any, places: Any) -> Any:
    if isinstance(value, int) and isinstance(places, int):
        _check_bits(value.bit_length() + places)
    return value << places


def _round(value: Any, digits: Any = None) -> Any:
    if digits is None:
        return round(value)
    return round(value, max(-MAX_BITS, min(MAX_BITS, digits)))


def _check_bits(bits: int) -> None:
    if bits > MAX_BITS:
        raise ExpressionError("A number on the way is too large.")


BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: _shift_left,
    ast.RShift: operator.rshift,
}
UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.UAdd: operator.pos,
    ast.USub: operator.neg,
    ast.Invert: lambda value: ~int(value),  # of a boolean too: Python is about to refuse that
    ast.Not: operator.not_,
}
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": bool,
    "ceil": math.ceil,
    "cos": math.cos,
    "float": float,
    "floor": math.floor,
    "int": int,
    "len": len,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": max,
    "min": min,
    "pow": _power,
    "round": _round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "sum": sum,
    "tan": math.tan,
}


def _value(node: ast.expr, variables: Mapping[str, Any]) -> Any:
    result = _compute(node, variables)
    if isinstance(result, int):
        _check_bits(result.bit_length())
    return result


def _compute(node: ast.expr, variables: Mapping[str, Any]) -> Any:
    def value(child: ast.expr) -> Any:
        return _value(child, variables)

    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return _variable(name, variables)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in BINARY:
            return BINARY[type(op)](_number(value(left)), _number(value(right)))
        case ast.UnaryOp(op=op, operand=operand):
            return UNARY[type(op)](_number(value(operand)))
        case ast.BoolOp(op=ast.And(), values=parts):
            return _first(parts, value, wanted=False)
        case ast.BoolOp(values=parts):
            return _first(parts, value, wanted=True)
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in COMPARE for op in ops):
            return _chain(value(left), ops, others, value)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return value(body) if value(test) else value(orelse)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [value(item) for item in items]
        case ast.Subscript(value=ast.Name(id=name), slice=index):
            return _variable(name, variables)[value(index)]
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _call(name, [value(argument) for argument in arguments])
    raise ExpressionError(f"'{ast.unparse(node)}' is not allowed in an expression.")


def _first(parts: list[ast.expr], value: Callable[[ast.expr], Any], *, wanted: bool) -> Any:
    """``and`` and ``or`` as in Python: the first part that decides, else the last."""
    result: Any = None
    for part in parts:
        result = value(part)
        if bool(result) is wanted:
            return result
    return result


def _chain(left: Any, ops: list[ast.cmpop], others: list[ast.expr], value: Callable[[ast.expr], Any]) -> bool:
    """``a < b < c`` as in Python."""
    for op, other in zip(ops, others, strict=True):
        right = value(other)
        if not COMPARE[type(op)](left, right):
            return False
        left = right
    return True


def _variable(name: str, variables: Mapping[str, Any]) -> Any:
    if name in variables:
        return variables[name]
    known = ", ".join(sorted(variables)) or "none"
    if name in FUNCTIONS:
        raise ExpressionError(f"'{name}' is a function: write {name}(…).")
    raise ExpressionError(f"'{name}' is not known here. Connected values: {known}.")


def _call(name: str, arguments: list[Any]) -> Any:
    function = FUNCTIONS.get(name)
    if function is None:
        raise ExpressionError(f"There is no function '{name}'. There are: {', '.join(sorted(FUNCTIONS))}.")
    return function(*arguments)


def _number(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return value
    raise ExpressionError(f"Operators take numbers, not {_kind(value)}.")


def _kind(value: Any) -> str:
    return "a list" if isinstance(value, (list, tuple)) else f"a value of type {type(value).__name__}"
