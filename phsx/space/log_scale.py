"""A continuous range on a logarithmic scale, rounded to significant decimal digits."""

from __future__ import annotations

import math
from typing import Final

_DIGITS: Final = 12
#: From so many significant digits on, rounding would not change a float any more.
_ALL: Final = 16


class LogScale:
    """Maps [low, high], low > 0, to the unit interval by its logarithm, and back.

    Values have 12 significant digits, more where the range is narrow, so that
    ``from_unit(to_unit(value)) == value`` for each of them, over the whole range of floats.

    Parameters
    ----------
    low, high : float
        The bounds, ``0 < low < high``.
    digits : int, optional
        Significant digits.
    """

    __slots__ = ("_digits", "_length", "_narrow", "_origin", "high", "low")

    def __init__(self, low: float, high: float, digits: int | None = None) -> None:
        self.low, self.high = low, high
        self._origin = math.log(low)
        self._length = math.log(high) - self._origin
        # log1p keeps the precision that the difference of two logarithms loses.
        self._narrow = self._length < 1.0
        if self._narrow:
            self._length = math.log1p((high - low) / low)
        if digits is None:
            digits = _DIGITS + max(0, math.ceil(-math.log10(self._length)))
        self._digits = digits if digits < _ALL else None

    def from_unit(self, u: float) -> float:
        """Return the value of a coordinate between 0 and 1."""
        if u <= 0.0:
            return self.low
        if u >= 1.0:
            return self.high
        if self._narrow:
            value = self.low + self.low * math.expm1(u * self._length)
        else:
            value = math.exp(self._origin + u * self._length)
        if self._digits is not None:
            value = float(f"{value:.{self._digits - 1}e}")
        # A bound need not be on the grid; what has the bound's coordinate is the bound.
        position = self.to_unit(value)
        if position <= 0.0:
            return self.low
        return value if position < 1.0 else self.high

    def to_unit(self, value: float) -> float:
        """Return the coordinate of a value between the bounds."""
        if self._narrow:
            return math.log1p((value - self.low) / self.low) / self._length
        return (math.log(value) - self._origin) / self._length
