"""What a suggestion must be able to do whatever the data are: finite spaces, bad data, repetition.

    python benchmarks/soundness.py [--seeds 20]

1. A space of 60 points: how many different ones 60 trials on 8 workers try.
2. Four categories of five choices: after how many trials the best of the 625 points is tried, by
   phsx and by Optuna's TPE (from the `bench` extra), 8 workers, at most 80 trials.
3. Searches whose values are bad in every way: how many trials were suggested nonetheless.
4. Suggestions computed again from the same inputs in another process: how many are the same to the
   last bit.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Callable

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402
from peers import peer  # noqa: E402
from peers.base import Params  # noqa: E402
from peers.phsx_bayesian import Phsx  # noqa: E402
from suite.problems import PROBLEMS  # noqa: E402
from suite.tables import table  # noqa: E402

from phsx.space import Categorical, Int, Space  # noqa: E402
from phsx.testing.asynchronous import simulate  # noqa: E402

_WORKERS, _TRIALS = 8, 80

#: What the n-th trial gives.
_BAD: dict[str, Callable[[int, float], float]] = {
    "all the same": lambda n, value: 3.0,
    "all failed": lambda n, value: math.nan,
    "all failed but one": lambda n, value: value if n == 17 else math.nan,
    "every second failed": lambda n, value: value if n % 2 else math.nan,
    "1e300 now and then": lambda n, value: 1e300 if n % 5 == 0 else value,
    "1e300 and -1e300": lambda n, value: 1e300 if n % 2 else -1e300,
    "infinite now and then": lambda n, value: math.inf if n % 5 == 0 else value,
    "over 300 decades": lambda n, value: 10.0 ** (300 * math.tanh(value) - 150),
    "differ in the last bit": lambda n, value: 1.0 + 2.0**-52 * (n % 3),
}


def finite(seeds: int) -> str:
    """Return in how many of the seeds all of 60 points were tried in 60 trials."""
    space = Space({"n": Int(1, 5), "c": Categorical(list("abc")), "m": Int(1, 4)})

    def distinct(seed: int) -> int:
        done = simulate(
            Phsx(space, 60, seed),
            lambda trial, params: params["n"] * ord(params["c"]) + params["m"],
            60,
            workers=_WORKERS,
            seed=seed,
        )
        return len({space.key(one.params) for one in done})

    counts = [distinct(seed) for seed in range(seeds)]
    return f"60 points, 60 trials: {min(counts)} different ones in the worst of {seeds} searches"


def combinations(seeds: int) -> str:
    """Return a table of the trials that it took to the best of 625 combinations."""
    problem = PROBLEMS["stops"]
    least = problem.minimum or min(problem.true(params) for params in problem.space.points())

    def needed(optimizer: str, seed: int) -> float:
        searcher = peer(optimizer)(problem.space, _TRIALS, seed)
        done = simulate(
            searcher,
            lambda trial, params: problem.true(params),
            _TRIALS,
            workers=_WORKERS,
            seed=seed,
        )
        found = [n for n, one in enumerate(done, start=1) if one.value <= least + 1e-12]
        return found[0] if found else math.inf

    rows = []
    for optimizer in ("phsx", "tpe"):
        counts = np.array([needed(optimizer, seed) for seed in range(seeds)])
        never = int(np.isinf(counts).sum())
        capped = np.minimum(counts, _TRIALS)
        rows.append(
            [optimizer, str(seeds), f"{np.median(counts):g}", f"{capped.mean():.1f}", never]
        )
    rows = [[str(cell) for cell in row] for row in rows]
    return table(["optimizer", "seeds", "median trials", "mean (at most 80)", "never"], rows)


def bad_data() -> str:
    """Return a table of searches of which the values are bad."""
    rows = []
    for name, spoil in _BAD.items():
        for where in ("hartmann6", "network-wine"):
            problem = PROBLEMS[where]
            done = simulate(
                Phsx(problem.space, 40, 0),
                lambda trial, params, spoil=spoil: spoil(trial, _cheap(params)),
                40,
                workers=_WORKERS,
            )
            different = len({problem.space.key(one.params) for one in done})
            rows.append([name, where, str(len(done)), str(different)])
    return table(["values", "space of", "trials", "different points"], rows)


def _cheap(params: Params) -> float:
    """Return some value that depends on all parameters."""
    numbers = [
        float(len(str(one))) if isinstance(one, str) else float(one) for one in params.values()
    ]
    return float(np.sin(np.array(numbers)).sum())


def repeated() -> str:
    """Return how many suggestions another process computes the same, bit for bit."""
    here, there = (
        points(),
        [
            line
            for line in subprocess.run(
                [sys.executable, "-W", "ignore", __file__, "--points"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.splitlines()
            if line
        ],
    )
    same = sum(a == b for a, b in zip(here, there, strict=True))
    return f"computed again in another process: {same} of {len(here)} points are the same"


def points() -> list[str]:
    """Return the points of a few searches, to the last bit."""
    found = []
    for where in ("hartmann6", "mixed", "conditional", "stops"):
        problem = PROBLEMS[where]
        done = simulate(
            Phsx(problem.space, 60, 1),
            lambda trial, params, problem=problem: problem.true(params),
            60,
            workers=_WORKERS,
        )
        for one in sorted(done, key=lambda one: one.trial):
            exact = {k: v.hex() if isinstance(v, float) else v for k, v in one.params.items()}
            found.append(f"{where} {one.trial} {exact}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--points", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.points:
        print("\n".join(points()))
        return
    print(finite(options.seeds), combinations(options.seeds), bad_data(), repeated(), sep="\n\n")


if __name__ == "__main__":
    main()
