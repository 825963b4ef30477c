"""What a Gaussian process knows after its data: predictions, gradients, pending points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from phsx.history import FloatArray
from phsx.models.factor import Factor, inverse_of, solve_lower
from phsx.models.kernel import Cross, Kernel

#: Least variance of a prediction, relative to the prior's.
_LEAST = 1e-12

#: Variance that keeps equal points apart in a sample, relative to the prior's.
_EXACT = 1e-9

#: From slopes by mean and variance to a gradient by the points.
Slopes = Callable[[FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True)
class Posterior:
    """A Gaussian process with fixed hyper-parameters, conditioned on data.

    Points whose values are not known yet are added by `extend`: either their variance alone (this
    is conditioning on values equal to the posterior mean), or with S samples of the values that
    they may have, the fantasies of Snoek, Larochelle and Adams (2012), section 3.2. Then there are
    S means, and one variance: it does not depend on values.

    Attributes
    ----------
    kernel : Kernel
        The covariance function.
    theta : ndarray
        Its parameters.
    noise : float
        Variance of the noise.
    points : ndarray, shape (n, p)
        Features of the data, then of the points added.
    factor : Factor
        Cholesky factor of their covariance with noise.
    whitened : ndarray, shape (n,) or (n, S)
        The factor's inverse times the residuals of the values, a column for each sample.
    constant : float
        The prior mean, by generalized least squares.
    """

    kernel: Kernel
    theta: FloatArray
    noise: float
    points: FloatArray
    factor: Factor
    whitened: FloatArray
    constant: float

    @classmethod
    def of(
        cls, kernel: Kernel, theta: FloatArray, noise: float, points: FloatArray, values: FloatArray
    ) -> Posterior:
        """Condition on `values` (n,) at `points` (n, p): one Cholesky decomposition."""
        factor = Factor.of(kernel.gram(theta, points), noise)
        constant, whitened = generalized_least_squares(factor.head, values)
        return cls(kernel, theta, noise, points, factor, whitened, constant)

    @cached_property
    def _cross(self) -> Cross:
        """Covariances of any points with all of these."""
        return self.kernel.cross(self.theta, self.points)

    @cached_property
    def _variance(self) -> float:
        """The prior's variance."""
        return self.kernel.variance(self.theta)

    def smoothed(self, values: FloatArray) -> FloatArray:
        """Posterior mean at the data, given the values that it was conditioned on."""
        return np.asarray(values - self.noise * self.factor.solve_transposed(self.whitened))

    def explained(self) -> float:
        """Return which share of the data's variance predictions of each from the others explain.

        For data alone, before points are added. Rasmussen and Williams (2006), "Gaussian processes
        for machine learning", equation 5.12; the constant mean stays that of all data. Less than 0
        where it explains them better alone.
        """
        inverse = inverse_of(self.factor.head)
        missed = (inverse.T @ self.whitened) / (inverse * inverse).sum(axis=0)
        spread = float(np.var(self.factor.head @ self.whitened))
        return 1.0 - float(np.mean(missed * missed)) / spread if spread > 0 else 0.0

    def extend(self, points: FloatArray, draws: FloatArray | None = None) -> Posterior:
        """Add `points` (k, p) whose values are not known yet, in O(k n²).

        Parameters
        ----------
        points : ndarray, shape (k, p)
            Features.
        draws : ndarray, shape (k, S), optional
            Standard normal numbers, from which the values come that the samples have there. They
            are values of the function, without noise: however noisy it is, whoever knows the
            outcome of an evaluation expects little from another one next to it. By default no
            sample is taken, and the points are noisy.
        """
        if len(points) == 0:
            return self
        covariance = self.kernel.matrix(self.theta, points, points)
        added = self.noise if draws is None else _EXACT * self._variance
        factor = self.factor.extend(self._cross.matrix(points), covariance, added)
        # A sample's residuals, seen through the inverse of the factor, are what was drawn.
        whitened = self.whitened
        if draws is None:
            draws = np.zeros((len(points), *whitened.shape[1:]))
        elif whitened.ndim == 1:
            whitened = np.repeat(whitened[:, None], draws.shape[1], axis=1)
        points = np.concatenate([self.points, points])
        whitened = np.concatenate([whitened, draws])
        return replace(self, points=points, factor=factor, whitened=whitened)

    def sampled(self, count: int) -> FloatArray:
        """Values of the samples at the last `count` points that were added, (count, S)."""
        added = len(self.factor.tail)
        return self.constant + self.factor.times(self.whitened, added - count)

    def predict(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean, (m,) or (m, S), and variance (without noise), (m,), at `points` (m, p)."""
        return self.explain(self.solved(points))

    def explain(self, solved: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Predict from the factor's inverse times the covariances of all points with (m,) ones."""
        mean = self.constant + solved.T @ self.whitened
        explained = np.einsum("ij,ij->j", solved, solved)
        return mean, self.floored(self._variance - explained)

    def floored(self, variance: FloatArray) -> FloatArray:
        """Make variances positive that rounding errors may have made 0 or less."""
        return np.asarray(np.maximum(variance, _LEAST * self._variance))

    def differentiable(self, points: FloatArray) -> tuple[FloatArray, FloatArray, Slopes]:
        """Predict, and return also how to pull gradients back to the points.

        Returns
        -------
        mean, variance : ndarray
            As from `predict`.
        slopes : callable
            Given the derivatives of something by mean and variance (of their shapes), returns
            its gradient by `points`, (m, p).
        """
        covariance, pullback = self._cross.differentiable(points)
        solved = self.factor.solve(covariance.T)

        def slopes(by_mean: FloatArray, by_variance: FloatArray) -> FloatArray:
            whitened = self.whitened.reshape(len(solved), -1)
            both = whitened @ by_mean.reshape(len(points), -1).T - 2.0 * by_variance * solved
            return pullback(self.factor.solve_transposed(both).T)

        return *self.explain(solved), slopes

    def covariance(self, points: FloatArray) -> FloatArray:
        """Joint covariance (without noise) of `points`, shape (m, m)."""
        solved = self.solved(points)
        joint = self.kernel.matrix(self.theta, points, points)
        return np.asarray(joint - solved.T @ solved)

    def solved(self, points: FloatArray) -> FloatArray:
        """Return the factor's inverse times the covariances of all points with `points`, (n, m)."""
        return self.factor.solve(self._cross.matrix(points).T)


def generalized_least_squares(factor: FloatArray, values: FloatArray) -> tuple[float, FloatArray]:
    """Return the constant mean m and L⁻¹ (values - m), given the Cholesky factor L."""
    whitened, ones = solve_lower(factor, values), solve_lower(factor, np.ones(len(values)))
    constant = float(ones @ whitened / (ones @ ones))
    return constant, whitened - constant * ones
