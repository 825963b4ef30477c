"""Grid search."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, TypeGuard

import numpy as np

from phsx.exceptions import ExhaustedError, PlanError
from phsx.space import Parameter, Space
from phsx.space.value import thaw
from phsx.strategies.base import JSON, Proposal, Request, Strategy
from phsx.strategies.checks import close, distinct, plain_list, whole_number
from phsx.strategies.lattice import Lattice
from phsx.strategies.values import Values, check_values

#: Parameters with more values than this are treated as continuous ones.
MANY = 1000
POINTS = 10


class Grid(Strategy):
    """All combinations of some values per parameter.

    The last parameter of the space varies fastest. Combinations that break a constraint are left
    out, and so are those that differ in inactive parameters alone.

    Parameters
    ----------
    trials : int, optional
        Take only so many points of the grid, from its beginning.
    points : int or mapping, optional
        How many values a continuous parameter gets, 10 where nothing is said; they are spread
        evenly over its range (over its logarithm where it has `log=True`), ends included. A
        mapping says it per parameter, as a number or as the list of the values. Parameters with
        at most 1,000 values have all of them, unless the mapping names them.
    repeats, wait, overrides, **parameters
        See `Strategy`, with one difference: a *list* of values for a parameter is its axis of the
        grid, instead of being taken in turn.

    Raises
    ------
    PlanError
        A number of points below 1, or something that is neither a number nor a list.

    Examples
    --------
    >>> import phsx
    >>> space = phsx.Space({"x": phsx.Float(0, 1), "c": phsx.Categorical(["a", "b"])})
    >>> grid = phsx.Grid(points=3)
    >>> grid.count(space, space.dimensions)
    6
    >>> phsx.Grid(x=[0.2, 0.7])
    Grid(overrides={'x': Values([0.2, 0.7])})
    """

    kind: ClassVar[str] = "grid"

    def __init__(
        self,
        trials: int | None = None,
        *,
        points: int | Mapping[str, int | Iterable[Any]] = POINTS,
        repeats: bool = False,
        wait: bool = False,
        overrides: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__(trials, repeats=repeats, wait=wait, overrides=overrides, **parameters)
        self.default = POINTS
        self.axes: dict[str, int | tuple[Any, ...]] = {}
        if isinstance(points, Mapping):
            self.axes = {str(name): _axis_option(name, value) for name, value in points.items()}
        else:
            self.default = whole_number("Grid", "points", points)
        for name in self.overrides:
            if name in self.axes:
                raise PlanError(f"Grid: parameter {name!r} is given twice, in points and by itself")

    def absorbs(self, override: Strategy) -> bool:
        """Tell whether an override is an axis of the grid: every list of values is."""
        return super().absorbs(override) or _listed(override)

    def propose(self, request: Request) -> Proposal:
        """Propose the next combination, from `request.position` on."""
        space = request.space
        names = request.names
        undecided = [n for n in space.dimensions if n not in names and n not in request.fixed]
        others = {name: space.parameters[name].from_unit(0.5) for name in undecided}
        axes = {name: self._axis(name, space.parameters[name]) for name in names}
        # What is undecided may still mend an invalid point.
        lattice = Lattice(space, axes, {**others, **request.fixed}, strict=not undecided)
        for position, point in lattice.walk(request.position):
            if point is not None:
                return Proposal(lattice.combination(position), position + 1)
        raise ExhaustedError(
            f"Grid: all of its {lattice.size} points were used, or skipped because they break a "
            f"constraint or had been tried before; give more points per parameter"
        )

    def count(self, space: Space, names: tuple[str, ...]) -> int:
        """Return the number of combinations, including those that are left out."""
        return math.prod(len(self._axis(name, space.parameters[name])) for name in names)

    def support(self, name: str, parameter: Parameter) -> tuple[Any, ...]:
        """List the parameter's values on the grid."""
        return self._axis(name, parameter)

    def validate(self, space: Space, names: tuple[str, ...]) -> None:
        """Check that `points` names parameters of the space and values that they can have."""
        for name, override in self.overrides.items():
            if _listed(override):
                override.validate(space, (name,))
        for name, axis in self.axes.items():
            if name not in space.parameters:
                raise PlanError(
                    f"Grid: points names {name!r}, which is no parameter of the space"
                    f"{close(name, space.names)}"
                )
            if name not in space.dimensions:
                raise PlanError(f"Grid: points names {name!r}, which is constant or computed")
            if not isinstance(axis, int):
                check_values(space, (name,), axis, "the grid")

    def options(self) -> dict[str, JSON]:
        """Return the points per parameter."""
        if self.axes:
            return {
                "points": {
                    name: axis if isinstance(axis, int) else thaw(axis)
                    for name, axis in self.axes.items()
                }
            }
        return {} if self.default == POINTS else {"points": self.default}

    def _axis(self, name: str, parameter: Parameter) -> tuple[Any, ...]:
        override = self.overrides.get(name)
        if override is not None and _listed(override):
            return override.support(name, parameter)
        axis = self.axes.get(name)
        if isinstance(axis, tuple):
            return distinct(parameter.check(value) for value in axis)
        return _spread(parameter, self.default if axis is None else axis, axis is None)


def _listed(override: Strategy) -> TypeGuard[Values]:
    return isinstance(override, Values) and not override.single


def _axis_option(name: object, value: object) -> int | tuple[Any, ...]:
    what = f"points[{name!r}]"
    if isinstance(value, (int, float, np.number)):
        return whole_number("Grid", what, value)
    return plain_list("Grid", what, value)


@lru_cache(maxsize=256)
def _spread(parameter: Parameter, points: int, all_values: bool) -> tuple[Any, ...]:
    """Spread `points` values over a parameter, or take all where they are few or not more."""
    if parameter.size <= (MANY if all_values else points):
        return tuple(parameter.values())
    if points == 1:
        return (parameter.from_unit(0.5),)
    return distinct(parameter.from_unit(u) for u in np.linspace(0.0, 1.0, points).tolist())
