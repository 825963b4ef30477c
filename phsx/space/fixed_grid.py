"""Decimal numbers at equal distances: by a step, or by a number of decimals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Final

from phsx.exceptions import SpaceError
from phsx.space.bins import MOST, Bins
from phsx.space.decimal_grid import DecimalGrid
from phsx.space.log_bins import LogBins

#: Enough digits for the sum of any two floats; the user's own decimal context plays no part.
_EXACT: Final = Context(prec=800)
#: Enough for a quotient that is rounded to a whole number below 2**53.
_SHORT: Final = Context(prec=40)
#: The largest step on a logarithmic scale, in lower bounds.
_MOST_STEP: Final = 1e6


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
                f"{this}: step is {step!r}, larger than the range {float(span)!r}, so that "
                "only the lower bound would be left; make it smaller."
            )
        if log and step > _MOST_STEP * low:
            raise SpaceError(
                f"{this}: step is {step!r}, so much larger than the lower bound that a logarithmic "
                "scale would hold little else; leave out log or step."
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
        if span.adjusted() - step.adjusted() > 16 or _EXACT.divide_int(span, step) >= MOST:
            raise SpaceError(
                f"{this}: a grid as fine as that has more than 10**15 values, which is a "
                "continuous range; leave step and digits out."
            )
        last = _EXACT.add(first, span)
        if float(step) < 4 * math.ulp(max(abs(float(first)), abs(float(last)))):
            raise SpaceError(
                f"{this}: floats as large as the bounds lie farther apart than values at distances "
                f"of {float(step)!r}; leave step and digits out."
            )
        return cls(first, step, int(_EXACT.divide_int(span, step)) + 1, log)

    def _value(self, index: int) -> float:
        return float(_EXACT.fma(Decimal(index), self._step, self._first))

    def _index(self, value: float) -> int:
        offset = _EXACT.subtract(Decimal(repr(value)), self._first)
        return min(max(round(_SHORT.divide(offset, self._step)), 0), self.n - 1)

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
