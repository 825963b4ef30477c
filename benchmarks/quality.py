"""Whether `phsx.minimize` finds the optima of two test functions, on real workers.

    python benchmarks/quality.py [--seeds 10] [--workers 4]

Branin, 50 trials: within 0.01 of the minimum 0.397887. Griewank on [-5, 5]^2, 60 trials: below
0.05. Prints how many seeds succeed, and each seed's result.
"""

from __future__ import annotations

import argparse
import json

import phsx
from phsx.testing.functions import branin

SQUARE = {"x": phsx.Float(-5, 5), "y": phsx.Float(-5, 5)}


def griewank(x: float, y: float) -> float:
    from math import cos, sqrt

    return (x**2 + y**2) / 4000 - cos(x) * cos(y / sqrt(2)) + 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--workers", type=int, default=4)
    arguments = parser.parse_args()
    for name, target, space, trials, goal in (
        ("branin", branin, branin.space, 50, branin.minimum + 0.01),
        ("griewank", griewank, SQUARE, 60, 0.05),
    ):
        found = [
            phsx.minimize(
                target, space, trials=trials, workers=arguments.workers, seed=seed, progress=False
            ).best.value
            for seed in range(arguments.seeds)
        ]
        good = sum(value <= goal for value in found)
        print(f"{name}: {good} of {len(found)} seeds at most {goal:.6g}", json.dumps(found))


if __name__ == "__main__":
    main()
