"""A model and a criterion together: what is maximized."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from phsx.history import FloatArray
from phsx.models.criterion import Criterion
from phsx.models.factor import cholesky
from phsx.models.feasibility import Feasibility
from phsx.models.posterior import Posterior


@dataclass(frozen=True)
class Judged:
    """A model's predictions, judged by a criterion, plus the log of the chance of success.

    That is the expected improvement times the chance, where improvement is the criterion: all
    criteria are of the logarithm's kind, or in units of the outputs' standard deviation, of which
    a failed point costs up to four.

    Attributes
    ----------
    posterior : Posterior
        The model.
    criterion : Criterion
        What is made of its mean and variance.
    feasibility : Feasibility or None
        The chance of success.
    """

    posterior: Posterior
    criterion: Criterion
    feasibility: Feasibility | None

    @property
    def smooth(self) -> bool:
        """Whether gradients lead anywhere."""
        return self.posterior.kernel.smooth

    def extend(self, points: FloatArray, draws: FloatArray) -> Judged:
        """Let `points` (k, p) count as pending; `draws` (k, S) say what is sampled there."""
        posterior = self.posterior.extend(points, draws)
        criterion = self.criterion.extend(posterior.sampled(len(points)))
        return replace(self, posterior=posterior, criterion=criterion)

    def __call__(self, features: FloatArray) -> FloatArray:
        """Values, shape (m,), at features (m, p)."""
        value, _, _ = self.criterion.judge(*self.posterior.predict(features))
        return value if self.feasibility is None else value + self.feasibility.log(features)

    def gradient(self, features: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Values (m,) and gradients (m, p) by the features."""
        mean, variance, slopes = self.posterior.differentiable(features)
        value, by_mean, by_variance = self.criterion.judge(mean, variance)
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
