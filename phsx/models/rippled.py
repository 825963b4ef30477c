"""A Matérn 5/2 kernel with ripples: the same shape once more, smaller in all directions."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from phsx.history import FloatArray, IntArray
from phsx.models.kernel import SQRT5, Kernel, Pullback
from phsx.models.matern import MaternCross
from phsx.models.prior import Prior
from phsx.models.sum import SumCross

#: What ripples are believed to be: how much shorter than what they are on, and how high (mean and
#: standard deviation of logarithms).
_RATIO = math.log(0.1), 0.7
_SHARE = math.log(0.1), 2.0


class Rippled(Kernel):
    """The sum of two Matérn 5/2 kernels of one shape: s² (c(r) + h c(r / q)).

    A function with many local optima often has a broad slope beneath them: Rastrigin's and Levy's,
    or a loss that jumps by a little wherever a fold of the data changes sides. With one length
    scale for each parameter a model must take either the ripples for noise or the slope for chance.
    For sums of kernels see Rasmussen and Williams (2006), section 5.4.3.

    Parameters
    ----------
    groups : sequence of int, shape (p,)
        Which length scale each feature uses, 0 to G - 1; features of one category share one.

    Examples
    --------
    >>> kernel = Rippled([0, 1])
    >>> kernel.names
    (('length_scales', 2), ('signal', 1), ('ratio', 1), ('share', 1))
    >>> theta = np.log([1.0, 1.0, 2.0, 0.1, 0.5])
    >>> kernel.variance(theta)
    3.0
    """

    def __init__(self, groups: npt.ArrayLike) -> None:
        self.groups: IntArray = np.asarray(groups, dtype=np.int64)
        self._count = count = int(self.groups.max()) + 1
        others = Prior.independent([0.0, _RATIO[0], _SHARE[0]], [1.0, _RATIO[1], _SHARE[1]])
        self.prior = Prior.length_scales(count, count) + others
        self.lower = np.log([*[5e-3] * count, 1e-4, 1e-2, 1e-6])
        self.upper = np.log([*[1e4] * count, 1e4, 0.7, 1e3])
        self.names = (("length_scales", count), ("signal", 1), ("ratio", 1), ("share", 1))

    def variance(self, theta: FloatArray) -> float:
        """Covariance of a point with itself."""
        signal, _, share = np.exp(theta[self._count :]).tolist()
        return float(signal * (1.0 + share))

    def cross(self, theta: FloatArray, b: FloatArray) -> SumCross:
        """Covariances with the rows of `b`."""
        return SumCross(list(self._parts(theta, b)))

    def forward(self, theta: FloatArray, x: FloatArray) -> tuple[FloatArray, Pullback]:
        """Covariances of `x` with itself, and the pullback of weights on them."""
        slope, ripples = self._parts(theta, x)
        one, pull_slope = slope.forward(x)
        two, pull_ripples = ripples.forward(x)

        def pullback(weights: FloatArray) -> FloatArray:
            stretched, by_slope = pull_slope(weights)
            shortened, by_share = pull_ripples(weights)
            by_scales = np.bincount(self.groups, stretched + shortened, self._count)
            by_ratio = shortened.sum(keepdims=True)
            return np.concatenate([by_scales, by_slope + by_share, by_ratio, by_share])

        return one + two, pullback

    def by_gradient(self, theta: FloatArray) -> FloatArray:
        """Return theta where each part counts by its share of the gradient's variance.

        Ripples make optima of their own where they are steeper than what they are on, be they ever
        so low. A part's gradient has its variance over its squared length scale.
        """
        steep = theta.copy()
        steep[-1] -= 2.0 * theta[-2]
        return steep

    def _parts(self, theta: FloatArray, b: FloatArray) -> tuple[MaternCross, MaternCross]:
        """Covariances of the slope and of the ripples with the rows of `b`."""
        signal, ratio, share = theta[self._count :].tolist()
        scales = SQRT5 * np.exp(-theta[: self._count])[self.groups]
        return (
            MaternCross(scales, signal, b),
            MaternCross(scales * math.exp(-ratio), signal + share, b),
        )
