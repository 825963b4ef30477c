"""Normal scores: the objective's values as the normal quantiles of their ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from phsx.history import FloatArray

#: At most so many values are kept; scores in between are interpolated.
_KNOTS = 64

_LIMIT = 1e300  # differences must not overflow
_LEAST = 1e-290  # nor what is divided by them


@dataclass(frozen=True)
class Ranks:
    """Replace values by standardized normal scores: how they are ordered is all that counts.

    Where good values form a plateau, what differs among them is as large to a model as what
    differs between them and bad ones.

    Attributes
    ----------
    values, scores : tuple of float
        Some of the values that it was learned from, increasing, and their scores. Between them
        scores are interpolated; above the largest they stay, and below the least they fall
        logarithmically.

    References
    ----------
    Salinas, Shen and Perrone (2020), "A quantile-based approach for hyperparameter transfer
    learning", on modelling objectives by their normal scores (a Gaussian copula).

    Examples
    --------
    >>> ranks = Ranks.of(np.array([0.46, 0.461, 0.465, 4.2, 9e9]))
    >>> ranks.forward(np.array([0.46, 0.461, 0.465, 4.2, 9e9])).round(2).tolist()
    [-1.46, -0.6, 0.0, 0.6, 1.46]
    >>> ranks.backward(np.array([-1.0, 0.0])).round(4).tolist()
    [0.4605, 0.465]
    """

    values: tuple[float, ...]
    scores: tuple[float, ...]

    @classmethod
    def of(cls, values: FloatArray) -> Ranks:
        """Learn the scores of finite `values`, shape (n,), n >= 1."""
        values = np.where(np.abs(values) < _LEAST, 0.0, np.clip(values, -_LIMIT, _LIMIT))
        different, which, counts = np.unique(values, return_inverse=True, return_counts=True)
        below = np.cumsum(counts) - 0.5 * counts  # those equal to it count as half
        scores = ndtri(below / len(values))
        all_scores = scores[which]
        # Where values are equal, the mean is not quite 0.
        scores = (scores - all_scores.mean()) / (all_scores.std() or 1.0)
        if len(different) > _KNOTS:
            wanted = np.linspace(scores[0], scores[-1], _KNOTS)
            kept = np.unique(np.abs(scores[:, None] - wanted).argmin(axis=0))
            different, scores = different[kept], scores[kept]
        return cls(tuple(different.tolist()), tuple(scores.tolist()))

    def forward(self, values: FloatArray) -> FloatArray:
        """Transform finite values."""
        clipped = np.clip(values, -_LIMIT, _LIMIT)
        below = np.maximum(self.values[0] - clipped, 0.0)
        with np.errstate(over="ignore"):
            fallen = np.log1p(np.minimum(below / self._unit(), _LIMIT))
        return np.asarray(np.interp(clipped, self.values, self.scores) - fallen)

    def backward(self, scores: FloatArray) -> FloatArray:
        """Undo `forward` (but for what is above the largest value)."""
        below = np.maximum(self.scores[0] - scores, 0.0)
        with np.errstate(over="ignore"):
            fallen = np.minimum(self._unit() * np.expm1(below), _LIMIT)
        return np.asarray(np.interp(scores, self.scores, self.values) - fallen)

    def to_dict(self) -> dict[str, list[float]]:
        """Return the transform as JSON values."""
        return {"values": list(self.values), "scores": list(self.scores)}

    @classmethod
    def from_dict(cls, data: Mapping[str, list[float]]) -> Ranks:
        """Rebuild a transform from `to_dict`."""
        return cls(tuple(data["values"]), tuple(data["scores"]))

    def _unit(self) -> float:
        """How much values differ for a score less by 1, near the best."""
        if len(self.values) == 1:
            return max(abs(self.values[0]), 1.0)
        near = min(int(np.searchsorted(self.scores, self.scores[0] + 1.0)), len(self.values) - 1)
        return (self.values[near] - self.values[0]) / (self.scores[near] - self.scores[0])
