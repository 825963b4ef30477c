"""A target that carries much data: it reaches each worker once, not with each trial.

    python benchmarks/big_data.py [--megabytes 200] [--trials 100] [--workers 2]

Prints how much went over the loopback interface, beside the size of the data, and how long the
trials took with the data and without.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil

import phsx


def total(x: float, data: np.ndarray) -> float:
    return x + float(data[0]) + data.nbytes * 0.0


def traffic() -> int:
    return psutil.net_io_counters(pernic=True)["lo"].bytes_sent


def search(data: np.ndarray, trials: int, workers: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as directory:
        began, sent = time.perf_counter(), traffic()
        experiment = phsx.Experiment(
            Path(directory) / "big",
            target=total,
            space={"x": phsx.Float(0, 1)},
            plan=phsx.Random(trials),
            seed=0,
            fixed={"data": data},
        )
        experiment.run(workers=workers, progress=False)
        frame = experiment.to_dataframe()
        assert (frame.state == "completed").all()
        return {
            "sent over loopback (MB)": (traffic() - sent) / 1e6,
            "in all (s)": time.perf_counter() - began,
            "first to last trial (s)": frame.ended.max() - frame.started.min(),
            "workers used": frame.worker.nunique(),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    for megabytes in (0, arguments.megabytes):
        data = rng.integers(0, 256, megabytes * 10**6 + 1, dtype=np.uint8)
        found = search(data, arguments.trials, arguments.workers)
        print(f"{megabytes} MB", json.dumps({k: round(v, 2) for k, v in found.items()}))


if __name__ == "__main__":
    main()
