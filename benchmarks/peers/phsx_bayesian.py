"""phsx itself, its defaults."""

from __future__ import annotations

import subprocess
from pathlib import Path

from peers.base import INITIAL, Params, Peer
from phsx.space import Space
from phsx.strategies import Bayesian
from phsx.testing.asynchronous import Evaluation, StrategyOptimizer


def _commit() -> str:
    """Return the commit of a checkout, and whether files were changed since; else nothing."""
    command = ["git", "describe", "--always", "--dirty=, changed", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f" ({done.stdout.strip()})"


#: Read when the code is, which may change on disk while a long recording runs.
_COMMIT = _commit()


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

    @classmethod
    def version(cls) -> str:
        return super().version() + _COMMIT
