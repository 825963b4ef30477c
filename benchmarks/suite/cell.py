"""One search: a problem, an optimizer, a setting and a seed."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Any

from peers import peer
from peers.base import Params, Peer

from phsx.testing.asynchronous import simulate
from suite.problems import PROBLEMS
from suite.setting import SETTINGS


class _Timed:
    """Measures what asking and telling cost, in seconds of the processor."""

    def __init__(self, optimizer: Peer) -> None:
        self.optimizer = optimizer
        self.seconds: list[float] = []

    def ask(self, trial: int) -> Params:
        began = time.process_time()
        params = self.optimizer.ask(trial)
        self.seconds.append(time.process_time() - began)
        return params

    def tell(self, trial: int, params: Params, value: float) -> None:
        # Some fit their model when they are told, some when they are asked.
        began = time.process_time()
        self.optimizer.tell(trial, params, value)
        self.seconds[-1] += time.process_time() - began


def run(setting: str, problem: str, optimizer: str, seed: int) -> dict[str, Any]:
    """Return the record of one search.

    Its "best" are the values without noise of the incumbent (the lowest observation so far), one
    for each of the setting's marks; None before anything was found.
    """
    chosen, where, kind = SETTINGS[setting], PROBLEMS[problem], peer(optimizer)
    timed = _Timed(kind(where.space, chosen.trials, seed))
    true: dict[int, float] = {}

    def evaluate(trial: int, params: Params) -> float:
        true[trial] = where.true(params)
        return where.observation(true[trial], trial, seed)

    done = simulate(timed, evaluate, chosen.trials, workers=chosen.workers, seed=seed)
    best: list[float | None] = []
    incumbent, lowest = None, math.inf
    for count, one in enumerate(done, start=1):
        if one.value < lowest:
            incumbent, lowest = true[one.trial], one.value
        if count in chosen.marks:
            best.append(incumbent)
    return {
        "setting": setting,
        "problem": problem,
        "optimizer": optimizer,
        "seed": seed,
        "version": kind.version(),
        "date": datetime.now(UTC).date().isoformat(),
        "best": best,
        "cpu_per_ask": float(f"{sum(timed.seconds) / chosen.trials:.3g}"),
        "cpu_longest": float(f"{max(timed.seconds):.3g}"),
    }
