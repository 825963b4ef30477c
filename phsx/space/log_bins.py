"""Evenly spaced values on a logarithmic scale: bins that get narrower upwards."""

from __future__ import annotations

import math
from typing import Final

#: Bins beyond this number are told apart by so many significant digits only.
_DIGITS: Final = 12


class LogBins:
    """Values low, low + step, ... as bins whose edges lie half a step to each side.

    The lowest edge is ``low - step/2``, but not below ``low/2``, the highest
    ``low + (n - 1/2) step``; a bin's width is the difference of the logarithms of its edges.

    Parameters
    ----------
    low : float
        The lowest value, above 0.
    step : float
        Distance of neighbouring values.
    n : int
        How many values.
    """

    __slots__ = ("_edge", "_last", "_length", "_shift", "_step", "n")

    def __init__(self, low: float, step: float, n: int) -> None:
        self.n = n
        self._step = step
        self._edge = max(low - step / 2, low / 2)
        # The first bin may be cut; the shift is what is missing of it, in steps.
        self._shift = (self._edge - low) / step + 0.5
        self._length = math.log1p((n - self._shift) * step / self._edge)
        self._last = _floor_significant(n - 1)

    def index(self, u: float) -> int:
        """Return the bin of a coordinate between 0 and 1."""
        offset = math.expm1(u * self._length) * self._edge / self._step
        index = int(offset + self._shift)
        if index > 10**_DIGITS:
            index = round(index, _DIGITS - len(str(index)))
        return min(index, self._last)

    def centre(self, index: int) -> float:
        """Return the coordinate of the middle of a bin."""
        return (self._position(index) + self._position(index + 1)) / 2

    def _position(self, index: int) -> float:
        """Return the coordinate of the lower edge of a bin."""
        offset = max(index - self._shift, 0.0) * self._step
        return min(math.log1p(offset / self._edge) / self._length, 1.0)


def _floor_significant(number: int) -> int:
    """Round down to the digits that are kept."""
    unit: int = 10 ** max(len(str(number)) - _DIGITS, 0)
    return number // unit * unit
