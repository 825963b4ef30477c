"""Real tasks: tuning models of scikit-learn on its small data sets, some 10 to 50 ms each.

Losses are continuous (cross entropy, mean squared error), cross-validated on fixed splits with
fixed seeds: the same parameters always give the same value.
"""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from phsx.space import Categorical, Float, Int, Space
from suite.problem import Problem

#: So many rows of a data set are used, drawn once.
_ROWS = {"digits": 250, "diabetes": 240, "wine": 178}
_LOADERS = {"digits": load_digits, "diabetes": load_diabetes, "wine": load_wine}


@cache
def _data(name: str) -> tuple[np.ndarray, np.ndarray]:
    x, y = _LOADERS[name](return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(x))[: _ROWS[name]]
    return x[rows], y[rows]


def _loss(name: str, model: BaseEstimator, scoring: str, splits: int) -> float:
    x, y = _data(name)
    kind = KFold if scoring == "neg_mean_squared_error" else StratifiedKFold
    folds = kind(splits, shuffle=True, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a network that did not converge is a bad network
        scores = cross_val_score(model, x, y, scoring=scoring, cv=folds, error_score=np.nan)
    return -float(scores.mean())


def _svm(kernel: str, C: float, **parameters: Any) -> float:
    # Scores that rank the digits well, not only the nearest one: the margin's log-sum loss.
    x, y = _data("digits")
    scaled = x / 16.0
    losses = []
    for train, test in StratifiedKFold(3, shuffle=True, random_state=0).split(x, y):
        model = SVC(kernel=kernel, C=C, cache_size=50, max_iter=2000, **parameters)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scores = model.fit(scaled[train], y[train]).decision_function(scaled[test])
        scores = scores - scores.max(axis=1, keepdims=True)
        right = scores[np.arange(len(test)), y[test]]
        losses.append(float(np.mean(np.log(np.exp(scores).sum(axis=1)) - right)))
    return float(np.mean(losses))


svm = Problem(
    "svm-digits",
    Space(
        {
            "kernel": Categorical(["linear", "rbf", "poly", "sigmoid"]),
            "C": Float(1e-3, 1e4, log=True),
            "gamma": Float(1e-5, 10, log=True, when={"kernel": ["rbf", "poly", "sigmoid"]}),
            "degree": Int(2, 5, when={"kernel": "poly"}),
            "coef0": Float(-1, 2, when={"kernel": ["poly", "sigmoid"]}),
        }
    ),
    _svm,
)


def _boosting(trees: int, **parameters: Any) -> float:
    model = GradientBoostingRegressor(n_estimators=trees, random_state=0, **parameters)
    return _loss("diabetes", model, "neg_mean_squared_error", 2)


boosting = Problem(
    "boosting-diabetes",
    Space(
        {
            "trees": Int(3, 30),
            "learning_rate": Float(1e-3, 1, log=True),
            "max_depth": Int(1, 6),
            "min_samples_leaf": Int(1, 40, log=True),
            "subsample": Float(0.2, 1),
            "max_features": Float(0.1, 1),
            "loss": Categorical(["squared_error", "absolute_error", "huber"]),
        }
    ),
    _boosting,
)


def _network(units: int, batch: int, **parameters: Any) -> float:
    model = MLPClassifier((units,), batch_size=batch, max_iter=12, random_state=0, **parameters)
    return _loss("wine", make_pipeline(StandardScaler(), model), "neg_log_loss", 2)


network = Problem(
    "network-wine",
    Space(
        {
            "units": Int(2, 64, log=True),
            "batch": Int(8, 64, log=True),
            "learning_rate_init": Float(1e-4, 1, log=True),
            "alpha": Float(1e-6, 10, log=True),
            "activation": Categorical(["relu", "tanh", "logistic"]),
            "solver": Categorical(["adam", "sgd"]),
            "momentum": Float(0.1, 0.99, when={"solver": "sgd"}),
            "beta_1": Float(0.5, 0.99, when={"solver": "adam"}),
        }
    ),
    _network,
)

TUNING = [svm, boosting, network]
