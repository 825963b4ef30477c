"""A parameter that is computed from earlier ones."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from phsx.exceptions import EvaluationError, SpaceError
from phsx.space.bins import Bins
from phsx.space.condition import Condition
from phsx.space.expr import Expr
from phsx.space.parameter import MISSING, Parameter, clamp
from phsx.space.value import describe, freeze, identity


class Expression(Parameter):
    """A value computed from earlier parameters, by a formula or by one of several.

    Parameters
    ----------
    source : str or list of str
        The formula, in the language of `Expr`. Of several, the search chooses one: then the
        parameter has a coordinate, whose values are the formulas (`Expr`).
    when : str or mapping, optional
        When it is active; see `Parameter`. It is inactive also where one of the parameters that
        its formulas mention is.

    Raises
    ------
    SpaceError
        A formula cannot be read, or is there twice.

    Examples
    --------
    >>> Expression("sin(x) * n").needs == {"x", "n"}
    True
    >>> Expression(["2 * n", "n ** 2"]).compute("n ** 2", {"n": 3})
    9
    """

    kind: ClassVar[str] = "expression"
    ordered = False
    computed = True

    sources: tuple[Expr, ...]
    _bins: Bins

    def __init__(
        self, source: str | Expr | Sequence[str | Expr], *, when: Condition = None
    ) -> None:
        super().__init__(when)
        listed = [source] if isinstance(source, (str, Expr)) else source
        if not isinstance(listed, (list, tuple)) or not listed:
            raise SpaceError(
                f"Expression({describe(source)}): give a formula as text, or a list of formulas."
            )
        sources = tuple(item if isinstance(item, Expr) else Expr(item) for item in listed)
        if len(set(sources)) < len(sources):
            raise SpaceError(f"Expression({describe(source)}): a formula is there twice.")
        self._set(
            sources=sources,
            size=len(sources),
            dimensions=int(len(sources) > 1),
            needs=frozenset().union(*(expr.names for expr in sources)),
            _bins=Bins(len(sources)),
        )

    def check(self, value: object) -> Expr:
        """Return the formula that is meant by an `Expr` or its source."""
        for expr in self.sources:
            if value == expr or value == expr.source:
                return expr
        raise SpaceError(f"{describe(value)} is not one of the formulas of {self!r}.")

    def compute(self, given: Any, point: Mapping[str, Any]) -> Any:
        """Return the value of the formula that is given by itself, its source, or its value.

        Raises
        ------
        EvaluationError
            The formula has no value at the point.
        SpaceError
            None of several formulas is given, or the value is that of none.
        """
        if isinstance(given, Expr):
            return self.check(given).evaluate(point)
        if given is MISSING:
            if len(self.sources) > 1:
                raise SpaceError(f"there is no value; choose one of {self._listed()}.")
            return self.sources[0].evaluate(point)
        values = [_value(expr, point) for expr in self.sources]
        for value in values:
            if value is not MISSING and _agree(given, value):
                return value
        if isinstance(given, str) and len(self.sources) > 1:
            return self.check(given).evaluate(point)
        if MISSING in values and len(values) == 1:
            return self.sources[0].evaluate(point)
        raise SpaceError(f"{describe(given)} is not the value of {self._listed()} there.")

    def _listed(self) -> str:
        return ", ".join(repr(expr.source) for expr in self.sources)

    def to_unit(self, value: Any) -> float:
        """Return the coordinate of a formula."""
        return self._bins.centre(self.sources.index(self.check(value)))

    def locate(self, value: Any, point: Mapping[str, Any]) -> float:
        """Return the coordinate of the first formula that has this value at the point."""
        if not isinstance(value, Expr):
            for expr in self.sources:
                if identity(_value(expr, point)) == identity(value):
                    return self.to_unit(expr)
        return self.to_unit(value)

    def from_unit(self, u: float) -> Expr:
        """Return the formula in whose bin a coordinate lies."""
        if not 0.0 <= u <= 1.0:
            u = clamp(u)
        return self.sources[self._bins.index(float(u))]

    def identity(self, value: Any) -> Hashable:
        """Return the identity of a value."""
        return identity(value)

    def values(self) -> Iterator[Expr]:
        """Iterate over the formulas."""
        return iter(self.sources)

    def options(self) -> dict[str, Any]:
        """Return the arguments as JSON values."""
        sources = [expr.source for expr in self.sources]
        return {"source": sources if len(sources) > 1 else sources[0]}

    def _definition(self) -> Hashable:
        return self.sources

    def _arguments(self) -> list[str]:
        return [repr(self.options()["source"])]


def _value(expr: Expr, point: Mapping[str, Any]) -> Any:
    try:
        return expr.evaluate(point)
    except EvaluationError:
        return MISSING


def _agree(given: object, value: Any) -> bool:
    """Tell whether a value that somebody wrote is the computed one, up to rounding."""
    given = freeze(given)
    if isinstance(given, (int, float)) and isinstance(value, (int, float)):
        same_type = isinstance(given, bool) is isinstance(value, bool)
        return same_type and math.isclose(given, value, rel_tol=1e-9, abs_tol=1e-300)
    return identity(given) == identity(value)
