"""Expected improvement on the best value, given what is pending."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phsx.history import FloatArray
from phsx.models.acquisition import mean_improvement


@dataclass(frozen=True)
class ExpectedImprovement:
    """Log expected improvement (Ament et al. 2023), a `Criterion`.

    Where trials are pending, it is the mean over samples of their outcomes, each of which may be
    the value to beat: next to a pending trial little is left to be gained, however good the model
    expects that trial to be.

    Attributes
    ----------
    best : float or ndarray, shape (S,)
        The value to beat, in each sample of what is pending.

    Examples
    --------
    >>> improvement = ExpectedImprovement(0.5)
    >>> value, _, _ = improvement.judge(np.array([0.4, 0.6]), np.array([0.01, 0.01]))
    >>> value.round(2).tolist()
    [-2.22, -4.79]
    """

    best: float | FloatArray = math.inf

    sampled: ClassVar[bool] = False

    def given(self, best: float) -> ExpectedImprovement:
        """Return the improvement on `best`."""
        return ExpectedImprovement(best)

    def extend(self, values: FloatArray) -> ExpectedImprovement:
        """Let `values` (k, S), what pending trials may give, be values to beat."""
        return ExpectedImprovement(np.minimum(self.best, values.min(axis=0)))

    def judge(
        self, mean: FloatArray, variance: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return values and their derivatives by mean and variance."""
        return mean_improvement(mean, variance, self.best)
