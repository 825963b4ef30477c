"""How low a value may be, within reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phsx.history import FloatArray


@dataclass(frozen=True)
class ConfidenceBound:
    """The bound `kappa` standard deviations below the mean, negated; a `Criterion`.

    Srinivas, Krause, Kakade and Seeger (2010), "Gaussian process optimization in the bandit
    setting", equation 6: since values are to be small here, the upper bound of their paper is a
    lower one. Where trials are pending, the mean is that over samples of their outcomes, and the
    variance is what is left of it once they are known, whatever they give (Desautels, Krause and
    Burdick, 2014).

    Attributes
    ----------
    kappa : float
        How much what is unknown counts, at least 0. The square root of the paper's beta.

    Examples
    --------
    >>> bound = ConfidenceBound(kappa=2.0)
    >>> bound.judge(np.array([1.0, 1.0]), np.array([0.25, 4.0]))[0].tolist()
    [0.0, 3.0]
    """

    kappa: float

    sampled: ClassVar[bool] = False

    def given(self, best: float) -> ConfidenceBound:
        """Return itself: the best value plays no part."""
        return self

    def extend(self, values: FloatArray) -> ConfidenceBound:
        """Return itself: means and variances tell already what is pending."""
        return self

    def judge(
        self, mean: FloatArray, variance: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return values and their derivatives by mean and variance."""
        each = mean.reshape(len(variance), -1)
        deviation = np.sqrt(variance)
        value = self.kappa * deviation - each.mean(axis=1)
        return value, np.full(mean.shape, -1.0 / each.shape[1]), 0.5 * self.kappa / deviation
