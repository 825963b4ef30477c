"""The plane of two parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from phsx.analysis.frame import BoolArray, FloatArray, Trials
from phsx.analysis.scale import Scale
from phsx.analysis.searched import Searched

#: How far trials of one choice are spread, as a part of the room between two choices.
SPREAD = 0.34


@dataclass(frozen=True, eq=False)
class Plane:
    """Where trials lie on two axes.

    Attributes
    ----------
    x, y : Scale
        The axes.
    px, py : ndarray of float, shape (n,)
        Positions in data coordinates; NaN where a parameter was inactive.
    spread : ndarray of float, shape (n, 2)
        By how much trials on crowded axes are shifted to be seen.
    drawn : ndarray of bool, shape (n,)
        Which trials have both parameters.
    alone : bool
        Whether no other parameter varies.
    """

    x: Scale
    y: Scale
    px: FloatArray
    py: FloatArray
    spread: FloatArray
    drawn: BoolArray
    alone: bool

    @classmethod
    def of(cls, experiment: Searched, trials: Trials, x: str, y: str) -> Plane:
        """Lay out the parameters called `x` and `y`."""
        known = experiment.space.parameters
        xs, ys = (Scale.of(name, known[name], trials.params[name]) for name in (x, y))
        px, py = xs.positions(trials.params[x]), ys.positions(trials.params[y])
        shifts = [scale.spread(trials.ids, SPREAD, i) for i, scale in enumerate((xs, ys))]
        drawn = np.isfinite(px) & np.isfinite(py)
        alone = {name for name in known if known[name].size > 1} <= {x, y}
        return cls(xs, ys, px, py, np.stack(shifts, axis=1), drawn, alone)

    @property
    def crowded(self) -> bool:
        """Whether an axis has so few values that nothing lies between them."""
        return bool(self.x.pitch or self.y.pitch)

    def at(self, rows: Any) -> tuple[FloatArray, FloatArray]:
        """Return the positions of `rows` as they are drawn."""
        return self.px[rows] + self.spread[rows, 0], self.py[rows] + self.spread[rows, 1]

    def unit(self, rows: BoolArray) -> FloatArray:
        """Return the positions of `rows` as fractions of the two axes, shape (m, 2)."""
        return np.stack([self.x.unit(self.px[rows]), self.y.unit(self.py[rows])], axis=1)
