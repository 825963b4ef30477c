"""A Gaussian process for optimization, as a scikit-learn estimator.

It is the same model as the one behind suggestions, which do not import this module: workers would
pay a second for scikit-learn before their first suggestion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_array, check_is_fitted, check_X_y

from phsx.history import FloatArray
from phsx.models.recipe import FORMS, Recipe

JSON = Any


class GaussianProcess(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Gaussian process regression with priors that keep small data sane.

    Matérn 5/2 with a length scale per feature group, a constant mean by generalized least squares,
    standardized outputs, and hyper-parameters at their maximum a posteriori: a dimension-scaled
    log-normal prior on the length scales [1]_, which are exchangeable: alike unless the data say
    that they differ; log-normal(0, 1) on the signal's variance, log-normal(-7, 2) on the noise's,
    which is at least 1e-6 (in units of the outputs' variance).

    Parameters
    ----------
    groups : sequence of int, optional
        For each feature the number (from 0) of the length scale it uses. By default each feature
        has its own.
    additive : bool
        Add one-dimensional kernels with learned weights.
    outputs : {"standard", "power", "bent", "log", "ranks"}
        What the model sees of the outputs: standardized; made more normal by a Yeo-Johnson
        transform; those far above the least drawn in by a logarithm; the logarithm of what they
        are above the least; or the normal quantiles of their ranks. But for the first, predictions
        are in the transformed outputs' quantiles, see `predict`.
    points : int
        How many of the data may be used for the hyper-parameters: a third the best, a third the
        nearest to the best one, a third at random. All data are used for predictions.
    iterations : int
        How many iterations the optimizer may take from a fresh start. From an earlier fit it
        takes at most an eighth: what is left to do, the next fit does.
    random_state : int
        Seed of the choice of points.

    Attributes
    ----------
    hyperparameters_ : dict
        Everything that was learned, as JSON values: see `condition`.
    posterior_ : Posterior
        The process conditioned on the data, in standardized outputs.
    outputs_ : Outputs
        The transform of the outputs.
    n_features_in_ : int
        Number of features.

    References
    ----------
    .. [1] Hvarfner, Hellsten and Nardi (2024), "Vanilla Bayesian optimization performs great in
       high dimensions".

    Examples
    --------
    >>> X = np.linspace(0, 1, 8)[:, None]
    >>> model = GaussianProcess().fit(X, np.sin(6 * X[:, 0]))
    >>> mean, std = model.predict([[0.5]], return_std=True)
    >>> bool(abs(mean[0] - np.sin(3)) < 0.01), bool(std[0] < 0.05)
    (True, True)
    """

    def __init__(
        self,
        *,
        groups: Sequence[int] | None = None,
        additive: bool = False,
        outputs: str = "standard",
        points: int = 200,
        iterations: int = 50,
        random_state: int = 0,
    ) -> None:
        self.groups = groups
        self.additive = additive
        self.outputs = outputs
        self.points = points
        self.iterations = iterations
        self.random_state = random_state

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        start: Mapping[str, JSON] | None = None,
        *,
        fresh: bool = True,
    ) -> Self:
        """Learn the hyper-parameters and condition on the data.

        Parameters
        ----------
        X : array-like, shape (n, p)
            Features.
        y : array-like, shape (n,)
            Outputs, to be minimized where `points` makes a choice among them.
        start : mapping, optional
            `hyperparameters_` of an earlier fit, for a warm start.
        fresh : bool
            Also start from scratch where `start` is given.
        """
        if self.outputs not in FORMS:
            raise ValueError(f"outputs is {self.outputs!r}: it must be one of {', '.join(FORMS)}")
        features, values = check_X_y(X, y, dtype=np.float64, y_numeric=True)
        recipe = self._recipe(features.shape[1])
        learned = recipe.learn(features, values, start, fresh=fresh, seed=self.random_state)
        return self.condition(features, values, learned)

    def condition(
        self, X: npt.ArrayLike, y: npt.ArrayLike, hyperparameters: Mapping[str, JSON]
    ) -> Self:
        """Rebuild a fitted model from `hyperparameters_` and data: one Cholesky, no refit.

        The data may be other than those of the fit.
        """
        features, values = check_X_y(X, y, dtype=np.float64, y_numeric=True)
        recipe = self._recipe(features.shape[1])
        conditioned = recipe.condition(features, values, hyperparameters)
        self.n_features_in_ = features.shape[1]
        self.hyperparameters_ = dict(hyperparameters)
        self.posterior_ = conditioned.posterior
        self.outputs_ = conditioned.outputs
        return self

    def predict(
        self, X: npt.ArrayLike, return_std: bool = False
    ) -> FloatArray | tuple[FloatArray, FloatArray]:
        """Predict the outputs.

        Parameters
        ----------
        X : array-like, shape (m, p)
            Features.
        return_std : bool
            Whether to return the standard deviation (without noise) too.

        Returns
        -------
        ndarray, shape (m,), or two of them
            The mean (the median where outputs are transformed), and the standard deviation (half
            the width from the 16 % to the 84 % quantile where they are).
        """
        check_is_fitted(self)
        features = check_array(X, dtype=np.float64)
        mean, variance = self.posterior_.predict(features)
        std = np.sqrt(variance)
        center = self.outputs_.backward(mean)
        if not return_std:
            return center
        width = self.outputs_.backward(mean + std) - self.outputs_.backward(mean - std)
        return center, 0.5 * width

    def _recipe(self, features: int) -> Recipe:
        groups = range(features) if self.groups is None else self.groups
        if len(groups) != features:
            raise ValueError(
                f"groups has {len(groups)} entries, but there are {features} features: "
                "give the number of a length scale for each feature"
            )
        return Recipe(
            tuple(groups),
            self.additive,
            self.outputs,
            points=self.points,
            iterations=self.iterations,
        )
