"""Walking through all combinations of some values per parameter."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from phsx.exceptions import EvaluationError
from phsx.space import Expr, Space
from phsx.space.parameter import MISSING
from phsx.strategies.base import Params


class Lattice:
    """All combinations of listed values, numbered so that the last parameter varies fastest.

    Parameters
    ----------
    space : Space
        The search space.
    axes : dict of str to tuple
        Values per parameter, in the order of the space.
    fixed : mapping
        Values of all other dimensions.
    strict : bool
        Whether points that break a constraint, or where an expression has no value, are invalid.

    Attributes
    ----------
    size : int
        The number of combinations.
    """

    def __init__(
        self,
        space: Space,
        axes: dict[str, tuple[Any, ...]],
        fixed: Mapping[str, Any],
        strict: bool = True,
    ) -> None:
        self._space = space
        self._axes = axes
        self._fixed = fixed
        self._strict = strict
        self._due = _due(space.names, space.constraints)
        self.size = math.prod(map(len, axes.values()))

    def combination(self, position: int) -> Params:
        """Return the values at a position."""
        values = {}
        for name in reversed(self._axes):
            axis = self._axes[name]
            position, digit = divmod(position, len(axis))
            values[name] = axis[digit]
        return {name: values[name] for name in self._axes}

    def walk(self, position: int = 0) -> Iterator[tuple[int, Params | None]]:
        """Yield positions from `position` on, with the complete point or None where invalid.

        Combinations that differ in inactive parameters alone are one: of them all, the first is
        visited. Where a constraint is broken already by the first parameters, all combinations
        with these values are visited at once. So that steps, not positions, are what it costs.
        """
        return self._branch(0, {}, 0, self.size, position)

    def _branch(
        self, place: int, point: Params, first: int, stride: int, start: int
    ) -> Iterator[tuple[int, Params | None]]:
        """Walk through the `stride` combinations from `first` on, which begin with `point`."""
        if place == len(self._space.names):
            if first >= start:
                yield first, dict(point)
            return
        name = self._space.names[place]
        axis = self._axes.get(name, (None,))
        stride //= len(axis)
        active = self._space.parameters[name].active_at(point)
        # What lies before the start is not even looked at.
        digits = range(max(0, (start - first) // stride), len(axis)) if active else range(1)
        for digit in digits:
            here = first + digit * stride
            if (not active or self._assign(name, axis[digit], point)) and self._allows(name, point):
                yield from self._branch(place + 1, point, here, stride, start)
            else:
                yield here, None
        point.pop(name, None)

    def _allows(self, name: str, point: Params) -> bool:
        """Tell whether the constraints hold that are decided once `name` is."""
        if not self._strict or name not in self._due:
            return True
        return all(not rule.names <= point.keys() or rule.holds(point) for rule in self._due[name])

    def _assign(self, name: str, value: Any, point: Params) -> bool:
        """Give a parameter its value; False where it has none."""
        parameter = self._space.parameters[name]
        if name not in self._axes:
            value = self._fixed[name] if parameter.dimensions else MISSING
        if not parameter.computed:
            point[name] = value
            return True
        try:
            point[name] = parameter.compute(value, point)
        except EvaluationError:
            point.pop(name, None)
            return not self._strict
        return True


@lru_cache(maxsize=64)
def _due(names: tuple[str, ...], constraints: tuple[str, ...]) -> dict[str, list[Expr]]:
    """Return the constraints under the last parameter that each mentions."""
    due: dict[str, list[Expr]] = {}
    for source in constraints:
        rule = Expr(source)
        last = max((names.index(name) for name in rule.names), default=0)
        due.setdefault(names[last], []).append(rule)
    return due
