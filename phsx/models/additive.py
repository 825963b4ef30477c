"""A sum of one-dimensional kernels."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from phsx.history import FloatArray, IntArray
from phsx.models.kernel import SQRT5, Cross, Kernel, Pullback
from phsx.models.matern import MaternCross
from phsx.models.prior import Prior
from phsx.models.separable import Separable
from phsx.models.sum import SumCross


class Additive(Kernel):
    """A sum of one-dimensional Matérn 5/2 kernels with weights: Σ_g w_g c(|x_g - x'_g| / l_g).

    Gains where the objective is (partly) a sum of functions of single parameters; see Duvenaud,
    Nickisch and Rasmussen (2011), "Additive Gaussian processes", equation 5.

    Parameters
    ----------
    groups : sequence of int, shape (p,)
        Which features belong together, 0 to G - 1.
    """

    def __init__(self, groups: npt.ArrayLike) -> None:
        self.groups: IntArray = np.asarray(groups, dtype=np.int64)
        count = int(self.groups.max()) + 1
        self._first = np.array([np.flatnonzero(self.groups == g)[0] for g in range(count)])
        self._single = np.bincount(self.groups) == 1
        # The weights share about the variance of one signal; a wide prior can turn any off.
        weight = -math.log(count) - 1.0
        weights = Prior.independent([weight] * count, [2.0] * count)
        self.prior = Prior.length_scales(count, 1) + weights
        self.lower = np.append(np.full(count, math.log(5e-3)), np.full(count, math.log(1e-6)))
        self.upper = np.append(np.full(count, math.log(1e4)), np.full(count, math.log(1e4)))
        self.names = (("length_scales", count), ("weights", count))

    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""
        return float(np.exp(theta[self.size // 2 :]).sum())

    def cross(self, theta: FloatArray, b: FloatArray) -> Cross:
        """Covariances with the rows of `b`."""
        return SumCross([part for _, part in self._parts(theta, b)])

    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""
        covariance = np.zeros((len(x), len(x)))
        pullbacks = []
        for groups, part in self._parts(theta, x):
            one, by_features = part.forward(x)
            covariance += one
            pullbacks.append((groups, by_features))

        def pullback(weights: FloatArray) -> FloatArray:
            by_scale, by_weight = np.zeros((2, self.size // 2))
            for groups, by_features in pullbacks:
                stretched, by_weight[groups] = by_features(weights)
                by_scale += np.bincount(self.groups, stretched)
            return np.append(by_scale, by_weight)

        return covariance, pullback

    def _parts(
        self, theta: FloatArray, b: FloatArray
    ) -> list[tuple[IntArray, Separable | MaternCross]]:
        """Covariances with the rows of `b`, and of which groups; the sum of all is the kernel."""
        count = self.size // 2
        scales, log_weights = SQRT5 * np.exp(-theta[:count]), theta[count:]
        separable = self._single & Separable.reaches(scales, b[:, self._first])
        parts: list[tuple[IntArray, Separable | MaternCross]] = []
        if separable.any():
            some = np.flatnonzero(separable)
            part = Separable(self._first[some], scales[some], log_weights[some], b)
            parts.append((some, part))
        for group in np.flatnonzero(~separable):
            scale = np.where(self.groups == group, scales[group], 0.0)
            parts.append((np.array([group]), MaternCross(scale, log_weights[group], b)))
        return parts
