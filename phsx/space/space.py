"""A search space: parameters in an order, with conditions and constraints."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from phsx.exceptions import EvaluationError, SpaceError
from phsx.space.checking import check_point
from phsx.space.contradiction import check_possible
from phsx.space.definition import (
    check_parameters,
    check_rules,
    read_constraints,
    read_parameters,
)
from phsx.space.expr import Expr
from phsx.space.kinds import parameters_from_dict
from phsx.space.parameter import MISSING, Parameter
from phsx.space.points import enumerate_points, holds

Params = dict[str, Any]

_TRIES: Final = 10_000


class Space:
    """What may vary in a search, and how points of it become arrays and JSON.

    Parameters
    ----------
    parameters : mapping
        From names to parameters; text, a number, a bool or None is a `Constant`. The order counts:
        an expression or a condition may mention earlier parameters only.
    constraints : list of str
        Expressions over the parameters that have to be True. One that mentions an inactive
        parameter holds.

    Attributes
    ----------
    parameters : mapping
        The parameters by name, in their order.
    names : tuple of str
        The names of all parameters.
    dimensions : tuple of str
        The names of the parameters that have a coordinate in the unit cube.
    constraints : tuple of str
        The constraints.

    Raises
    ------
    SpaceError
        The definition is wrong; the message names the parameter and the cure.

    Examples
    --------
    >>> from phsx.space import Categorical, Float, Int
    >>> space = Space({
    ...     "kernel": Categorical(["rbf", "poly"]),
    ...     "degree": Int(2, 5, when={"kernel": "poly"}),
    ...     "C": Float(1e-3, 1e3, log=True),
    ... })
    >>> space.from_unit([0.1, 0.9, 0.5])
    {'kernel': 'rbf', 'C': 1.0}
    >>> space.to_unit({"kernel": "rbf", "C": 1.0}).tolist()
    [0.25, 0.5, 0.5]
    """

    parameters: Mapping[str, Parameter]
    names: tuple[str, ...]
    dimensions: tuple[str, ...]
    constraints: tuple[str, ...]

    def __init__(
        self, parameters: Mapping[str, Any], constraints: Sequence[str] | str = ()
    ) -> None:
        known = read_parameters(parameters)
        rules = read_constraints(constraints)
        check_parameters(known)
        check_rules(rules, known)
        check_possible(known, rules)
        self._prepare(known, rules)

    def _prepare(self, parameters: dict[str, Parameter], rules: tuple[Expr, ...]) -> None:
        self.parameters = MappingProxyType(parameters)
        self.names = tuple(parameters)
        self.dimensions = tuple(name for name in parameters if parameters[name].dimensions)
        self.constraints = tuple(rule.source for rule in rules)
        self._rules = rules
        self._plain = not any(
            parameter.when is not None or parameter.computed for parameter in parameters.values()
        )
        self._axes = [(name, parameters[name]) for name in self.dimensions]

    @classmethod
    def of(cls, space: Space | Mapping[str, Any]) -> Space:
        """Return a space as it is, or the space of a mapping."""
        return space if isinstance(space, Space) else cls(space)

    def __len__(self) -> int:
        return len(self.dimensions)

    def __bool__(self) -> bool:
        return True

    @property
    def size(self) -> int | float:
        """An upper bound of the number of points; ``math.inf`` where a parameter is continuous."""
        sizes = [self.parameters[name].size for name in self.dimensions]
        # A huge int times infinity would overflow.
        return math.inf if math.inf in sizes else math.prod(sizes)

    def satisfies(self, params: Mapping[str, Any]) -> bool:
        """Tell whether all constraints hold at a complete point.

        One that mentions an inactive parameter holds; one without a value does not.
        """
        return all(holds(rule, params) for rule in self._rules)

    def complete(self, partial: Mapping[str, Any]) -> Params | None:
        """Return the point that has these values for its dimensions.

        Parameters
        ----------
        partial : mapping
            A value for each active dimension (of an `Expression` with several formulas: the `Expr`
            or its value). Others are ignored.

        Returns
        -------
        dict or None
            All active parameters, in the space's order, with constants and expressions. None where
            a constraint does not hold or an expression has no value.

        Raises
        ------
        SpaceError
            An active dimension has no value.
        """
        try:
            point = self._complete(partial)
        except EvaluationError:
            return None
        return point if not self._rules or self.satisfies(point) else None

    def _complete(self, partial: Mapping[str, Any]) -> Params:
        if self._plain:
            try:
                return {name: partial[name] for name in self.names}
            except KeyError as error:
                raise SpaceError(f"parameter {error.args[0]!r} has no value.") from None
        point: Params = {}
        for name, parameter in self.parameters.items():
            if not parameter.active_at(point):
                continue
            if parameter.computed:
                given = partial.get(name, MISSING) if parameter.dimensions else MISSING
                try:
                    point[name] = parameter.compute(given, point)
                except SpaceError as error:
                    raise SpaceError(f"parameter {name!r}: {error}") from None
            elif name in partial:
                point[name] = partial[name]
            else:
                raise SpaceError(f"parameter {name!r} has no value.")
        return point

    def check(self, params: Mapping[str, Any]) -> Params:
        """Return a point that a user gave, complete and in canonical form.

        Parameters
        ----------
        params : mapping
            A value for each active parameter; constants and expressions may be left out.

        Raises
        ------
        SpaceError
            A name is unknown, missing, or inactive at this point; a value is impossible; a
            constraint does not hold.
        """
        return check_point(params, self.parameters, self._rules)

    def to_unit(self, params: Mapping[str, Any]) -> npt.NDArray[np.float64]:
        """Return the coordinates of a complete point.

        Returns
        -------
        ndarray of float, shape (d,)
            Between 0 and 1; 0.5 for an inactive dimension.
        """
        return np.array(
            [
                parameter.locate(params[name], params) if name in params else 0.5
                for name, parameter in self._axes
            ],
            dtype=np.float64,
        )

    def from_unit(self, u: npt.ArrayLike) -> Params | None:
        """Return the point at these coordinates, or None as `complete` does.

        Parameters
        ----------
        u : array_like, shape (d,)
            Coordinates; those outside [0, 1] are moved to its ends.

        Raises
        ------
        SpaceError
            There are not d coordinates, or one is NaN.
        """
        coordinates = np.asarray(u, dtype=np.float64)
        if coordinates.shape != (len(self._axes),):
            raise SpaceError(
                f"a point has {len(self._axes)} coordinates; got an array of the shape "
                f"{coordinates.shape}."
            )
        values = {
            name: parameter.from_unit(x)
            for (name, parameter), x in zip(self._axes, coordinates.tolist(), strict=True)
        }
        return self.complete(values)

    def active(self, params: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
        """Tell which dimensions a complete point has; shape (d,)."""
        return np.array([name in params for name in self.dimensions], dtype=np.bool_)

    def key(self, params: Mapping[str, Any]) -> Hashable:
        """Return what only the same point shares: equal values of equal type."""
        return tuple(
            [
                parameter.identity(params[name]) if name in params else None
                for name, parameter in self._axes
            ]
        )

    def sample(self, rng: np.random.Generator) -> Params:
        """Draw a point uniformly from the valid part of the unit cube.

        Raises
        ------
        SpaceError
            10,000 points were drawn and none was valid.
        """
        for _ in range(_TRIES):
            point = self.from_unit(rng.random(len(self)))
            if point is not None:
                return point
        raise SpaceError(
            f"none of {_TRIES:,} random points is valid: the constraints "
            f"{', '.join(map(repr, self.constraints)) or '(none)'} leave almost nothing, or an "
            "expression has no value; loosen them, or narrow the ranges of the parameters."
        )

    def points(self) -> Iterator[Params]:
        """Iterate over all valid points of a finite space, each once.

        Raises
        ------
        SpaceError
            A parameter is continuous.
        """
        for name, parameter in self._axes:
            if math.isinf(parameter.size):
                raise SpaceError(
                    f"parameter {name!r} is continuous, so that the space has no end; give it "
                    "step= or digits=."
                )
        return enumerate_points(self.parameters, self._rules)

    def to_dict(self) -> dict[str, Any]:
        """Return the definition as JSON values; `from_dict` gives back an equal space."""
        return {
            "parameters": [
                {"name": name, **parameter.to_dict()} for name, parameter in self.parameters.items()
            ],
            "constraints": list(self.constraints),
        }

    @classmethod
    def from_dict(cls, definition: Mapping[str, Any]) -> Space:
        """Return the space that `to_dict` described.

        Raises
        ------
        SpaceError
            The definition is damaged, of an unknown kind, or makes no sense.
        """
        parameters = parameters_from_dict(definition)
        return cls(parameters, definition.get("constraints", ()))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        return (
            list(self.parameters.items()) == list(other.parameters.items())
            and self.constraints == other.constraints
        )

    def __hash__(self) -> int:
        return hash((tuple(self.parameters.items()), self.constraints))

    def __repr__(self) -> str:
        constraints = f", constraints={list(self.constraints)!r}" if self.constraints else ""
        return f"Space({dict(self.parameters)!r}{constraints})"

    def __getstate__(self) -> tuple[dict[str, Parameter], tuple[Expr, ...]]:
        return dict(self.parameters), self._rules

    def __setstate__(self, state: tuple[dict[str, Parameter], tuple[Expr, ...]]) -> None:
        self._prepare(*state)
