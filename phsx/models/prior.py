"""What is believed of a model's hyper-parameters before any data are seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from phsx.history import FloatArray

#: Standard deviation of a log length scale, given those of the other parameters.
_OWN = 0.5


@dataclass(frozen=True)
class Prior:
    """A multivariate normal density of the logarithms of hyper-parameters.

    Attributes
    ----------
    mean, sd : ndarray, shape (k,)
        Mean and standard deviation of each.
    precision : ndarray, shape (k, k)
        Inverse of their covariance matrix.

    Examples
    --------
    >>> prior = Prior.independent([0.0], [2.0]) + Prior.exchangeable(2, 1.0, 2.0, own=1.0)
    >>> prior.mean.tolist(), prior.sd.tolist()
    ([0.0, 1.0, 1.0], [2.0, 2.0, 2.0])
    >>> together, _ = prior.penalty(np.array([0.0, 2.0, 2.0]))
    >>> apart, _ = prior.penalty(np.array([0.0, 2.0, 0.0]))
    >>> round(together, 3), round(apart, 3)
    (0.143, 1.0)
    """

    mean: FloatArray
    sd: FloatArray
    precision: FloatArray

    @classmethod
    def independent(cls, mean: list[float], sd: list[float]) -> Prior:
        """Return the prior of parameters that say nothing of each other."""
        deviation = np.array(sd)
        return cls(np.array(mean), deviation, np.diag(deviation**-2.0))

    @classmethod
    def exchangeable(cls, count: int, mean: float, sd: float, *, own: float) -> Prior:
        """Return the prior of `count` parameters that are likely to be alike.

        Each is the sum of a part that all have in common and of a part of its own, whose standard
        deviation is `own`; that of the sum is `sd`.
        """
        common = sd**2 - own**2
        share = common / (own**2 + count * common)
        precision = (np.eye(count) - share) / own**2
        return cls(np.full(count, mean), np.full(count, sd), precision)

    @classmethod
    def length_scales(cls, count: int, dimensions: int) -> Prior:
        """Return the prior of `count` length scales in the unit cube of `dimensions`.

        Each by itself follows Hvarfner, Hellsten and Nardi (2024), "Vanilla Bayesian optimization
        performs great in high dimensions", section 4: LogNormal(√2 + log(d) / 2, √3). But they are
        exchangeable, not independent. With few data in many dimensions the most likely of
        independent length scales make a few parameters explain what is noise to the model, and
        all others irrelevant; here a parameter has to show that it differs from the others.
        """
        mean = math.sqrt(2.0) + 0.5 * math.log(max(dimensions, 1))
        return cls.exchangeable(count, mean, math.sqrt(3.0), own=_OWN)

    def __add__(self, other: Prior) -> Prior:
        k, m = len(self.mean), len(other.mean)
        precision = np.zeros((k + m, k + m))
        precision[:k, :k] = self.precision
        precision[k:, k:] = other.precision
        mean, sd = np.append(self.mean, other.mean), np.append(self.sd, other.sd)
        return Prior(mean, sd, precision)

    def penalty(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Negative log density at `theta` (k,), up to a constant, and its gradient."""
        away = theta - self.mean
        slope = self.precision @ away
        return 0.5 * float(away @ slope), slope
