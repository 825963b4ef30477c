"""A search on a virtual clock: several workers, durations that vary, no execution at all."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from phsx.history import History, Observation
from phsx.space import Space
from phsx.strategies.base import ModelStrategy, Request, Strategy

Params = dict[str, Any]


@dataclass(frozen=True)
class Evaluation:
    """One trial of a virtual search.

    Attributes
    ----------
    trial : int
        Its id.
    params : dict
        The point.
    value : float
        What the function gave; NaN where it raised or gave no finite number.
    """

    trial: int
    params: Params
    value: float


class Optimizer(Protocol):
    """What suggests points and learns from their values."""

    def ask(self, trial: int) -> Params:
        """Return the point of a new trial; it counts as running from then on."""

    def tell(self, trial: int, params: Params, value: float) -> None:
        """Take the value of a trial that runs no longer; NaN where it failed."""


def simulate(
    optimizer: Optimizer,
    evaluate: Callable[[int, Params], float],
    trials: int,
    *,
    workers: int = 1,
    seed: int = 0,
) -> list[Evaluation]:
    """Run trials asynchronously on `workers` virtual workers.

    Every evaluation takes a log-normal time (median 1, sigma 0.5), which depends on the seed and
    on the number of the trial alone: it is the same for every optimizer. A worker that has
    finished gets its next point at once, from what is known by then.

    Parameters
    ----------
    optimizer : Optimizer
        Where to look.
    evaluate : callable
        Takes a trial's number and its point. A value that is not finite, a ValueError or an
        ArithmeticError is a failed trial.
    trials : int
        How many evaluations.
    workers : int
        How many at once.
    seed : int
        Decides the durations.

    Returns
    -------
    list of Evaluation
        In the order in which they finished.
    """
    clock = np.random.default_rng([seed, 1])
    ends: list[tuple[float, int]] = []
    running: dict[int, Params] = {}
    done: list[Evaluation] = []
    now, created = 0.0, 0
    while created < trials or ends:
        if created < trials and len(ends) < workers:
            running[created] = optimizer.ask(created)
            heapq.heappush(ends, (now + float(clock.lognormal(0.0, 0.5)), created))
            created += 1
            continue
        now, trial = heapq.heappop(ends)
        params = running.pop(trial)
        value = _value(evaluate, trial, params)
        optimizer.tell(trial, params, value)
        done.append(Evaluation(trial, params, value))
    return done


def _value(evaluate: Callable[[int, Params], float], trial: int, params: Params) -> float:
    try:
        value = float(evaluate(trial, params))
    except (ArithmeticError, ValueError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def search(
    function: Callable[..., float],
    space: Space,
    strategy: Strategy,
    trials: int,
    *,
    workers: int = 1,
    seed: int = 0,
    maximize: bool = False,
) -> list[Evaluation]:
    """Run a search asynchronously on `workers` virtual workers.

    The clock is that of `simulate`.

    Parameters
    ----------
    function : callable
        Takes the parameters as keywords; an exception is a failed trial.
    space : Space
        The search space.
    strategy : Strategy
        Where to look; its overrides are left out of account.
    trials : int
        How many evaluations.
    workers : int
        How many at once.
    seed : int
        Decides everything: points and durations.
    maximize : bool
        Whether larger values are better.

    Returns
    -------
    list of Evaluation
        In the order in which they finished.

    Examples
    --------
    >>> from phsx.strategies import Random
    >>> from phsx.testing.functions import branin
    >>> found = search(branin, branin.space, Random(), 20, workers=4)
    >>> len(found), sorted(one.trial for one in found) == list(range(20))
    (20, True)
    """
    return simulate(
        StrategyOptimizer(space, strategy, trials, seed=seed, maximize=maximize),
        lambda trial, params: function(**params),
        trials,
        workers=workers,
        seed=seed,
    )


class StrategyOptimizer:
    """A strategy that is asked and told, without an experiment around it.

    Parameters
    ----------
    space : Space
        The search space.
    strategy : Strategy
        Where to look; its overrides are left out of account.
    trials : int, optional
        How many there will be, if that is known.
    seed : int
        Decides every point.
    maximize : bool
        Whether larger values are better.

    Examples
    --------
    >>> from phsx.strategies import Halton
    >>> from phsx.testing.functions import branin
    >>> optimizer = StrategyOptimizer(branin.space, Halton(), 10)
    >>> point = optimizer.ask(0)
    >>> optimizer.tell(0, point, branin(**point))
    """

    def __init__(
        self,
        space: Space,
        strategy: Strategy,
        trials: int | None = None,
        *,
        seed: int = 0,
        maximize: bool = False,
    ) -> None:
        self.space = space
        self.strategy = strategy
        self.trials = trials
        self.seed = seed
        self.sign = -1.0 if maximize else 1.0
        self.done: list[Evaluation] = []
        self.running: dict[int, Params] = {}
        self.keys: set[Any] = set()
        self.position = 0
        self.fit: Mapping[str, Any] | None = None
        self.fitted: int | None = None
        self._encoded = self._history([])

    def ask(self, trial: int) -> Params:
        """Return the point of a new trial."""
        request = self._request(trial)
        params = self._propose(request)
        self._start(trial, params)
        return params

    def batch(self, first: int, count: int) -> list[Params]:
        """Return the points of trials that start at the same instant, unaware of each other.

        Parameters
        ----------
        first : int
            The number of the first of them.
        count : int
            How many there are.
        """
        requests = [replace(self._request(first + rank), rank=rank) for rank in range(count)]
        points = [self._propose(request) for request in requests]
        for rank, params in enumerate(points):
            self._start(first + rank, params)
        return points

    def tell(self, trial: int, params: Params, value: float) -> None:
        """Take the value of a trial that runs no longer."""
        del self.running[trial]
        self.done.append(Evaluation(trial, params, value))

    def _start(self, trial: int, params: Params) -> None:
        self.keys.add(self.space.key(params))
        self.running[trial] = params

    def _request(self, trial: int) -> Request:
        request = Request(
            space=self.space,
            trial=trial,
            index=trial,
            position=self.position,
            seed=int(np.random.SeedSequence([self.seed, 2, trial]).generate_state(1)[0]),
            block_seed=self.seed,
            trials=self.trials,
            names=self.space.dimensions,
            fixed={},
            taken=lambda params: self.space.key(params) in self.keys,
        )
        if isinstance(self.strategy, ModelStrategy):
            request = self._informed(self.strategy, request)
        return request

    def _propose(self, request: Request) -> Params:
        proposal = self.strategy.propose(request)
        self.position = proposal.position
        params = self.space.complete(proposal.params)
        if params is None:
            raise ValueError(f"the strategy proposed an invalid point: {proposal.params}")
        return params

    def _informed(self, strategy: ModelStrategy, request: Request) -> Request:
        """Add what a strategy that learns may know."""
        history = self._finished()
        observed = int(np.isfinite(history.values).sum())
        if not strategy.modelled(observed, request.trial):
            return request
        pending = self._history([(t, p, float("nan")) for t, p in self.running.items()])
        if strategy.stale(observed, self.fitted):
            self.fit = strategy.fit(self.space, history, self.fit, self.seed)
            self.fitted = observed
        fields = vars(request) | {"history": history, "pending": pending, "fit": self.fit}
        return Request(**fields)

    def _finished(self) -> History:
        """Return all finished trials; only those since the last time are encoded."""
        new = [(one.trial, one.params, one.value) for one in self.done[len(self._encoded) :]]
        if new:
            self._encoded = History.concatenate([self._encoded, self._history(new)])
        return self._encoded

    def _history(self, rows: list[tuple[int, Params, float]]) -> History:
        return History.of(
            (
                Observation(
                    trial,
                    tuple(self.space.to_unit(params)),
                    tuple(self.space.active(params)),
                    self.sign * value,
                )
                for trial, params, value in rows
            ),
            len(self.space),
        )
