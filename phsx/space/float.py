"""A real number between two bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, ClassVar

from phsx.exceptions import SpaceError
from phsx.space.condition import Condition
from phsx.space.decimal_grid import DecimalGrid
from phsx.space.fixed_grid import FixedGrid
from phsx.space.linear_scale import LinearScale
from phsx.space.log_scale import LogScale
from phsx.space.parameter import Parameter, clamp
from phsx.space.significant_grid import SignificantGrid
from phsx.space.value import describe, flag, real, whole

#: How far outside a bound, relative to it, a value may lie and still mean the bound.
_SLACK = 1e-12


class Float(Parameter):
    """A real number between two bounds, both included.

    Parameters
    ----------
    low, high : float
        The bounds, finite, ``low < high``.
    log : bool
        Search on a logarithmic scale; needs ``low > 0``.
    step : float, optional
        Only the values ``low``, ``low + step``, ``low + 2 step``, ... up to `high`, computed as
        decimal numbers.
    digits : int, optional
        Only values with so many decimals (or, with `log`, significant digits).
    when : str or mapping, optional
        When it is active; see `Parameter`.

    Raises
    ------
    SpaceError
        A bound, the step or the digits make no sense.

    Notes
    -----
    Without `step` and `digits`, values have about 12 significant digits with respect to the
    range, so that ``from_unit(to_unit(value)) == value`` exactly.

    Examples
    --------
    >>> Float(-5, 5).from_unit(0.25)
    -2.5
    >>> Float(1e-5, 1, log=True).from_unit(0.4)
    0.001
    >>> list(Float(0, 0.5, step=0.1).values())
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    """

    kind: ClassVar[str] = "float"

    low: float
    high: float
    step: float | None
    digits: int | None
    _scale: LinearScale | LogScale | DecimalGrid

    def __init__(
        self,
        low: float,
        high: float,
        *,
        log: bool = False,
        step: float | None = None,
        digits: int | None = None,
        when: Condition = None,
    ) -> None:
        super().__init__(when)
        this = f"Float({describe(low)}, {describe(high)})"
        low, high = real(low, f"{this}: the lower bound"), real(high, f"{this}: the upper bound")
        log = flag(log, f"{this}: log")
        check_bounds(this, low, high, log)
        if step is not None:
            step = real(step, f"{this}: step")
        if digits is not None:
            digits = whole(digits, f"{this}: digits")
        self._set(low=low, high=high, log=log, step=step, digits=digits)
        scale = self._build(this)
        self._set(_scale=scale)
        if isinstance(scale, DecimalGrid):
            self._set(size=scale.n)

    def _build(self, this: str) -> LinearScale | LogScale | DecimalGrid:
        if self.step is not None and self.digits is not None:
            raise SpaceError(f"{this}: give step or digits, not both; step is the more exact.")
        if self.step is not None:
            return FixedGrid.steps(this, self.low, self.high, self.step, log=self.log)
        if self.digits is None:
            scale = LogScale if self.log else LinearScale
            return scale(self.low, self.high)
        if self.log:
            return SignificantGrid.between(this, self.low, self.high, self.digits)
        return FixedGrid.decimals(this, self.low, self.high, self.digits)

    def check(self, value: object) -> float:
        """Return the value as a float between the bounds, on the grid if there is one."""
        number = real(value, "the value")
        if not self.low <= number <= self.high:
            bound = min(max(number, self.low), self.high)
            if abs(number - bound) <= _SLACK * abs(bound):
                return self.check(bound)
            side, bound = ("below", self.low) if number < self.low else ("above", self.high)
            edge = "lower" if number < self.low else "upper"
            raise SpaceError(f"{number!r} is {side} the {edge} bound {bound!r}.")
        if not isinstance(self._scale, DecimalGrid):
            return number
        nearest = self._scale.nearest(number)
        if abs(number - nearest) > 1e-6 * self._scale.gap + 4 * math.ulp(nearest):
            raise SpaceError(f"{number!r} is not a value of {self!r}; the nearest is {nearest!r}.")
        return nearest

    def to_unit(self, value: Any) -> float:
        """Return the coordinate of a value."""
        return clamp(self._scale.to_unit(float(value)))

    def from_unit(self, u: float) -> float:
        """Return the value of a coordinate."""
        if not 0.0 <= u <= 1.0:
            u = clamp(u)
        # NumPy's floats would stay NumPy's, and round less exactly.
        return self._scale.from_unit(float(u))

    def values(self) -> Iterator[float]:
        """Iterate over the values; only with `step` or `digits`."""
        if not isinstance(self._scale, DecimalGrid):
            raise SpaceError(f"{self!r} is continuous; give it step= or digits= to enumerate it.")
        return self._scale.values()

    def options(self) -> dict[str, Any]:
        """Return the arguments as JSON values."""
        options: dict[str, Any] = {"low": self.low, "high": self.high}
        if self.log:
            options["log"] = True
        if self.step is not None:
            options["step"] = self.step
        if self.digits is not None:
            options["digits"] = self.digits
        return options

    def _arguments(self) -> list[str]:
        return [repr(self.low), repr(self.high), *super()._arguments()[2:]]


def check_bounds(this: str, low: float, high: float, log: bool) -> None:
    """Raise a SpaceError unless the bounds of a range, of which `this` tells, make sense."""
    if low > high:
        raise SpaceError(f"{this}: the lower bound is above the upper bound; swap them.")
    if low == high:
        raise SpaceError(
            f"{this}: the bounds are equal, so there is nothing to search; use Constant({low!r})."
        )
    if log and low <= 0:
        raise SpaceError(
            f"{this}: log=True needs a lower bound above zero; raise it, or search on a linear "
            "scale."
        )
