"""A search on a virtual clock: several workers, durations that vary, no execution at all."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

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

    Every evaluation takes a log-normal time (median 1, sigma 0.5). A worker that has finished
    gets its next point at once, from what is known by then.

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
    return _Search(function, space, strategy, trials, seed, maximize).run(workers)


class _Search:
    """The state of a virtual search."""

    def __init__(
        self,
        function: Callable[..., float],
        space: Space,
        strategy: Strategy,
        trials: int,
        seed: int,
        maximize: bool,
    ) -> None:
        self.function = function
        self.space = space
        self.strategy = strategy
        self.trials = trials
        self.seed = seed
        self.sign = -1.0 if maximize else 1.0
        self.clock = np.random.default_rng([seed, 1])
        self.done: list[Evaluation] = []
        self.running: dict[int, Params] = {}
        self.keys: set[Any] = set()
        self.position = 0
        self.fit: Mapping[str, Any] | None = None
        self.fitted: int | None = None

    def run(self, workers: int) -> list[Evaluation]:
        ends: list[tuple[float, int]] = []
        now, created = 0.0, 0
        while created < self.trials or ends:
            if created < self.trials and len(ends) < workers:
                self._start(created)
                heapq.heappush(ends, (now + float(self.clock.lognormal(0.0, 0.5)), created))
                created += 1
            else:
                now, trial = heapq.heappop(ends)
                self._finish(trial)
        return self.done

    def _start(self, trial: int) -> None:
        params = self._suggest(trial)
        self.keys.add(self.space.key(params))
        self.running[trial] = params

    def _finish(self, trial: int) -> None:
        params = self.running.pop(trial)
        try:
            value = float(self.function(**params))
        except (ArithmeticError, ValueError):
            value = float("nan")
        self.done.append(Evaluation(trial, params, value if np.isfinite(value) else float("nan")))

    def _suggest(self, trial: int) -> Params:
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
        proposal = self.strategy.propose(request)
        self.position = proposal.position
        params = self.space.complete(proposal.params)
        if params is None:
            raise ValueError(f"the strategy proposed an invalid point: {proposal.params}")
        return params

    def _informed(self, strategy: ModelStrategy, request: Request) -> Request:
        """Add what a strategy that learns may know."""
        observed = sum(np.isfinite(one.value) for one in self.done)
        if not strategy.modelled(observed, request.trial):
            return request
        history = self._history([(one.trial, one.params, one.value) for one in self.done])
        pending = self._history([(t, p, float("nan")) for t, p in self.running.items()])
        if strategy.stale(observed, self.fitted):
            self.fit = strategy.fit(self.space, history, self.fit, self.seed)
            self.fitted = observed
        fields = vars(request) | {"history": history, "pending": pending, "fit": self.fit}
        return Request(**fields)

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
