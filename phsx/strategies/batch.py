"""The next point of Bayesian optimization, also where several are sought at the same instant."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from itertools import islice
from typing import Any

import numpy as np

from phsx.history import FloatArray, History
from phsx.models.encoding import Encoding
from phsx.models.improvement import ExpectedImprovement
from phsx.models.optimize import Effort, maximize
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

#: Where so little improvement is expected (in standard deviations of all results), every second
#: suggestion comes from a model that doubts what it knows. Without that, searches that have found
#: a local optimum spend the rest of their trials on its last digits.
_LITTLE, _DOUBT_EVERY = math.log(1e-2), 2

#: How hard to look, and among how many points without following gradients.
_FULL = Effort()
_MANY = Effort(spread=512, near=128)


@one_thread()
def suggest(request: Request, history: History, fit: Mapping[str, Any]) -> Params | None:
    """Return values for `request.names`, or None where no untried point is left.

    Suggestions that are computed at the same instant do not know of each other. They draw from
    the block's seed, so that the one of rank r derives what the r before it are, one after the
    other, each counted as pending for the next: the greedy batch of GP-BUCB (Desautels, Krause
    and Burdick, 2014) without any communication. The first of them follow gradients, the others
    are taken from candidates that they share. From rank 64 on, that would take too long: those
    take the best of a sample of the posterior (Thompson sampling), drawn with their own seed.

    Parameters
    ----------
    request : Request
        What is asked for.
    history : History
        Its finished trials, at least one of them with a value.
    fit : mapping
        What `fit_models` returned.
    """
    search = _Search(request, history, fit)
    if request.rank >= _RANKS:
        found = search.sampled(search.surrogate.model(len(history) + request.rank))
        return None if found is None else search.named(found[1])
    for rank in range(request.rank + 1):
        # The models take turns from result to result, as they do in fits of one result more.
        turn = len(history) + rank
        found = search.best(turn) if rank < _POOLED else search.pooled(turn)
        if found is None:
            return None
        point, params = found
        search.reserve(point, params)
    return search.named(params)


class _Search:
    """What the suggestions of one instant work on, one after the other."""

    def __init__(self, request: Request, history: History, fit: Mapping[str, Any]) -> None:
        self.request = request
        self.space = request.space
        self.encoding = Encoding(request.space)
        self.region = Region(request.space, request.names, request.fixed)
        self.surrogate = Surrogate(self.encoding, history, request.pending, fit)
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

    def best(self, turn: int) -> tuple[Points, Params] | None:
        """Return the free point of the largest acquisition, by the model whose turn it is."""
        model = self.surrogate.model(turn)
        incumbents = self.surrogate.incumbents(model, 5)
        for doubtful in (False, True):
            acquisition = self.surrogate.acquisition(model, doubtful=doubtful)
            points, values = maximize(
                acquisition, self.region, self.encoding, incumbents, self.rng, _FULL
            )
            if turn % _DOUBT_EVERY or not len(values) or values[0] >= _LITTLE:
                break
        return self.first(points) or self.listed(acquisition)

    def pooled(self, turn: int) -> tuple[Points, Params] | None:
        """Return the best free one of the candidates of the model whose turn it is."""
        model = self.surrogate.model(turn)
        acquisition = self.surrogate.acquisition(model)
        if model not in self.pools:
            points = self.many(model, self.rng)
            self.pools[model] = points, Pool(acquisition, self.features(points))
        points, pool = self.pools[model]
        values = pool.values(acquisition)
        order = np.argsort(-values, kind="stable")
        return self.first(points.select(order)) or self.listed(acquisition)

    def many(self, model: str, rng: np.random.Generator) -> Points:
        """Return many points, some of them near the best by a model."""
        near = self.region.perturb(self.surrogate.incumbents(model, 5), _MANY.near, rng)
        return self.region.spread(_MANY.spread, rng) + near

    def features(self, points: Points) -> FloatArray:
        """Return what the models see of points."""
        return self.encoding.features(points.unit, points.active)

    def sampled(self, model: str) -> tuple[Points, Params] | None:
        """Return the free point that is best in a sample of a model's posterior."""
        rng = self.request.rng()
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

    def listed(self, acquisition: ExpectedImprovement) -> tuple[Points, Params] | None:
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
