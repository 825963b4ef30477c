"""The models behind a suggestion: fitted together, used in turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri

from phsx.history import FloatArray, History, IntArray
from phsx.models.criterion import Criterion
from phsx.models.elsewhere import Basins, Elsewhere, far_apart
from phsx.models.encoding import Encoding
from phsx.models.feasibility import Feasibility
from phsx.models.improvement import ExpectedImprovement
from phsx.models.judged import Judged
from phsx.models.memory import keep_memory
from phsx.models.recipe import Recipe, representative
from phsx.models.region import Points, latin_hypercube
from phsx.models.threads import one_thread

JSON = Any

#: Up to so many observations each fit also starts from scratch. From then on one observation
#: changes little, and one model is fitted at a time, in turn, until there are so many observations
#: that fits become rare.
_YOUNG, _GROWN = 30, 80

#: At most so many data are conditioned on, and so many failures and pending points.
_MOST, _MOST_FAILED, _MOST_PENDING = 1000, 300, 256

#: Where a process of distances explains this share of the variance of left-out data, trees are not
#: asked.
_EXPLAINED = 0.9

#: The model for looking elsewhere, and from how many points it learns: so many for each length
#: scale, and at least and at most.
_AFAR, _PER_SCALE, _LEAST_AFAR, _MOST_AFAR = "afar", 2, 10, 100

#: How many samples are taken of what pending trials may give.
_SAMPLES = 16

#: With more length scales, one-dimensional kernels cost too much, and hardly tell them apart.
_MOST_ADDITIVE = 20


#: The Gaussian processes of distances, and what each is made of.
_RECIPES: dict[str, dict[str, Any]] = {
    "plain": {"outputs": "bent"},
    "additive": {"outputs": "bent", "additive": True},
    "skewed": {"outputs": "power"},
    "logarithmic": {"outputs": "log"},
}

#: Those of trees, and what each makes of outputs. Where the best values form a plateau, their order
#: still tells where on it to look.
_TREES = {"ranked trees": "ranks", "trees": "log"}


def names_of_models(encoding: Encoding, surrogate: str) -> list[str]:
    """Return the names of the models that take turns.

    They err in different ways, so what one of them cannot see another finds: better than any one
    of them, and than choosing among the processes by evidence. (Trees have turns by evidence: see
    `Surrogate.model`.)

    Parameters
    ----------
    encoding : Encoding
        Tells what the space is like.
    surrogate : str
        "gp" for Gaussian processes of distances, "trees", or "auto" for what suits the space.
    """
    if surrogate == "trees":
        return list(_TREES)
    names = list(_RECIPES)
    if max(encoding.groups) >= _MOST_ADDITIVE:
        names.remove("additive")
    if surrogate == "auto" and encoding.conditional:
        names += _TREES
    return names


def recipe(name: str, encoding: Encoding) -> Recipe:
    """Return a model, given its name."""
    if name in _TREES:
        # With trees scikit-learn is imported, which takes a second.
        from phsx.models.trees import Trees

        return Trees(encoding.groups, outputs=_TREES[name])
    return Recipe(encoding.groups, **_RECIPES["plain" if name == _AFAR else name])


@one_thread()
def fit_models(
    encoding: Encoding,
    history: History,
    previous: Mapping[str, JSON] | None,
    seed: int,
    surrogate: str = "auto",
) -> dict[str, JSON]:
    """Fit the hyper-parameters of every model; returns JSON values.

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
    surrogate : str
        Which models: see `names_of_models`.
    """
    keep_memory()
    data = history.select(np.isfinite(history.values))
    earlier = (previous or {}).get("models", {})
    features = encoding.features(data.unit, data.active)
    fitted = {}
    names, young = names_of_models(encoding, surrogate), len(data) <= _YOUNG
    turn = ((previous or {}).get("turn", -1) + 1) % len(names)
    one = names[turn] if _YOUNG < len(data) <= _GROWN else None
    for name in names:
        start = earlier.get(name)
        if start is not None and one not in (None, name):
            fitted[name] = start
        else:
            model = recipe(name, encoding)
            fitted[name] = model.learn(features, data.values, start, fresh=young, seed=seed)
            if "trees" in names and name not in _TREES:
                explained = model.explained(features, data.values, fitted[name], seed)
                fitted[name]["explained"] = explained
    return {"observed": len(data), "models": fitted, "turn": turn}


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
    criterion : Criterion
        What points are judged by.

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
        criterion: Criterion = ExpectedImprovement(),  # noqa: B008 - it is immutable
    ) -> None:
        keep_memory()
        self._criterion = criterion
        self._encoding = encoding
        self._fit = fit
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
        self._built: dict[str, Judged] = {}
        self._smoothed: dict[str, FloatArray] = {}

    def model(self, turn: int) -> str:
        """Return the name of the model whose turn it is.

        Trees, where they are among several, have every second turn (one kind after the other) as
        long as none of the others predicts the data well: values jump then, say, where few
        parameters have any effect. Where one does, trees would only be worse.
        """
        fitted: Mapping[str, Any] = self._fit["models"]
        trees = [name for name in _TREES if name in fitted]
        others = [name for name in fitted if name not in _TREES] or trees
        if all(fitted[name].get("explained", 1.0) < _EXPLAINED for name in others):
            number, odd = divmod(turn, 2)
            names = trees if odd else others
            return names[number % len(names)]
        return others[turn % len(others)]

    def acquisition(self, name: str) -> Judged:
        """Return what a model wants to be maximized, given all that is pending by now."""
        if name not in self._built:
            self._built[name] = self._build(name)
        built = self._built[name]
        known = len(built.posterior.points) - len(self._features) - len(self._failed)
        if known < len(self._pending):
            built = built.extend(self._pending[known:], self._draws[known:])
            self._built[name] = built
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
        return self._points(np.argsort(self._smoothed[name], kind="stable")[:count])

    def elsewhere(self, name: str, basins: int, count: int) -> tuple[Elsewhere, Points] | None:
        """Return what there is to be gained outside of some basins, and the best points there.

        How far basins reach is what the model says. What to expect outside is not: data crowd in
        basins, and length scales learned from them say what matters there. On Hartmann-6 two of
        six parameters then seem to have no effect anywhere, and the better basin seems certain to
        be bad. So a model is asked that learns its hyper-parameters from points far apart alone.

        Parameters
        ----------
        name : str
            The model.
        basins : int
            How many basins to leave out: that of the best point, that of the best outside of it,
            and so on.
        count : int
            How many points to return.

        Returns
        -------
        tuple or None
            None if nothing is known outside, or if the model has no length scales that would tell
            how far basins reach.
        """
        scales = self._fit["models"][name].get("length_scales")
        if scales is None:
            return None
        self.acquisition(name)
        left = np.argsort(self._smoothed[name], kind="stable")
        centers: list[int] = []
        for _ in range(basins):
            centers.append(int(left[0]))
            found = Basins.of(self._encoding.groups, scales, self._features[centers])
            left = left[~found.contain(self._features[left])]
            if not len(left):
                return None
        acquisition = self.acquisition(_AFAR)
        best = float(self._smoothed[_AFAR][left].min())
        return Elsewhere.of(acquisition, found, best, self._pending), self._points(left[:count])

    def _learn_from_afar(self, model: Recipe) -> dict[str, JSON]:
        """Learn hyper-parameters from the best point and others far from it and each other."""
        groups, values = self._encoding.groups, self.data.values
        count = min(max(_PER_SCALE * (max(groups) + 1), _LEAST_AFAR), _MOST_AFAR)
        chosen = far_apart(self._features, int(values.argmin()), count)
        return model.learn(self._features[chosen], values[chosen])

    def _points(self, rows: IntArray) -> Points:
        return Points(self.data.unit[rows], self.data.active[rows])

    def _build(self, name: str) -> Judged:
        model = recipe(name, self._encoding)
        learned = self._learn_from_afar(model) if name == _AFAR else self._fit["models"][name]
        known = model.condition(self._features, self.data.values, learned)
        posterior = known.posterior
        # Under noise the least observation is a lucky one; the least posterior mean is not.
        self._smoothed[name] = posterior.smoothed(known.targets)
        feasibility = None
        if len(self._failed):
            feasibility = Feasibility.of(
                posterior.kernel,
                posterior.theta,
                np.concatenate([self._features, self._failed]),
                np.arange(len(self._features) + len(self._failed)) < len(self._features),
            )
        criterion = self._criterion.given(float(self._smoothed[name].min()))
        return Judged(posterior.extend(self._failed), criterion, feasibility)
