"""How good the best found point is: Bayesian optimization against random search.

Strategies alone, on a virtual clock: one worker, then 8 asynchronous ones whose evaluations take
log-normal times. Prints per problem the median and the worst regret (distance from the known
least value), and in how many seeds the search ended within the problem's tolerance.

    python benchmarks/regret.py [--seeds 10] [--workers 1 4 8] [--problems branin hartmann6]
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402

from phsx.strategies import Bayesian, Random, Strategy  # noqa: E402
from phsx.testing.asynchronous import search  # noqa: E402
from phsx.testing.functions import (  # noqa: E402
    Function,
    ackley,
    branin,
    conditional,
    griewank,
    hartmann3,
    hartmann6,
    levy,
    mixed,
    rosenbrock,
)


@dataclass(frozen=True)
class Problem:
    """A function, how many trials it gets, and what counts as solved."""

    function: Function
    trials: int
    tolerance: float


PROBLEMS = [
    Problem(branin, 50, 0.01),
    Problem(griewank(2), 60, 0.05),
    Problem(hartmann3, 60, 0.01),
    Problem(hartmann6, 80, 0.02),
    Problem(ackley(5), 80, 2.0),
    Problem(rosenbrock(4), 80, 2.0),
    Problem(levy(4), 80, 0.5),
    Problem(mixed, 80, 0.01),
    Problem(conditional, 60, 0.01),
]

STRATEGIES: dict[str, type[Strategy]] = {"bayesian": Bayesian, "random": Random}


def regrets(problem: Problem, strategy: type[Strategy], workers: int, seeds: int) -> np.ndarray:
    """Return the regret of the best point of each seed."""
    function = problem.function
    found = []
    for seed in range(seeds):
        evaluations = search(
            function,
            function.space,
            strategy(problem.trials),
            problem.trials,
            workers=workers,
            seed=seed,
        )
        found.append(function.regret(min(one.value for one in evaluations)))
    return np.array(found)


def main() -> None:
    """Print one line per problem, number of workers and strategy."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--problems", nargs="+", default=[p.function.name for p in PROBLEMS])
    parser.add_argument("--strategies", nargs="+", default=list(STRATEGIES), choices=STRATEGIES)
    options = parser.parse_args()

    print(
        f"{'problem':<12} {'trials':>6} {'workers':>7} {'strategy':<9} "
        f"{'median':>9} {'worst':>9} {'solved':>7} {'ms/trial':>8}"
    )
    for problem in PROBLEMS:
        if problem.function.name not in options.problems:
            continue
        for workers in options.workers:
            for name in options.strategies:
                began = time.process_time()
                found = regrets(problem, STRATEGIES[name], workers, options.seeds)
                cost = (time.process_time() - began) / (options.seeds * problem.trials)
                solved = int((found < problem.tolerance).sum())
                print(
                    f"{problem.function.name:<12} {problem.trials:>6} {workers:>7} {name:<9} "
                    f"{np.median(found):>9.2g} {found.max():>9.2g} "
                    f"{solved:>3}/{options.seeds:<3} {1e3 * cost:>8.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
