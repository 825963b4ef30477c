"""The sum of two kernels."""

from __future__ import annotations

import numpy as np

from phsx.history import FloatArray
from phsx.models.kernel import Kernel, Pullback


class Sum(Kernel):
    """The sum of two kernels; theta is that of the first followed by that of the second."""

    def __init__(self, first: Kernel, second: Kernel) -> None:
        self.first = first
        self.second = second
        self.prior_mean = np.append(first.prior_mean, second.prior_mean)
        self.prior_sd = np.append(first.prior_sd, second.prior_sd)
        self.lower = np.append(first.lower, second.lower)
        self.upper = np.append(first.upper, second.upper)
        self.names = first.names + tuple((f"additive_{name}", n) for name, n in second.names)

    def _split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        return theta[: self.first.size], theta[self.first.size :]

    def matrix(self, theta: FloatArray, a: FloatArray, b: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` and of `b`."""
        first, second = self._split(theta)
        return self.first.matrix(first, a, b) + self.second.matrix(second, a, b)

    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""
        first, second = self._split(theta)
        return self.first.variance(first) + self.second.variance(second)

    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""
        first, second = self._split(theta)
        one, pull_one = self.first.forward(first, x)
        two, pull_two = self.second.forward(second, x)
        return one + two, lambda weights: np.append(pull_one(weights), pull_two(weights))

    def input_gradient(
        self, theta: FloatArray, a: FloatArray, b: FloatArray, weights: FloatArray
    ) -> FloatArray:
        """Gradients of sum_j w_ij k(a_i, b_j) by a_i."""
        first, second = self._split(theta)
        one = self.first.input_gradient(first, a, b, weights)
        return one + self.second.input_gradient(second, a, b, weights)
