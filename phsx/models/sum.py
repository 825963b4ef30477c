"""The sum of two kernels."""

from __future__ import annotations

import numpy as np

from phsx.history import FloatArray
from phsx.models.kernel import Cross, InputPullback, Kernel, Pullback


class Sum(Kernel):
    """The sum of two kernels; theta is that of the first followed by that of the second."""

    def __init__(self, first: Kernel, second: Kernel) -> None:
        self.first = first
        self.second = second
        self.prior = first.prior + second.prior
        self.lower = np.append(first.lower, second.lower)
        self.upper = np.append(first.upper, second.upper)
        self.names = first.names + tuple((f"additive_{name}", n) for name, n in second.names)

    def _split(self, theta: FloatArray) -> tuple[FloatArray, FloatArray]:
        return theta[: self.first.size], theta[self.first.size :]

    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""
        first, second = self._split(theta)
        return self.first.variance(first) + self.second.variance(second)

    def cross(self, theta: FloatArray, b: FloatArray) -> Cross:
        """Covariances with the rows of `b`."""
        first, second = self._split(theta)
        return SumCross([self.first.cross(first, b), self.second.cross(second, b)])

    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""
        first, second = self._split(theta)
        one, pull_one = self.first.forward(first, x)
        two, pull_two = self.second.forward(second, x)
        return one + two, lambda weights: np.append(pull_one(weights), pull_two(weights))


class SumCross(Cross):
    """Covariances with fixed points that are sums over several parts (at least one)."""

    def __init__(self, parts: list[Cross]) -> None:
        self.parts = parts

    def matrix(self, a: FloatArray) -> FloatArray:
        """Covariances between the rows of `a` (m, p) and the fixed points, shape (m, n)."""
        total = self.parts[0].matrix(a)
        for part in self.parts[1:]:
            total += part.matrix(a)
        return total

    def differentiable(self, a: FloatArray) -> tuple[FloatArray, InputPullback]:
        """Return `matrix(a)`, and the pullback of weights on it to `a`."""
        total, first = self.parts[0].differentiable(a)
        pullbacks = [first]
        for part in self.parts[1:]:
            covariance, pullback = part.differentiable(a)
            total += covariance
            pullbacks.append(pullback)

        def together(weights: FloatArray) -> FloatArray:
            gradient = pullbacks[0](weights)
            for pullback in pullbacks[1:]:
                gradient += pullback(weights)
            return gradient

        return total, together
