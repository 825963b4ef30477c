"""phsx itself, its defaults."""

from __future__ import annotations

from peers.base import INITIAL, Params, Peer
from phsx.space import Space
from phsx.strategies import Bayesian
from phsx.testing.asynchronous import Evaluation, StrategyOptimizer


class Phsx(Peer):
    """`phsx.Bayesian`."""

    distributions = ("phsx",)

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        super().__init__(space, trials, seed)
        strategy = Bayesian(trials, initial=INITIAL)
        self.optimizer = StrategyOptimizer(space, strategy, trials, seed=seed)

    def ask(self, trial: int) -> Params:
        return self.optimizer.ask(trial)

    def tell(self, trial: int, params: Params, value: float) -> None:
        self.optimizer.tell(trial, params, value)

    def observe(self, known: list[tuple[Params, float]]) -> None:
        for number, (params, value) in enumerate(known):
            self.optimizer.done.append(Evaluation(-1 - number, params, value))
