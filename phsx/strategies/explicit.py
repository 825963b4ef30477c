"""Points that the user lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from phsx.exceptions import ExhaustedError, PlanError, SpaceError
from phsx.space import Space
from phsx.space.value import thaw
from phsx.strategies.base import JSON, Params, Proposal, Request, Strategy
from phsx.strategies.checks import close, plain
from phsx.strategies.values import check_values


class Explicit(Strategy):
    """Listed points, in their order; those that were tried already are skipped.

    Parameters
    ----------
    points : iterable of mapping
        The points. Parameters with an override are left out of them, and so are inactive ones;
        constants and expressions may be left out.
    trials : int, optional
        Take only so many of the points.
    repeats, wait, overrides, **parameters
        See `Strategy`.

    Raises
    ------
    PlanError
        There is no point, or something in the list is no point.

    Examples
    --------
    >>> import phsx
    >>> phsx.Explicit([{"x": 1.0, "y": 2.0}, {"x": 3.0, "y": 4.0}])
    Explicit(points=[{'x': 1.0, 'y': 2.0}, {'x': 3.0, 'y': 4.0}])
    """

    kind: ClassVar[str] = "explicit"

    def __init__(
        self,
        points: Iterable[Mapping[str, Any]],
        trials: int | None = None,
        *,
        repeats: bool = False,
        wait: bool = False,
        overrides: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__(trials, repeats=repeats, wait=wait, overrides=overrides, **parameters)
        self.points = _listed(points)

    def propose(self, request: Request) -> Proposal:
        """Propose the point at `request.position`."""
        position = request.position
        if position >= len(self.points):
            raise ExhaustedError(
                f"Explicit: all of its {len(self.points)} points were used, or skipped because "
                f"they had been tried before (repeats=True would try them again)"
            )
        parameters = request.space.parameters
        point = self.points[position]
        values = {
            # Which formula of an expression is meant can only be said at the complete point.
            name: point[name] if parameters[name].computed else parameters[name].check(point[name])
            for name in request.names
            if name in point
        }
        return Proposal(values, position + 1)

    def count(self, space: Space, names: tuple[str, ...]) -> int:
        """Return the number of points."""
        return len(self.points)

    def validate(self, space: Space, names: tuple[str, ...]) -> None:
        """Check every point: its names, its values, constraints, and that nothing is missing."""
        for number, point in enumerate(self.points):
            where = f"point {number} of Explicit, {point!r:.200}"
            for name in point:
                if name not in space.parameters:
                    raise PlanError(
                        f"{where}, has a value for {name!r}, which is no parameter of the space"
                        f"{close(name, space.names)}"
                    )
                if name in self.overrides:
                    raise PlanError(
                        f"{where}, has a value for {name!r}, which is overridden; leave one out"
                    )
            self._validate_point(space, point, where)

    def _validate_point(self, space: Space, point: Params, where: str) -> None:
        try:
            if not self.overrides:
                space.check(point)
                return
            for name, value in point.items():
                if space.parameters[name].computed:
                    continue
                check_values(space, (name,), [value], where)
            # What is overridden is not known yet, so that any value stands for it.
            fillers = {name: space.parameters[name].from_unit(0.5) for name in self.overrides}
            space.complete({**point, **fillers})
        except SpaceError as error:
            raise PlanError(f"{where}, is not in the space: {error}") from error

    def options(self) -> dict[str, JSON]:
        """Return the points."""
        return {
            "points": [
                {name: thaw(value) for name, value in point.items()} for point in self.points
            ]
        }


def _listed(points: object) -> tuple[Params, ...]:
    if isinstance(points, (str, bytes, Mapping)) or not isinstance(points, Iterable):
        raise PlanError(
            f"Explicit: points must be a list of points such as [{{'x': 1.0}}], not {points!r:.80}"
        )
    found = []
    for number, point in enumerate(points):
        if not isinstance(point, Mapping) or not all(isinstance(name, str) for name in point):
            raise PlanError(
                f"Explicit: point {number} must be a mapping from parameters to values such as "
                f"{{'x': 1.0}}, not {point!r:.80}"
            )
        found.append(
            {
                name: plain("Explicit", f"{name!r} of point {number}", value)
                for name, value in point.items()
            }
        )
    if not found:
        raise PlanError("Explicit: the list of points is empty; give at least one point")
    return tuple(found)
