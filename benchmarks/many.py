"""Many observations: is it a loss that models are conditioned on at most 1,000 of them?

So many points are known, half of them random, half near the best of those, at distances over two
decades. Then some more trials follow, one after the other, once with the models as they are, once
with models of all observations. What is compared is the regret of the best point.

    python benchmarks/many.py [--observations 2000] [--trials 20] [--seeds 6]
"""

from __future__ import annotations

import argparse
import os
import time

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402
from peers.base import INITIAL, Params  # noqa: E402
from peers.phsx_bayesian import Phsx  # noqa: E402
from suite.problem import Problem  # noqa: E402
from suite.problems import PROBLEMS  # noqa: E402
from suite.statistics import interval  # noqa: E402
from suite.tables import table  # noqa: E402

from phsx.models import surrogate  # noqa: E402

_PROBLEMS = ("hartmann6", "ackley5", "rosenbrock4", "mixed")
_BEST = 20


def known(problem: Problem, count: int, seed: int) -> list[tuple[Params, float]]:
    """Return points with their values."""
    rng = np.random.default_rng([seed, 11])
    space = problem.space
    found = [(params, problem.true(params)) for params in _random(problem, count // 2, rng)]
    best = sorted(found, key=lambda one: one[1])[:_BEST]
    while len(found) < count:
        unit = space.to_unit(best[len(found) % _BEST][0])
        step = 10.0 ** rng.uniform(-2.0, -0.3) * rng.standard_normal(len(unit))
        moved = np.clip(unit + step, 0.0, 1.0)
        values = {
            name: space.parameters[name].from_unit(float(u))
            for name, u in zip(space.dimensions, moved, strict=True)
        }
        params = space.complete(values)
        if params is not None:
            found.append((params, problem.true(params)))
    return found


def _random(problem: Problem, count: int, rng: np.random.Generator) -> list[Params]:
    return [problem.space.sample(rng) for _ in range(count)]


def search(problem: Problem, data: list[tuple[Params, float]], trials: int, seed: int) -> float:
    """Return the best value after some more trials."""
    searcher = Phsx(problem.space, INITIAL + trials, seed)
    searcher.observe(data)
    values = [value for _, value in data]
    # From number 10 on the initial design is over.
    for trial in range(INITIAL, INITIAL + trials):
        params = searcher.ask(trial)
        values.append(problem.true(params))
        searcher.tell(trial, params, values[-1])
    return min(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--observations", type=int, default=2000)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--problems", nargs="+", default=list(_PROBLEMS))
    options = parser.parse_args()
    usual, rows = surrogate._MOST, []
    for name in options.problems:
        problem = PROBLEMS[name]
        regrets: dict[bool, list[float]] = {False: [], True: []}
        seconds = {False: 0.0, True: 0.0}
        for seed in range(options.seeds):
            data = known(problem, options.observations, seed)
            for exact in (False, True):
                surrogate._MOST = options.observations + options.trials if exact else usual
                began = time.process_time()
                best = search(problem, data, options.trials, seed)
                seconds[exact] += time.process_time() - began
                regrets[exact].append(best - (problem.minimum or 0.0))
        some, all_ = (np.log10(np.maximum(regrets[exact], 1e-6)) for exact in (False, True))
        found, count = interval(some - all_), options.seeds * options.trials
        medians = [f"{np.median(regrets[exact]):.2g}" for exact in (False, True)]
        costs = [f"{seconds[exact] / count:.2g}" for exact in (False, True)]
        bounds = f"{found.low:+.2f} to {found.high:+.2f}"
        rows.append([name, str(options.seeds), *medians, f"{found.mean:+.2f}", bounds, *costs])
        print(rows[-1], flush=True)
    header = ["problem", "seeds", "1,000 of them", "all", "log10 difference", "95 %"]
    print(table([*header, "CPU s per trial", "with all"], rows))


if __name__ == "__main__":
    main()
