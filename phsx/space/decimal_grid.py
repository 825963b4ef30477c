"""Countable sets of decimal numbers: by a step, by decimals, by significant digits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

from phsx.exceptions import SpaceError
from phsx.space.bins import MOST, Bins
from phsx.space.log_bins import LogBins
from phsx.space.log_scale import LogScale

#: Enough digits for every sum and quotient of floats that differ by a factor of up to 10**15.
_EXACT: Final = Context(prec=800)
_MOST_DIGITS: Final = 15


class DecimalGrid(ABC):
    """A finite set of floats that are short decimal numbers.

    Attributes
    ----------
    n : int
        How many.
    gap : float
        The smallest distance of two.
    """

    n: int
    gap: float

    @abstractmethod
    def to_unit(self, value: float) -> float:
        """Return the coordinate of a value."""

    @abstractmethod
    def from_unit(self, u: float) -> float:
        """Return the value of a coordinate."""

    @abstractmethod
    def nearest(self, value: float) -> float:
        """Return the value of the grid that is nearest to a number."""

    @abstractmethod
    def values(self) -> Iterator[float]:
        """Iterate over the values from the lowest to the highest."""


class FixedGrid(DecimalGrid):
    """``first + i * step`` for i below n, in decimal arithmetic.

    Parameters
    ----------
    first, step : Decimal
        The lowest value, and the distance of neighbours.
    n : int
        How many values.
    log : bool
        Whether the bins of the values are those of a logarithmic scale.
    """

    def __init__(self, first: Decimal, step: Decimal, n: int, log: bool) -> None:
        self.n = n
        self.gap = float(step)
        self._first, self._step = first, step
        self._bins: Bins | LogBins
        self._bins = LogBins(float(first), self.gap, n) if log else Bins(n)

    @classmethod
    def steps(cls, this: str, low: float, high: float, step: float, log: bool) -> FixedGrid:
        """Return the grid that starts at `low`; `this` names it in messages."""
        if step <= 0:
            raise SpaceError(f"{this}: step is {step!r}; it has to be above zero.")
        first, distance = Decimal(repr(low)), Decimal(repr(step))
        span = _EXACT.subtract(Decimal(repr(high)), first)
        if distance > span:
            raise SpaceError(
                f"{this}: step is {step!r}, larger than the range {float(span)!r}; only the lower "
                "bound would be left."
            )
        return cls._counted(this, first, distance, span, log)

    @classmethod
    def decimals(cls, this: str, low: float, high: float, digits: int) -> FixedGrid:
        """Return the grid of all numbers of so many decimals."""
        if not 0 <= digits <= 324:
            raise SpaceError(f"{this}: digits is {digits}; decimals are counted from 0 up.")
        unit = Decimal((0, (1,), -digits))
        first = Decimal(repr(low)).quantize(unit, ROUND_CEILING, _EXACT)
        last = Decimal(repr(high)).quantize(unit, ROUND_FLOOR, _EXACT)
        if last <= first:
            raise SpaceError(
                f"{this}: with digits={digits} at most one value is left; allow more digits."
            )
        return cls._counted(this, first, unit, _EXACT.subtract(last, first), log=False)

    @classmethod
    def _counted(
        cls, this: str, first: Decimal, step: Decimal, span: Decimal, log: bool
    ) -> FixedGrid:
        # The size of the quotient is known before its digits are computed.
        if span.adjusted() - step.adjusted() > 16 or span / step >= MOST:
            raise SpaceError(
                f"{this}: a grid as fine as that has more than 10**15 values, which is a "
                "continuous range; leave step and digits out."
            )
        n = int(_EXACT.divide_int(span, step)) + 1
        return cls(first, step, n, log)

    def _value(self, index: int) -> float:
        return float(_EXACT.fma(Decimal(index), self._step, self._first))

    def _index(self, value: float) -> int:
        offset = _EXACT.subtract(Decimal(repr(value)), self._first)
        return min(max(round(offset / self._step), 0), self.n - 1)

    def to_unit(self, value: float) -> float:
        """Return the middle of the value's bin."""
        return self._bins.centre(self._index(value))

    def from_unit(self, u: float) -> float:
        """Return the value in whose bin a coordinate lies."""
        return self._value(self._bins.index(u))

    def nearest(self, value: float) -> float:
        """Return the value of the grid that is nearest to a number."""
        return self._value(self._index(value))

    def values(self) -> Iterator[float]:
        """Iterate over the values."""
        return map(self._value, range(self.n))


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
        self._scale = LogScale(self._low - below / 2, self._high + above / 2, digits)

    @classmethod
    def between(cls, this: str, low: float, high: float, digits: int) -> SignificantGrid:
        """Return the grid of all numbers between two; `this` names it in messages."""
        if not 1 <= digits <= _MOST_DIGITS - 2:
            raise SpaceError(
                f"{this}: digits is {digits}; with log=True these are significant digits, "
                f"between 1 and {_MOST_DIGITS - 2}."
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
