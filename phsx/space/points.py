"""All points of a finite space, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from phsx.exceptions import EvaluationError

if TYPE_CHECKING:
    from phsx.space.space import Space


def enumerate_points(space: Space) -> Iterator[dict[str, Any]]:
    """Iterate over the valid points, the last parameter varying fastest.

    A constraint is tested as soon as the last of its parameters has a value, so that a whole
    branch of impossible points costs one test.
    """
    points = _branch(space, 0, {})
    # Two formulas of one parameter may give the same value, and so the same point.
    if all(
        not parameter.computed or not parameter.dimensions
        for parameter in space.parameters.values()
    ):
        return points
    return _distinct(space, points)


def _distinct(space: Space, points: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    seen = set()
    for point in points:
        key = space.key(point)
        if key not in seen:
            seen.add(key)
            yield point


def _branch(space: Space, place: int, point: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if place == len(space.names):
        yield dict(point)
        return
    name = space.names[place]
    parameter = space.parameters[name]
    if not space.reaches(name, point):
        if space.allows(name, point):
            yield from _branch(space, place + 1, point)
        return
    for value in parameter.values():
        try:
            point[name] = parameter.compute(value, point) if parameter.computed else value
        except EvaluationError:
            continue
        if space.allows(name, point):
            yield from _branch(space, place + 1, point)
    point.pop(name, None)
