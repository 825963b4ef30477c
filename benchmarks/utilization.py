"""How busy workers are while their suggestions are computed.

    python benchmarks/utilization.py [--trials 200] [--workers 4] [--seconds 0.5]

Runs `Bayesian` trials whose evaluation takes a fixed time, once with a target that sleeps and once
with one that holds Python's global lock all the time, and prints the share of worker time that was
spent evaluating, from the first evaluation's start to the last one's end, as the journal has it.
The worker timeline of each is saved beside.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import tempfile
import time
from pathlib import Path

import numpy as np

import phsx

SPACE = {name: phsx.Float(-5, 5) for name in ("x", "y", "z", "u", "v", "w")}


def sleeping(seconds: float, **point: float) -> float:
    time.sleep(seconds)
    return sum(value**2 for value in point.values())


def holding(seconds: float, **point: float) -> float:
    """Sleep without letting any other Python thread of the process run."""
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))
    return sum(value**2 for value in point.values())


def measure(target, trials: int, workers: int, seconds: float, picture: Path) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        experiment = phsx.Experiment(
            Path(directory) / target.__name__,
            target=target,
            space=SPACE,
            plan=phsx.Bayesian(trials),
            seed=0,
            fixed={"seconds": seconds},
        )
        experiment.run(workers=workers, progress=False)
        phsx.plot.worker_timeline(experiment, path=picture)
        frame = experiment.to_dataframe()
    span = frame.ended.max() - frame.started.min()
    gaps = np.concatenate(
        [
            one.started.to_numpy()[1:] - one.ended.to_numpy()[:-1]
            for _, one in frame.sort_values("started").groupby("worker")
        ]
    )
    suggestions = (frame.suggest_ended - frame.suggest_started).dropna()
    return {
        "busy": (frame.ended - frame.started).sum() / (workers * span),
        "gap, median (ms)": float(np.median(gaps)) * 1e3,
        "gap, 95 % (ms)": float(np.quantile(gaps, 0.95)) * 1e3,
        "gap, longest (ms)": float(gaps.max()) * 1e3,
        "suggestion, median (ms)": suggestions.median() * 1e3,
        "suggestion, longest (ms)": suggestions.max() * 1e3,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--pictures", type=Path, default=Path("utilization"))
    arguments = parser.parse_args()
    arguments.pictures.mkdir(exist_ok=True)
    for target in (sleeping, holding):
        picture = arguments.pictures / f"{target.__name__}.png"
        found = measure(target, arguments.trials, arguments.workers, arguments.seconds, picture)
        print(target.__name__, json.dumps({k: round(v, 3) for k, v in found.items()}, indent=2))


if __name__ == "__main__":
    main()
