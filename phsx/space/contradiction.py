"""What is well formed but can never hold, found before a search is started."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

from phsx.exceptions import SpaceError
from phsx.space.choices import Choices
from phsx.space.constant import Constant
from phsx.space.expr import Expr
from phsx.space.expression import Expression
from phsx.space.float import Float
from phsx.space.int import Int
from phsx.space.parameter import Parameter
from phsx.space.points import enumerate_points
from phsx.space.usage import Comparison
from phsx.space.value import identity

#: Up to so many points are tried to find one at which a condition or all constraints hold.
_POINTS: Final = 2_000

_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_MEMBERSHIP: Final = ("==", "!=", "in", "not in")


def check_truth(what: str, expr: Expr, booleans: Set[str]) -> None:
    """Raise a SpaceError unless an expression is True or False wherever it has a value."""
    if expr.truth is None:
        raise SpaceError(f"{what} is not True or False; compare it with something, as in 'x > 0'.")
    for name in sorted(expr.truth - booleans):
        raise SpaceError(
            f"{what} takes {name!r} for True or False, which it is not; compare it with something."
        )


def find_booleans(parameters: Mapping[str, Parameter]) -> frozenset[str]:
    """Return the names of the parameters that are always True or False."""
    found: set[str] = set()
    for name, parameter in parameters.items():
        if isinstance(parameter, Expression):
            boolean = all(
                expr.truth is not None and expr.truth <= found for expr in parameter.sources
            )
        else:
            boolean = isinstance(parameter, (Choices, Constant)) and all(
                isinstance(value, bool) for value in parameter.values()
            )
        if boolean:
            found.add(name)
    return frozenset(found)


def check_use(what: str, expr: Expr, parameters: Mapping[str, Parameter]) -> None:
    """Raise a SpaceError where an expression treats a parameter as what it cannot be."""
    for name in sorted(expr.numbers):
        if not _has_numbers(parameters[name]):
            raise SpaceError(
                f"{what} calculates with {name!r}, which is not a number: {parameters[name]!r}."
            )
    for comparison in expr.comparisons:
        parameter = parameters[comparison.name]
        if isinstance(parameter, Choices):
            _check_choices(what, comparison, parameter)
        elif not isinstance(parameter, Expression) and comparison.required:
            _check_range(what, comparison, parameter)


def _has_numbers(parameter: Parameter) -> bool:
    if isinstance(parameter, (Choices, Constant)):
        return any(isinstance(value, (int, float)) for value in parameter.values())
    return True


def _check_choices(what: str, comparison: Comparison, parameter: Choices) -> None:
    """Refuse values that are no choices, or that could mean several, and orders of words."""
    name, wanted = comparison.name, {identity(value) for value in comparison.values}
    if comparison.operator not in _MEMBERSHIP:
        if not _has_numbers(parameter) or isinstance(comparison.values[0], str):
            raise SpaceError(
                f"{what} asks whether {name!r} is {comparison.operator} {comparison.values[0]!r}; "
                "words would be compared by the alphabet. List the choices that are meant, as in "
                f"\"{name} in ('...', '...')\"."
            )
        return
    for value in comparison.values:
        _check_value(what, name, value, parameter)
        for choice in parameter.choices:
            if choice == value and identity(choice) not in wanted:
                same = repr([other for other in parameter.choices if other == value])
                raise SpaceError(
                    f"{what} cannot tell the choices {same} of {name!r} apart, since Python calls "
                    "them equal; name them by strings."
                )


def _check_range(what: str, comparison: Comparison, parameter: Parameter) -> None:
    """Refuse what can be read off the bounds."""
    name, values = comparison.name, comparison.values
    compare = _ORDER.get(comparison.operator)
    if compare is None:
        if comparison.operator in ("==", "in"):
            for value in values:
                _check_value(what, name, value, parameter)
        return
    if isinstance(parameter, (Float, Int)):
        ends: tuple[Any, ...] = (parameter.low, parameter.high)
    else:
        ends = tuple(parameter.values())
    try:
        possible = any(compare(end, values[0]) for end in ends)
    except TypeError:
        possible = False
    if not possible:
        raise SpaceError(
            f"{what} can never hold: {name!r} is never {comparison.operator} {values[0]!r}, since "
            f"it is {parameter!r}."
        )


def _check_value(what: str, name: str, value: object, parameter: Parameter) -> None:
    try:
        parameter.check(value)
    except SpaceError as error:
        cure = ""
        if isinstance(value, tuple):
            cure = " A tuple is one value; write several values as a list, in []."
        raise SpaceError(
            f"{what} asks for a value that {name!r} never has: {error}{cure}"
        ) from None


def check_possible(parameters: Mapping[str, Parameter], rules: Sequence[Expr]) -> None:
    """Raise a SpaceError where a parameter is never active, or no point is valid.

    What compares parameters with written values is always found; more only where what it depends
    on has few values.
    """
    for name, parameter in parameters.items():
        when = parameter.when
        if when is None:
            continue
        ancestors = _ancestors(when.names, parameters)
        conditions = [when, *(each.when for each in ancestors.values() if each.when is not None)]
        if _excluded(conditions, ancestors) or (
            _few(ancestors) and not any(map(when.holds, enumerate_points(ancestors)))
        ):
            raise SpaceError(
                f"parameter {name!r}: its condition {when.source!r} can never hold, so that it is "
                "never active; mend the condition, or leave the parameter out."
            )
    _check_some_point(parameters, rules)


def _check_some_point(parameters: Mapping[str, Parameter], rules: Sequence[Expr]) -> None:
    # A constraint on a parameter that may be inactive need not hold.
    firm = {name: parameters[name] for name in parameters if parameters[name].when is None}
    always = [rule for rule in rules if rule.names <= firm.keys()]
    empty = _few(parameters) and next(enumerate_points(parameters, rules), None) is None
    if not empty and not _excluded(always, firm):
        return
    if not rules:
        raise SpaceError(
            "the space has no point, since at least one of the expressions "
            f"{', '.join(map(repr, _sources(parameters)))} never has a value."
        )
    raise SpaceError(
        "no point of the space is valid: the constraints "
        f"{', '.join(repr(rule.source) for rule in rules)} exclude all; loosen them."
    )


def _excluded(rules: Sequence[Expr], parameters: Mapping[str, Parameter]) -> bool:
    """Tell whether some parameter has no value that fits all that these rules require of it."""
    required: dict[str, list[Comparison]] = {}
    for rule in rules:
        for comparison in rule.comparisons:
            if comparison.required and comparison.name in parameters:
                required.setdefault(comparison.name, []).append(comparison)
    return any(
        not isinstance(parameters[name], Expression)
        and not any(
            all(_fits(value, comparison) for comparison in comparisons)
            for value in _representatives(parameters[name], comparisons)
        )
        for name, comparisons in required.items()
    )


def _representatives(parameter: Parameter, comparisons: Sequence[Comparison]) -> Iterable[Any]:
    """Return values that stand for all: between written numbers, no comparison changes."""
    if parameter.size <= _POINTS or not isinstance(parameter, (Float, Int)):
        return parameter.values()
    marks: set[int | float] = {parameter.low, parameter.high}
    for comparison in comparisons:
        for value in comparison.values:
            if isinstance(value, (int, float)) and parameter.low <= value <= parameter.high:
                marks.add(value)
    ends = [Fraction(mark) for mark in sorted(marks)]
    return [*ends, *((left + right) / 2 for left, right in pairwise(ends))]


def _fits(value: Any, comparison: Comparison) -> bool:
    if comparison.operator in ("==", "in"):
        return value in comparison.values
    if comparison.operator in ("!=", "not in"):
        return value not in comparison.values
    try:
        return _ORDER[comparison.operator](value, comparison.values[0])
    except TypeError:
        return False


def _sources(parameters: Mapping[str, Parameter]) -> list[str]:
    return [
        expr.source
        for parameter in parameters.values()
        if isinstance(parameter, Expression)
        for expr in parameter.sources
    ]


def _few(parameters: Mapping[str, Parameter]) -> bool:
    points: int | float = 1
    for parameter in parameters.values():
        points *= parameter.size
        if points > _POINTS:
            return False
    return True


def _ancestors(names: frozenset[str], parameters: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Return the parameters of these names and all that they depend on, in their order."""
    wanted = set(names)
    for name in reversed(list(parameters)):
        if name in wanted:
            parameter = parameters[name]
            wanted |= parameter.needs
            if parameter.when is not None:
                wanted |= parameter.when.names
    return {name: parameter for name, parameter in parameters.items() if name in wanted}
