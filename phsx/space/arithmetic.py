"""The operators and functions of the expression language: bounded in time, memory and result."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable
from typing import Any, Final

from phsx.exceptions import EvaluationError

#: Integers beyond the largest float are refused, so that no expression can take long.
_BITS: Final = 1024
#: Tuples of tuples of tuples could grow without bound over a chain of expressions.
_ITEMS: Final = 1000


def _number(value: Any) -> Any:
    if isinstance(value, (int, float)):
        return value
    raise EvaluationError(f"{value!r} is not a number")


def bounded(value: Any) -> Any:
    """Return a number that is finite, real and not huge.

    Raises
    ------
    EvaluationError
        It is NaN, infinite, complex, or an integer beyond the largest float.
    """
    if isinstance(value, float):
        if not math.isfinite(value):
            raise EvaluationError("a result is not finite")
    elif isinstance(value, int):
        if value.bit_length() > _BITS:
            raise EvaluationError("a number is too large")
    elif isinstance(value, complex):
        raise EvaluationError("a result is complex")
    elif isinstance(value, tuple) and _count(value) > _ITEMS:
        raise EvaluationError(f"a tuple has more than {_ITEMS} items")
    return value


def _count(value: Any) -> int:
    """Count the items of nested tuples, but no further than it matters."""
    if not isinstance(value, tuple):
        return 1
    total = 1
    for item in value:
        total += _count(item)
        if total > _ITEMS:
            break
    return total


def _power(base: Any, exponent: Any) -> Any:
    # A lower bound of the size of the result, before anything of that size is computed.
    if (
        isinstance(base, int)
        and isinstance(exponent, int)
        and (abs(base).bit_length() - 1) * exponent > _BITS
    ):
        raise EvaluationError("a number is too large")
    return base**exponent


def _round(value: Any, digits: Any = None) -> Any:
    if digits is None:
        return round(value)
    if not isinstance(digits, int) or abs(digits) > 400:
        raise EvaluationError("round() takes a whole number of digits, between -400 and 400")
    return round(value, digits)


def _two(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Guard an operator of two numbers."""

    def guarded(left: Any, right: Any) -> Any:
        return bounded(function(_number(left), _number(right)))

    return guarded


def _negative(value: Any) -> Any:
    return -_number(value)


def _positive(value: Any) -> Any:
    return +_number(value)


BINARY: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: _two(operator.add),
    ast.Sub: _two(operator.sub),
    ast.Mult: _two(operator.mul),
    ast.Div: _two(operator.truediv),
    ast.FloorDiv: _two(operator.floordiv),
    ast.Mod: _two(operator.mod),
    ast.Pow: _two(_power),
}

UNARY: Final[dict[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.USub: _negative,
    ast.UAdd: _positive,
    ast.Not: operator.not_,
}

COMPARE: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}

CONSTANTS: Final[dict[str, float]] = {"pi": math.pi, "e": math.e}

_ANY: Final = 255

#: Name: function, smallest and largest number of arguments.
FUNCTIONS: Final[dict[str, tuple[Callable[..., Any], int, int]]] = {
    "abs": (abs, 1, 1),
    "acos": (math.acos, 1, 1),
    "asin": (math.asin, 1, 1),
    "atan": (math.atan, 1, 1),
    "atan2": (math.atan2, 2, 2),
    "ceil": (math.ceil, 1, 1),
    "cos": (math.cos, 1, 1),
    "cosh": (math.cosh, 1, 1),
    "exp": (math.exp, 1, 1),
    "float": (float, 1, 1),
    "floor": (math.floor, 1, 1),
    "hypot": (math.hypot, 1, _ANY),
    "int": (int, 1, 1),
    "log": (math.log, 1, 2),
    "log10": (math.log10, 1, 1),
    "log2": (math.log2, 1, 1),
    "max": (max, 2, _ANY),
    "min": (min, 2, _ANY),
    "pow": (_power, 2, 2),
    "round": (_round, 1, 2),
    "sin": (math.sin, 1, 1),
    "sinh": (math.sinh, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "tan": (math.tan, 1, 1),
    "tanh": (math.tanh, 1, 1),
}


def call(function: Callable[..., Any], arguments: list[Any]) -> Any:
    """Call one of `FUNCTIONS` with numbers alone."""
    return bounded(function(*map(_number, arguments)))
