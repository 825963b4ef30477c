"""The least value, of samples drawn from a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from phsx.history import FloatArray


@dataclass(frozen=True)
class LeastValue:
    """The value itself, negated; a `Criterion` for samples of the posterior.

    Each suggestion takes the best point of a function drawn from the posterior with a seed of its
    own, so that those that are made at the same instant differ by themselves: Thompson sampling
    (Thompson 1933; in parallel, Kandasamy et al. 2018).

    Examples
    --------
    >>> LeastValue().judge(np.array([1.0, -2.0]), np.array([0.1, 0.1]))[0].tolist()
    [-1.0, 2.0]
    """

    sampled: ClassVar[bool] = True

    def given(self, best: float) -> LeastValue:
        """Return itself: the best value plays no part."""
        return self

    def extend(self, values: FloatArray) -> LeastValue:
        """Return itself: means tell already what is pending."""
        return self

    def judge(
        self, mean: FloatArray, variance: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return values and their derivatives by mean and variance."""
        each = mean.reshape(len(variance), -1)
        by_mean = np.full(mean.shape, -1.0 / each.shape[1])
        return -each.mean(axis=1), by_mean, np.zeros(len(variance))
