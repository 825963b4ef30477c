"""Whether results are better read on a linear or on a logarithmic scale, and over which range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.colors import LogNorm, Normalize, SymLogNorm

from phsx.analysis.frame import FloatArray
from phsx.analysis.ticks import nice_ticks, symmetric_ticks

Kind = Literal["linear", "log", "symlog"]


@dataclass(frozen=True)
class Magnitude:
    """A scale for results.

    Attributes
    ----------
    kind : {"linear", "log", "symlog"}
        A symmetric logarithm where a logarithm would help but some results are not positive.
    low, high : float
        The range that is worth its room: it always holds the best result, while bad outliers may
        lie beyond.
    threshold : float
        Below this absolute value a symmetric logarithm is linear.
    clipped : {"neither", "min", "max"}
        The side on which results lie beyond the range.
    """

    kind: Kind
    low: float
    high: float
    threshold: float = 1.0
    clipped: Literal["neither", "min", "max"] = "neither"

    @classmethod
    def of(
        cls, values: FloatArray, *, maximize: bool, log: bool | Literal["auto"] = "auto"
    ) -> Magnitude:
        """Choose the scale for finite results (any number of them, also none).

        The worst fifth is cut off where it takes more than half of the room: there the colours of
        all the others would be nearly the same.

        >>> Magnitude.of(np.array([1.0, 2.0, 3.0]), maximize=False)
        Magnitude(kind='linear', low=1.0, high=3.0, threshold=1.0, clipped='neither')
        >>> Magnitude.of(np.geomspace(1e-3, 10, 9), maximize=False).kind
        'log'
        """
        if not values.size:
            return cls("linear", 0.0, 1.0)
        kind, threshold = choose(values, maximize=maximize, log=log)
        low, high = float(values.min()), float(values.max())
        warped = _warp(values, kind, threshold)
        best, worst = (warped.max(), warped.min()) if maximize else (warped.min(), warped.max())
        fifth = float(np.quantile(warped, 0.2 if maximize else 0.8))
        if values.size < 5 or abs(worst - best) <= 2 * abs(fifth - best) or fifth == best:
            return cls(kind, low, high, threshold)
        # A result that was measured, not one between two: reading it off is then exact.
        cut = float(values[np.argmin(np.abs(warped - fifth))])
        if maximize:
            return cls(kind, cut, high, threshold, "min")
        return cls(kind, low, cut, threshold, "max")

    def ticks(self, count: int = 6) -> list[float]:
        """Return round results to be written along the scale, none too near to the next."""
        if self.low == self.high:
            return [self.low]
        if self.kind == "symlog":
            return symmetric_ticks(self.low, self.high, self.threshold, count)
        return nice_ticks(self.low, self.high, log=self.kind == "log", count=count)

    def norm(self) -> Normalize:
        """Return the matplotlib normalisation; a single result gets the middle of the colours."""
        low, high = self.low, self.high
        if low == high:
            pad = abs(low) / 2 or 0.5
            return Normalize(low - pad, high + pad)
        if self.kind == "log":
            return LogNorm(low, high)
        if self.kind == "symlog":
            return SymLogNorm(self.threshold, vmin=low, vmax=high)
        return Normalize(low, high)


def choose(
    values: FloatArray, *, maximize: bool, log: bool | Literal["auto"] = "auto"
) -> tuple[Kind, float]:
    """Choose the kind of scale, and the threshold of a symmetric logarithm.

    A logarithm helps where results span more than a decade and most of them crowd at its small
    end, which for signed results has to be far clearer.
    """
    if not values.size or log is False:
        return "linear", 1.0
    low, high = float(values.min()), float(values.max())
    if low > 0:
        # A few zeros or signs apart, this is the usual case of losses, errors, times.
        crowded = float(np.median(values)) - low < 0.25 * (high - low)
        return ("log" if log is True or (high > 20 * low and crowded) else "linear"), 1.0
    sizes = np.abs(values[values != 0])
    if not sizes.size:
        return "linear", 1.0
    one_sided = low >= 0 or high <= 0
    threshold = float(np.quantile(sizes, 0.05 if one_sided else 0.5))
    good, far = (high, low) if maximize else (low, high)
    middle = float(np.quantile(values, 0.25 if maximize else 0.75))
    crowded = abs(middle - good) < 0.05 * abs(far - good)
    return ("symlog" if log is True or crowded else "linear"), threshold


def _warp(values: FloatArray, kind: Kind, threshold: float) -> FloatArray:
    """Return where values lie along the scale, in arbitrary units."""
    if kind == "log":
        return np.log10(values)
    if kind == "symlog":
        return np.asarray(np.arcsinh(values / threshold))
    return values
