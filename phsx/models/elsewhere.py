"""What is to be gained outside of the basins of optima that have been found."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from phsx.history import BoolArray, FloatArray, IntArray
from phsx.models.improvement import ExpectedImprovement
from phsx.models.judged import Judged
from phsx.models.matern import Matern

#: Points belong to the basin of a center with which they are correlated more than this.
_SAME = 0.3

#: How wide the border of a basin is, in units of the correlation: gradients have to see it.
_BORDER = 0.02

#: Up to this penalty a pending point is at the border, where the next one would like to go, too.
_AT_BORDER = 3.0


@dataclass(frozen=True)
class Basins:
    """The surroundings of points, as far as length scales tell.

    Attributes
    ----------
    kernel : Matern
        A kernel of variance 1.
    theta : ndarray
        Its parameters.
    centers : ndarray, shape (k, p)
        Features of the points.

    Examples
    --------
    >>> basins = Basins.of([0], [0.2], np.array([[0.5]]))
    >>> basins.contain(np.array([[0.4], [0.9]])).tolist()
    [True, False]
    """

    kernel: Matern
    theta: FloatArray
    centers: FloatArray

    @classmethod
    def of(cls, groups: npt.ArrayLike, length_scales: npt.ArrayLike, centers: FloatArray) -> Basins:
        """Return the basins of `centers` (k, p), given the length scale of each group."""
        return cls(Matern(groups), np.append(np.log(length_scales), 0.0), centers)

    def contain(self, features: FloatArray) -> BoolArray:
        """Tell which of the points (m, p) lie inside of one of the basins."""
        return np.asarray(self._correlation(features).max(axis=1) > _SAME)

    def penalty(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what is near 0 outside and large inside, (m,), and its gradients, (m, p)."""
        correlation = self._correlation(features)
        inside = (correlation.max(axis=1) - _SAME) / _BORDER
        weights = np.zeros_like(correlation)
        nearest = np.arange(len(features)), correlation.argmax(axis=1)
        weights[nearest] = np.exp(-np.logaddexp(0.0, -inside)) / _BORDER
        slope = self.kernel.input_gradient(self.theta, features, self.centers, weights)
        return np.logaddexp(0.0, inside), slope

    def _correlation(self, features: FloatArray) -> FloatArray:
        return self.kernel.matrix(self.theta, features, self.centers)


@dataclass(frozen=True)
class Elsewhere:
    """Log expected improvement on the best that is known outside of some basins.

    Where a model expects next to nothing any more, it has found an optimum, but maybe a local
    one. Instead of spending the rest of a search on that optimum's last digits, one may go on as
    if its basin did not exist.

    Attributes
    ----------
    acquisition : Judged
        The improvement there.
    basins : Basins
        Where not to look.
    """

    acquisition: Judged
    basins: Basins

    @classmethod
    def of(cls, acquisition: Judged, basins: Basins, best: float, pending: FloatArray) -> Elsewhere:
        """Return the improvement on `best`, and on what `pending` points (k, p) outside may give.

        Those at the border of a basin count as outside: what is best outside often lies there.

        The pending points are the last ones that the acquisition's posterior has.
        """
        to_beat: float | FloatArray = best
        if len(pending):
            outside = basins.penalty(pending)[0] < _AT_BORDER
            sampled = acquisition.posterior.sampled(len(pending))[outside]
            to_beat = np.minimum(best, sampled.min(axis=0, initial=np.inf))
        return cls(replace(acquisition, criterion=ExpectedImprovement(to_beat)), basins)

    @property
    def smooth(self) -> bool:
        """Whether gradients lead anywhere."""
        return self.acquisition.smooth

    def __call__(self, features: FloatArray) -> FloatArray:
        """Values, shape (m,), at features (m, p)."""
        return self.acquisition(features) - self.basins.penalty(features)[0]

    def gradient(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values (m,) and gradients (m, p) by the features."""
        value, gradient = self.acquisition.gradient(features)
        penalty, slope = self.basins.penalty(features)
        return value - penalty, gradient - slope


def far_apart(features: FloatArray, first: int, count: int) -> IntArray:
    """Choose rows far from each other, in order: each time the one farthest from all chosen.

    Gonzalez (1985), "Clustering to minimize the maximum intercluster distance".

    Parameters
    ----------
    features : ndarray, shape (n, p)
        The points.
    first : int
        The row to begin with.
    count : int
        How many rows; where there are fewer, all.

    Examples
    --------
    >>> far_apart(np.array([[0.0], [0.1], [0.9], [0.5], [1.0]]), 0, 3).tolist()
    [0, 3, 4]
    """
    chosen = np.zeros(len(features), dtype=bool)
    distance = np.full(len(features), np.inf)
    farthest = first
    for _ in range(min(count, len(features))):
        chosen[farthest] = True
        distance = np.minimum(distance, ((features - features[farthest]) ** 2).sum(axis=1))
        distance[chosen] = -1.0
        farthest = int(distance.argmax())
    return np.flatnonzero(chosen)
