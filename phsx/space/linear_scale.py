"""A continuous range on a linear scale, rounded to a decimal grid that is finer than it matters."""

from __future__ import annotations

import math
from typing import Final

#: The grid has between 10**12 and 10**13 points.
_DIGITS: Final = 12


class LinearScale:
    """Maps [low, high] to the unit interval and back, exactly on its grid.

    A value is rounded to decimals such that values written by a person, as 0.1, are met exactly
    and ``from_unit(to_unit(value)) == value`` for every value of the grid. Where neighbouring
    floats are farther apart than the grid's points (a tiny range far from zero), each float of
    the range is a value.

    Parameters
    ----------
    low, high : float
        The bounds, ``low < high``.
    """

    __slots__ = ("_decimals", "_half", "_origin", "_width", "high", "low")

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high
        # The width of [-1e308, 1e308] is no float; half of it is.
        self._half = 1.0 if math.isfinite(high - low) else 0.5
        self._origin = low * self._half
        self._width = high * self._half - self._origin
        exponent = math.floor(math.log10(self._width) - math.log10(self._half))
        spacing = math.ulp(max(abs(low), abs(high)))
        coarse = math.log10(spacing) + 0.7 < exponent - _DIGITS
        self._decimals = _DIGITS - exponent if coarse else None

    def from_unit(self, u: float) -> float:
        """Return the value of a coordinate between 0 and 1."""
        value = (self._origin + u * self._width) / self._half
        if self._decimals is not None:
            value = round(value, self._decimals) + 0.0  # no minus zero
        # A bound need not be on the grid; what has the bound's coordinate is the bound.
        position = self.to_unit(value)
        if u <= 0.0 or position <= 0.0:
            return self.low
        if u >= 1.0 or position >= 1.0:
            return self.high
        return value

    def to_unit(self, value: float) -> float:
        """Return the coordinate of a value between the bounds."""
        return (value * self._half - self._origin) / self._width
