"""Decimal numbers of some significant digits, on a logarithmic scale."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Context
from typing import Final

from phsx.exceptions import SpaceError
from phsx.space.decimal_grid import DecimalGrid
from phsx.space.log_scale import LogScale

#: As many as a coordinate can tell apart over the whole range of floats.
_MOST: Final = 12


class SignificantGrid(DecimalGrid):
    """All numbers of some significant digits between two bounds above zero, on a log scale.

    Parameters
    ----------
    digits : int
        How many significant digits.
    first, last : int
        Ordinal numbers of the lowest and highest value: decade times values in a decade, plus
        the place in the decade.
    """

    def __init__(self, digits: int, first: int, last: int) -> None:
        self._digits = digits
        self._decade = 9 * 10 ** (digits - 1)
        self._first = first
        self.n = last - first + 1
        self._low, self._high = self._value(first), self._value(last)
        below, above = self._value(first + 1) - self._low, self._high - self._value(last - 1)
        self.gap = below
        # Half a gap outside the outermost values, so that they get as much of the scale.
        top = min(self._high + above / 2, sys.float_info.max)
        self._scale = LogScale(self._low - below / 2, top, digits)

    @classmethod
    def between(cls, this: str, low: float, high: float, digits: int) -> SignificantGrid:
        """Return the grid of all numbers between two; `this` names it in messages."""
        if not 1 <= digits <= _MOST:
            raise SpaceError(
                f"{this}: digits is {digits}; with log=True these are significant digits, "
                f"between 1 and {_MOST}."
            )
        if low < sys.float_info.min:
            raise SpaceError(
                f"{this}: floats below {sys.float_info.min!r} do not have {digits} digits; raise "
                "the lower bound, or leave digits out."
            )
        first = cls._ordinal(low, digits, ROUND_CEILING)
        last = cls._ordinal(high, digits, ROUND_FLOOR)
        if last <= first:
            raise SpaceError(
                f"{this}: with digits={digits} at most one value is left; allow more digits."
            )
        return cls(digits, first, last)

    @staticmethod
    def _ordinal(value: float, digits: int, rounding: str | None = None) -> int:
        number = Context(prec=digits, rounding=rounding).create_decimal(repr(value))
        exponent = number.adjusted()
        mantissa = int(number.scaleb(digits - 1 - exponent))
        lowest: int = 10 ** (digits - 1)
        return exponent * 9 * lowest + mantissa - lowest

    def _value(self, ordinal: int) -> float:
        exponent, place = divmod(ordinal, self._decade)
        return float(f"{place + 10 ** (self._digits - 1)}e{exponent - self._digits + 1}")

    def to_unit(self, value: float) -> float:
        """Return the coordinate of a value."""
        return self._scale.to_unit(value)

    def from_unit(self, u: float) -> float:
        """Return the value of a coordinate."""
        return min(max(self._scale.from_unit(u), self._low), self._high)

    def nearest(self, value: float) -> float:
        """Return the value of the grid that is nearest to a number."""
        rounded = float(f"{value:.{self._digits - 1}e}")
        return min(max(rounded, self._low), self._high)

    def values(self) -> Iterator[float]:
        """Iterate over the values."""
        return map(self._value, range(self._first, self._first + self.n))
