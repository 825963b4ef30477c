"""All points of a finite space, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from phsx.exceptions import EvaluationError
from phsx.space.expr import Expr
from phsx.space.parameter import MISSING, Parameter
from phsx.space.value import identity

_END: Final[Any] = object()


def enumerate_points(
    parameters: Mapping[str, Parameter], rules: Sequence[Expr] = ()
) -> Iterator[dict[str, Any]]:
    """Iterate over the valid points, each once, the last parameter varying fastest.

    A constraint is tested as soon as the last of its parameters has a value, so that a whole
    branch of impossible points costs one test.

    Parameters
    ----------
    parameters : mapping
        Finite parameters by name, in an order in which each needs earlier ones only.
    rules : sequence of Expr
        Constraints.
    """
    names = tuple(parameters)
    due: list[list[Expr]] = [[] for _ in names]
    for rule in rules:
        due[max((names.index(name) for name in rule.names), default=0)].append(rule)
    points = _walk(list(parameters.items()), due)
    # Two formulas of one parameter may give the same value, and so the same point.
    if any(parameter.computed and parameter.dimensions for parameter in parameters.values()):
        return _distinct(points)
    return points


def holds(rule: Expr, point: Mapping[str, Any]) -> bool:
    """Tell whether a constraint holds; one that mentions an inactive parameter does."""
    return not rule.names <= point.keys() or rule.holds(point)


def _walk(
    items: Sequence[tuple[str, Parameter]], due: Sequence[Sequence[Expr]]
) -> Iterator[dict[str, Any]]:
    """Search depth first; not recursive, since a space may have a thousand parameters."""
    point: dict[str, Any] = {}
    levels = [_options(items[0][1], point)]
    while levels:
        place = len(levels) - 1
        name = items[place][0]
        point.pop(name, None)
        value = next(levels[-1], _END)
        if value is _END:
            levels.pop()
            continue
        if value is not MISSING:
            point[name] = value
        if not all(holds(rule, point) for rule in due[place]):
            continue
        if len(levels) == len(items):
            yield dict(point)
        else:
            levels.append(_options(items[place + 1][1], point))


def _options(parameter: Parameter, point: Mapping[str, Any]) -> Iterator[Any]:
    """Iterate over the values that a parameter may have next to the earlier ones."""
    if not parameter.active_at(point):
        yield MISSING
    elif not parameter.computed:
        yield from parameter.values()
    else:
        for value in parameter.values():
            try:
                yield parameter.compute(value, point)
            except EvaluationError:
                continue


def _distinct(points: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    seen = set()
    for point in points:
        key = tuple((name, identity(value)) for name, value in point.items())
        if key not in seen:
            seen.add(key)
            yield point
