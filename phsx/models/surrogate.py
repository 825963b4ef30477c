"""The models behind a suggestion: fitted together, used in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri

from phsx.history import History, IntArray
from phsx.models.encoding import Encoding
from phsx.models.feasibility import Feasibility
from phsx.models.improvement import ExpectedImprovement
from phsx.models.memory import keep_memory
from phsx.models.recipe import Recipe, representative
from phsx.models.region import Points, latin_hypercube
from phsx.models.threads import one_thread

JSON = Any

#: Up to so many observations each fit also starts from scratch.
_YOUNG = 30

#: At most so many data are conditioned on, and so many failures and pending points.
_MOST, _MOST_FAILED, _MOST_PENDING = 1000, 300, 256

#: How many samples are taken of what pending trials may give.
_SAMPLES = 16

#: With more length scales, one-dimensional kernels cost too much, and hardly tell them apart.
_MOST_ADDITIVE = 20


def recipes(encoding: Encoding) -> dict[str, Recipe]:
    """Return the models that take turns, by name.

    They err in different ways, so what one of them cannot see another finds: better than any one
    of them, and than choosing by evidence.
    """
    found = {"plain": Recipe(encoding.groups)}
    if max(encoding.groups) < _MOST_ADDITIVE:
        found["additive"] = Recipe(encoding.groups, additive=True)
    return found | {"skewed": Recipe(encoding.groups, skewed=True)}


@one_thread()
def fit_models(
    encoding: Encoding, history: History, previous: Mapping[str, JSON] | None, seed: int
) -> dict[str, JSON]:
    """Fit the models' hyper-parameters; returns JSON values.

    Where there is but one result more than at the fit before, only the model is fitted whose turn
    it is after so many trials. The others are when theirs comes.

    Parameters
    ----------
    encoding : Encoding
        How points become features.
    history : History
        Finished trials; failed ones (NaN) are left out.
    previous : mapping, optional
        What the fit before returned.
    seed : int
        Chooses which data are used where they are many.
    """
    keep_memory()
    data = history.select(np.isfinite(history.values))
    earlier = (previous or {}).get("models", {})
    features = encoding.features(data.unit, data.active)
    kinds = recipes(encoding)
    fitted = {name: earlier[name] for name in kinds if name in earlier}
    due = list(kinds)
    if previous and len(fitted) == len(kinds) and len(data) <= previous["observed"] + 1:
        due = [_in_turn(kinds, len(history))]
    for name in due:
        start, fresh = earlier.get(name), len(data) <= _YOUNG
        fitted[name] = kinds[name].learn(features, data.values, start, fresh=fresh, seed=seed)
    return {"observed": len(data), "models": fitted}


def _in_turn(kinds: Mapping[str, Recipe], number: int) -> str:
    return list(kinds)[number % len(kinds)]


class Surrogate:
    """All models, conditioned on finished and pending trials when they are needed.

    Parameters
    ----------
    encoding : Encoding
        How points become features.
    history : History
        Finished trials, at least one of them with a value; failed ones (NaN) repel.
    pending : History or None
        Trials that are under way.
    fit : mapping
        What `fit_models` returned.

    Attributes
    ----------
    data : History
        The observations that the models are conditioned on.
    """

    def __init__(
        self,
        encoding: Encoding,
        history: History,
        pending: History | None,
        fit: Mapping[str, JSON],
    ) -> None:
        keep_memory()
        self._encoding = encoding
        self._fit = fit
        self._recipes = recipes(encoding)
        observed = np.isfinite(history.values)
        self.data = history.select(observed)
        if len(self.data) > _MOST:
            features = encoding.features(self.data.unit, self.data.active)
            self.data = self.data.select(representative(features, self.data.values, _MOST, 0))
        failed = history.select(np.flatnonzero(~observed)[-_MOST_FAILED:])
        self._failed = encoding.features(failed.unit, failed.active)
        self._features = encoding.features(self.data.unit, self.data.active)
        self._pending = np.empty((0, self._features.shape[1]))
        self._draws = np.empty((0, _SAMPLES))
        self._rng = np.random.default_rng(0)
        if pending is not None:
            late = pending.select(np.arange(len(pending))[-_MOST_PENDING:])
            self.add(Points(late.unit, late.active))
        self._built: dict[tuple[str, bool], ExpectedImprovement] = {}
        self._order: dict[str, IntArray] = {}

    def model(self, turn: int) -> str:
        """Return the name of the model whose turn it is."""
        return _in_turn(self._recipes, turn)

    def acquisition(self, name: str, *, doubtful: bool = False) -> ExpectedImprovement:
        """Return what a model wants to be maximized, given all that is pending by now.

        A doubtful model trusts its data half as far, see `Recipe.doubt`.
        """
        key = (name, doubtful)
        if key not in self._built:
            self._built[key] = self._build(name, doubtful)
        built = self._built[key]
        known = len(built.posterior.points) - len(self._features) - len(self._failed)
        if known < len(self._pending):
            built = built.extend(self._pending[known:], self._draws[known:])
            self._built[key] = built
        return built

    def add(self, points: Points) -> None:
        """Let `points` count as pending."""
        features = self._encoding.features(points.unit, points.active)
        # The same strata for each point, so that few samples are good ones.
        draws = ndtri(latin_hypercube(_SAMPLES, len(points), self._rng)).T
        self._pending = np.concatenate([self._pending, features])
        self._draws = np.concatenate([self._draws, draws])

    def incumbents(self, name: str, count: int) -> Points:
        """Return the `count` best observed points by the model's posterior mean."""
        self.acquisition(name)
        rows = self._order[name][:count]
        return Points(self.data.unit[rows], self.data.active[rows])

    def _build(self, name: str, doubtful: bool) -> ExpectedImprovement:
        learned = self._fit["models"][name]
        if doubtful:
            learned = self._recipes[name].doubt(learned)
        model = self._recipes[name].condition(self._features, self.data.values, learned)
        posterior = model.posterior
        # Under noise the least observation is a lucky one; the least posterior mean is not.
        smoothed = posterior.smoothed(model.targets)
        self._order.setdefault(name, np.argsort(smoothed, kind="stable"))
        feasibility = None
        if len(self._failed):
            feasibility = Feasibility.of(
                posterior.kernel,
                posterior.theta,
                np.concatenate([self._features, self._failed]),
                np.arange(len(self._features) + len(self._failed)) < len(self._features),
            )
        best = float(smoothed.min())
        return ExpectedImprovement(posterior.extend(self._failed), best, feasibility)
