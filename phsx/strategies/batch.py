"""The next point of Bayesian optimization, also where several are sought at the same instant."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from itertools import islice
from typing import Any

import numpy as np

from phsx.history import FloatArray, History
from phsx.models.criterion import Criterion
from phsx.models.encoding import Encoding
from phsx.models.improvement import ExpectedImprovement
from phsx.models.judged import Judged
from phsx.models.optimize import Acquisition, Effort, maximize, refine
from phsx.models.pool import Pool
from phsx.models.region import Points, Region
from phsx.models.surrogate import Surrogate
from phsx.models.threads import one_thread
from phsx.strategies.base import Params, Request

#: Spaces of at most so many points are listed when nothing untried was found in them, and so many
#: of the points that are left are compared.
_LISTED, _LEFT = 20_000, 500

#: From which rank on suggestions are taken from common candidates, and from which on they are drawn
#: at random from the posterior.
_POOLED, _RANKS = 3, 64

#: Where little improvement is expected (in standard deviations of all results), every second
#: suggestion looks elsewhere than around the best points, and where next to nothing is, all do.
#: Without that, searches that have found a local optimum spend the rest of their trials on its
#: last digits.
_LITTLE, _NOTHING = math.log(1e-2), math.log(1e-4)

#: Basins that are left out in turn, and the share of a block at whose end digits are what is left.
_BASINS, _LATE = 3, 0.75

#: Best points around which to look.
_NEAR = 5

#: How hard to look, and among how many points where gradients are followed for a few steps alone.
_FULL = Effort()
_MANY = Effort(spread=512, near=128)
_STEPS = 4


@one_thread()
def suggest(
    request: Request, history: History, fit: Mapping[str, Any], criterion: Criterion
) -> Params | None:
    """Return values for `request.names`, or None where no untried point is left.

    Suggestions that are computed at the same instant do not know of each other. They draw from
    the block's seed, so that the one of rank r derives what the r before it are, one after the
    other, each counted as pending for the next: the greedy batch of GP-BUCB (Desautels, Krause
    and Burdick, 2014) without any communication. The first of them follow gradients to the end,
    the others for a few steps from candidates that they share. From rank 64 on, that would take too
    long: those take the best of a sample of the posterior (Thompson sampling), drawn with their own
    seed, as all do where the criterion is for samples.

    Parameters
    ----------
    request : Request
        What is asked for.
    history : History
        Its finished trials, at least one of them with a value.
    fit : mapping
        What `fit_models` returned.
    criterion : Criterion
        What points are judged by.
    """
    search = _Search(request, history, fit, criterion)
    if request.rank >= _RANKS or criterion.sampled:
        found = search.sampled()
        return None if found is None else search.named(found[1])
    for rank in range(request.rank + 1):
        found = search.best(rank) if rank < _POOLED else search.pooled(rank)
        if found is None:
            return None
        point, params = found
        search.reserve(point, params)
    return search.named(params)


class _Search:
    """What the suggestions of one instant work on, one after the other."""

    def __init__(
        self, request: Request, history: History, fit: Mapping[str, Any], criterion: Criterion
    ) -> None:
        self.request = request
        self.space = request.space
        self.encoding = Encoding(request.space)
        self.region = Region(request.space, request.names, request.fixed)
        self.surrogate = Surrogate(self.encoding, history, request.pending, fit, criterion)
        # What all suggestions of one instant have in common, and no two instants.
        pending = 0 if request.pending is None else len(request.pending)
        self.rng = np.random.default_rng([request.block_seed, len(history), pending])
        self.reserved: set[Hashable] = set()
        self.pools: dict[str, tuple[Points, Pool]] = {}

    def named(self, params: Params) -> Params:
        """Return the values that were asked for."""
        return {name: params[name] for name in self.request.names if name in params}

    def reserve(self, point: Points, params: Params) -> None:
        """Let a point count as pending from now on."""
        self.reserved.add(self.space.key(params))
        self.surrogate.add(point)

    def free(self, params: Params) -> bool:
        """Tell whether a point may be suggested."""
        return not self.request.taken(params) and self.space.key(params) not in self.reserved

    def turn(self, rank: int) -> int:
        """Return the number of the trial of this rank: models take turns from trial to trial."""
        return self.request.trial - self.request.rank + rank

    def best(self, rank: int) -> tuple[Points, Params] | None:
        """Return the free point of the largest acquisition, by the model whose turn it is."""
        model = self.surrogate.model(self.turn(rank))
        acquisition = self.surrogate.acquisition(model)
        points, values = self.maximum(acquisition, self.surrogate.incumbents(model, _NEAR))
        improvement = isinstance(acquisition.criterion, ExpectedImprovement)
        if improvement and len(values) and self.exhausted(rank, float(values[0])):
            points = self.elsewhere(model, float(values[0])) + points
        return self.first(points) or self.listed(acquisition)

    def maximum(self, acquisition: Acquisition, near: Points) -> tuple[Points, FloatArray]:
        """Return points with their values, the best first."""
        return maximize(acquisition, self.region, self.encoding, near, self.rng, _FULL)

    def exhausted(self, rank: int, value: float) -> bool:
        """Tell whether to look elsewhere than where the largest acquisition has this value."""
        index, trials = self.request.index - self.request.rank + rank, self.request.trials
        if trials is not None and index >= _LATE * trials:
            return False
        return value < _NOTHING or (value < _LITTLE and self.turn(rank) % 2 == 0)

    def elsewhere(self, model: str, value: float) -> Points:
        """Return points outside of exhausted basins, the best first; maybe none.

        Where next to nothing is to be gained anywhere, they are those of which least is known.
        """
        for basins in range(1, _BASINS + 1):
            found = self.surrogate.elsewhere(model, basins, _NEAR)
            if found is None:
                break
            points, values = self.maximum(*found)
            if len(values) and values[0] >= max(value, _NOTHING):
                return points
        points = self.many(model, self.rng)
        if value >= _NOTHING:
            return points.select(slice(0))
        _, variance = self.surrogate.acquisition(model).posterior.predict(self.features(points))
        return points.select(np.argsort(-variance, kind="stable"))

    def pooled(self, rank: int) -> tuple[Points, Params] | None:
        """Return a free point near the best of the candidates of the model whose turn it is."""
        model = self.surrogate.model(self.turn(rank))
        acquisition = self.surrogate.acquisition(model)
        if model not in self.pools:
            points = self.many(model, self.rng)
            self.pools[model] = points, Pool(acquisition, self.features(points))
        points, pool = self.pools[model]
        points = points.select(np.argsort(-pool.values(acquisition), kind="stable"))
        points = refine(acquisition, self.region, self.encoding, points, _STEPS)
        return self.first(points) or self.listed(acquisition)

    def many(self, model: str, rng: np.random.Generator) -> Points:
        """Return many points, some of them near the best by a model."""
        near = self.region.perturb(self.surrogate.incumbents(model, _NEAR), _MANY.near, rng)
        return self.region.spread(_MANY.spread, rng) + near

    def features(self, points: Points) -> FloatArray:
        """Return what the models see of points."""
        return self.encoding.features(points.unit, points.active)

    def sampled(self) -> tuple[Points, Params] | None:
        """Return the free point that is best in a sample of the model's posterior."""
        rng = self.request.rng()
        model = self.surrogate.model(self.turn(self.request.rank))
        acquisition = self.surrogate.acquisition(model)
        points = self.many(model, rng)
        drawn = acquisition.sample(self.features(points), rng)
        order = np.argsort(drawn, kind="stable")
        return self.first(points.select(order)) or self.listed(acquisition)

    def first(self, points: Points) -> tuple[Points, Params] | None:
        """Return the first free point."""
        for row in range(len(points)):
            params = self.region.params(points.unit[row])
            if params is not None and self.free(params):
                return points.select(slice(row, row + 1)), params
        return None

    def listed(self, acquisition: Judged) -> tuple[Points, Params] | None:
        """Return the best of the free points of a finite space (of the first ones, if many)."""
        if self.space.size > _LISTED:
            return None
        left = list(islice(filter(self.free, self.region.all_params()), _LEFT))
        if not left:
            return None
        points = self.region.located(left)
        values = acquisition(self.features(points))
        best = int(values.argmax())
        return points.select(slice(best, best + 1)), left[best]
