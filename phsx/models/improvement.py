"""Expected improvement of a model, given what is pending and what has failed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from phsx.history import FloatArray
from phsx.models.acquisition import mean_improvement
from phsx.models.factor import cholesky
from phsx.models.feasibility import Feasibility
from phsx.models.posterior import Posterior


@dataclass(frozen=True)
class ExpectedImprovement:
    """Log expected improvement times the chance of success, of features.

    Where trials are pending, it is the mean over samples of their outcomes, each of which may be
    the value to beat: next to a pending trial little is left to be gained, however good the model
    expects that trial to be.

    Attributes
    ----------
    posterior : Posterior
        The model.
    best : float or ndarray, shape (S,)
        The value to beat, in each sample of what is pending.
    feasibility : Feasibility or None
        The chance of success.
    """

    posterior: Posterior
    best: float | FloatArray
    feasibility: Feasibility | None

    def extend(self, points: FloatArray, draws: FloatArray) -> ExpectedImprovement:
        """Let `points` (k, p) count as pending; `draws` (k, S) say what is sampled there."""
        posterior = self.posterior.extend(points, draws)
        values = posterior.sampled(len(points))
        return replace(self, posterior=posterior, best=np.minimum(self.best, values.min(axis=0)))

    def __call__(self, features: FloatArray) -> FloatArray:
        """Values, shape (m,), at features (m, p)."""
        mean, variance = self.posterior.predict(features)
        value, _, _ = mean_improvement(mean, variance, self.best)
        return value if self.feasibility is None else value + self.feasibility.log(features)

    def gradient(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values (m,) and gradients (m, p) by the features."""
        mean, variance, slopes = self.posterior.differentiable(features)
        value, by_mean, by_variance = mean_improvement(mean, variance, self.best)
        gradient = slopes(by_mean, by_variance)
        if self.feasibility is None:
            return value, gradient
        chance, slope = self.feasibility.gradient(features)
        return value + chance, gradient + slope

    def sample(self, features: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Draw the objective at `features` (m, p) from the posterior; failures make it worse."""
        mean = self.posterior.predict(features)[0].reshape(len(features), -1).mean(axis=1)
        factor = cholesky(self.posterior.covariance(features))
        drawn = mean + factor @ rng.standard_normal(len(mean))
        if self.feasibility is not None:
            drawn -= self.feasibility.log(features)
        return np.asarray(drawn)
