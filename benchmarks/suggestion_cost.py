"""What a fit and a suggestion of phsx cost, by the number of observations and of ranks.

One thread, Hartmann's function in six dimensions, seven trials pending. A fit starts from that of
three observations before, as it does in a search. Medians of wall times.

    python benchmarks/suggestion_cost.py [--observations 50 300 1000] [--repeats 9]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

import numpy as np  # noqa: E402

from phsx.history import History  # noqa: E402
from phsx.strategies import Bayesian, Request  # noqa: E402
from phsx.testing.functions import hartmann6  # noqa: E402


def observed(n: int) -> History:
    """Return `n` random observations."""
    space = hartmann6.space
    rng = np.random.default_rng(0)
    points = [space.sample(rng) for _ in range(n)]
    return History(
        np.arange(n),
        np.array([space.to_unit(point) for point in points]),
        np.ones((n, len(space)), dtype=bool),
        np.array([hartmann6(**point) for point in points]),
    )


def milliseconds(work: Callable[[int], object], repeats: int) -> float:
    """Return the median time of a piece of work that is told the number of the repetition."""
    times = []
    for number in range(repeats):
        began = time.perf_counter()
        work(number)
        times.append(time.perf_counter() - began)
    return 1e3 * float(np.median(times))


def main() -> None:
    """Print one line per number of observations."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--observations", type=int, nargs="+", default=[50, 300, 1000, 3000])
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    strategy, space = Bayesian(), hartmann6.space

    print(f"{'observations':>12} {'fit ms':>8} {'suggest ms':>10} {'rank 8':>8} {'rank 63':>8}")
    for n in options.observations:
        history = observed(n)
        pending = observed(7)
        pending = replace(pending, values=np.full(7, np.nan))
        before = strategy.fit(space, history.select(np.arange(n - 3)), None, 0)
        fit = strategy.fit(space, history, before, 0)
        request = Request(
            space=space,
            trial=n,
            index=n,
            position=n,
            seed=1,
            block_seed=2,
            trials=None,
            names=space.dimensions,
            fixed={},
            taken=lambda params: False,
            history=history,
            pending=pending,
            fit=fit,
        )
        strategy.propose(request)

        def suggest(number: int, rank: int = 0, request: Request = request) -> object:
            trial = request.trial + number + rank
            return strategy.propose(replace(request, trial=trial, rank=rank, block_seed=number))

        def refit(number: int, history: History = history, before: dict = before) -> object:
            return strategy.fit(space, history, before, number)

        print(
            f"{n:>12} {milliseconds(refit, options.repeats):>8.1f} "
            f"{milliseconds(suggest, options.repeats):>10.1f} "
            f"{milliseconds(lambda i: suggest(i, 8), 3):>8.0f} "
            f"{milliseconds(lambda i: suggest(i, 63), 3):>8.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
