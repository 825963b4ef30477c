"""Whether a point that somebody wrote belongs to a space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from phsx.exceptions import EvaluationError, SpaceError
from phsx.space.definition import unknown
from phsx.space.expr import Expr
from phsx.space.parameter import MISSING, Parameter
from phsx.space.points import holds
from phsx.space.value import describe


def check_point(
    params: Any, parameters: Mapping[str, Parameter], rules: Sequence[Expr]
) -> dict[str, Any]:
    """Return a point complete and in canonical form; see `Space.check`."""
    if not isinstance(params, Mapping):
        raise SpaceError(
            f"a point has to be a mapping from names to values, not {describe(params)}."
        )
    for name in params:
        if name not in parameters:
            raise SpaceError(f"the point has a value for {name!r}, {unknown(name, parameters)}")
    point: dict[str, Any] = {}
    for name, parameter in parameters.items():
        given = params.get(name, MISSING)
        if parameter.active_at(point):
            point[name] = _checked(name, parameter, given, point)
        elif given is not MISSING:
            raise SpaceError(
                f"parameter {name!r} is not active at {point!r}, but has the value "
                f"{describe(given)}; leave it out."
            )
    for rule in rules:
        if not holds(rule, point):
            raise SpaceError(f"the constraint {rule.source!r} does not hold at {point!r}.")
    return point


def _checked(name: str, parameter: Parameter, given: Any, point: Mapping[str, Any]) -> Any:
    if given is MISSING and not parameter.computed:
        raise SpaceError(f"parameter {name!r} has no value; the point has to give it one.")
    try:
        return parameter.compute(given, point) if parameter.computed else parameter.check(given)
    except (SpaceError, EvaluationError) as error:
        raise SpaceError(f"parameter {name!r}: {error}") from None
