"""64 suggestions of one instant: the measurement, its records and its table."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from peers import peer
from peers.base import INITIAL, Params
from peers.phsx_bayesian import Phsx

from suite.problem import Problem
from suite.problems import PROBLEMS
from suite.records import Record, read
from suite.statistics import interval
from suite.tables import table

BATCH_PROBLEMS = ["branin", "hartmann3", "hartmann6", "ackley5", "rosenbrock4", "levy4"]
_OTHERS = ["botorch-light", "botorch", "random"]
_KNOWN, _POINTS = 30, 64


def suggest(optimizer: str, problem: Problem, seed: int) -> list[Params]:
    """Return the points of one optimizer."""
    rng = np.random.default_rng([seed, 5])
    known = [problem.space.sample(rng) for _ in range(_KNOWN)]
    searcher = peer(optimizer)(problem.space, _KNOWN + _POINTS, seed)
    searcher.observe([(params, problem.true(params)) for params in known])
    if isinstance(searcher, Phsx):
        return searcher.optimizer.batch(_KNOWN, _POINTS)
    # From number 10 on the initial design is over.
    return [searcher.ask(INITIAL + number) for number in range(_POINTS)]


def record_batch(optimizer: str, name: str, seed: int) -> Record:
    """Return the record of one cell."""
    problem = PROBLEMS[name]
    points = suggest(optimizer, problem, seed)
    return {
        "setting": "batch",
        "problem": name,
        "optimizer": optimizer,
        "seed": seed,
        "version": peer(optimizer).version(),
        "date": datetime.now(UTC).date().isoformat(),
        "distinct": len({problem.space.key(params) for params in points}),
        "least": min(problem.true(params) for params in points),
    }


def batch_section(data: Path) -> str:
    """Return by how much the best of phsx's points is above that of the others'."""
    ours, rows = read(data, "batch", "phsx"), []
    for other in _OTHERS:
        theirs = read(data, "batch", other)
        for name in BATCH_PROBLEMS:
            least = PROBLEMS[name].minimum or 0.0
            cells = sorted(cell for cell in ours if cell[0] == name and cell in theirs)
            if not cells:
                continue
            regrets = [[one[c]["least"] - least for c in cells] for one in (ours, theirs)]
            a, b = np.log10(np.maximum(regrets, 1e-6))
            found = interval(a - b)
            distinct = min(ours[cell]["distinct"] for cell in cells)
            bounds = f"{found.low:+.2f} to {found.high:+.2f}"
            line = [name, str(len(cells)), str(distinct), *(f"{np.median(r):.2g}" for r in regrets)]
            rows.append([f"{other}: {line[0]}", *line[1:], f"{found.mean:+.2f}", bounds])
    header = ["against", "seeds", "distinct", "phsx", "other", "log10 difference", "95 %"]
    return table(header, rows)
