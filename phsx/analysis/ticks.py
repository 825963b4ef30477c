"""Where to put ticks on axes that are drawn by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import Formatter, Locator, MaxNLocator

from phsx.analysis.words import number, tick_labels


def nice_ticks(
    low: float, high: float, *, log: bool = False, integer: bool = False, count: int = 6
) -> list[float]:
    """Choose at most some `count` round numbers between two bounds.

    >>> nice_ticks(-5, 5)
    [-4.0, -2.0, 0.0, 2.0, 4.0]
    >>> nice_ticks(1e-5, 0.1, log=True)
    [1e-05, 0.0001, 0.001, 0.01, 0.1]
    >>> nice_ticks(8, 512, log=True)
    [10.0, 20.0, 50.0, 100.0, 200.0, 500.0]
    >>> nice_ticks(1, 4, integer=True)
    [1.0, 2.0, 3.0, 4.0]
    """
    if not low < high:
        return [float(low)]
    ticks = _log_ticks(low, high, count) if log and low > 0 else []
    if len(ticks) < 2:
        steps = [1, 2, 2.5, 5, 10]
        locator = MaxNLocator(nbins=count - 1, integer=integer, steps=steps, min_n_ticks=2)
        ticks = [float(tick) for tick in locator.tick_values(low, high)]
    slack = 1e-9 * (high - low)
    return [tick + 0.0 for tick in ticks if low - slack <= tick <= high + slack]


class RoundLocator(Locator):
    """Round numbers along a logarithmic axis, chosen anew when the reader zooms.

    The axis is symmetric, and linear below `threshold`, where one is given.
    """

    def __init__(self, threshold: float | None = None) -> None:
        self._threshold = threshold

    def __call__(self) -> list[float]:
        """Return the ticks of the axis as it is now."""
        axis: Any = self.axis
        return self.tick_values(*axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Return the ticks between two bounds."""
        low, high = min(vmin, vmax), max(vmin, vmax)
        if self._threshold is None:
            return nice_ticks(low, high, log=True)
        return symmetric_ticks(low, high, self._threshold)


class RoundFormatter(Formatter):
    """Numbers as everywhere else on the plots, never with an offset in a corner."""

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Write one number."""
        return number(x)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """Write the numbers of all ticks so that they differ."""
        return tick_labels([float(value) for value in values])


def symmetric_ticks(low: float, high: float, threshold: float, count: int = 7) -> list[float]:
    """Choose round numbers along a symmetric logarithm that is linear below `threshold`.

    Powers of ten come first, other round numbers where there is room between them.

    >>> symmetric_ticks(-1.2, 10000, threshold=0.5)
    [-1.0, 0.0, 1.0, 10.0, 100.0, 1000.0, 10000.0]
    >>> symmetric_ticks(-1.2, 0.7, threshold=0.5)
    [-1.0, -0.5, -0.2, 0.0, 0.2, 0.5]
    """
    reach = max(abs(low), abs(high), threshold)
    powers = range(math.floor(math.log10(threshold)), math.ceil(math.log10(reach)) + 1)
    candidates = [0.0]
    for digit in (1, 5, 2):
        candidates += [float(f"{sign}{digit}e{power}") for power in powers for sign in "+-"]

    def place(value: float) -> float:
        size = abs(value) / threshold
        return math.copysign(size if size < 1 else 1 + math.log10(size), value)

    apart = 0.8 * (place(high) - place(low)) / count
    kept: list[float] = []
    for tick in candidates:
        free = all(abs(place(tick) - place(other)) >= apart for other in kept)
        if low <= tick <= high and free:
            kept.append(tick)
    return sorted(kept) if len(kept) > 1 else nice_ticks(low, high)


def _log_ticks(low: float, high: float, count: int) -> list[float]:
    """Return powers of ten, with 2 and 5 times them where the powers alone are too few."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    decades = math.log10(high) - math.log10(low)
    for digits in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        ticks = [float(f"{digit}e{power}") for power in range(first, last + 1) for digit in digits]
        inside = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if len(inside) <= count:
            return inside
    stride = int(np.ceil(decades / (count - 1)))
    return [tick for tick in inside if round(math.log10(tick)) % stride == 0]
