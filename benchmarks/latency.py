"""What one suggestion costs, with few and with many observations: phsx and others in one run.

One thread, Hartmann's function in six dimensions, seven trials pending, median of five. "phsx"
fits its models when it does so by itself, "phsx (fit every time)" at every suggestion, and "phsx
(fit at hand)" at none of those that are measured.

    python benchmarks/latency.py --optimizers phsx tpe optuna-gp botorch smac deephyper --keep
    python benchmarks/latency.py --observations 50 300
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from peers import PEERS  # noqa: E402
from suite.latencies import kinds, latency  # noqa: E402
from suite.records import DATA  # noqa: E402

#: How many observations are too many for whom: a suggestion takes some half a minute there.
_MOST = {"smac": 300, "botorch": 1000, "optuna-gp": 1000, "deephyper": 1000, "tpe": 1000}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--optimizers", nargs="+", choices=PEERS, default=["phsx"])
    parser.add_argument("--observations", type=int, nargs="+", default=[50, 300, 1000, 3000, 10000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--data", type=Path, default=DATA, help="where the records are")
    parser.add_argument("--keep", action="store_true", help="record the run")
    options = parser.parse_args()

    run = datetime.now(UTC).isoformat(timespec="minutes").removesuffix("+00:00")
    for n in options.observations:
        for name, kind in kinds(options.optimizers).items():
            if n > _MOST.get(name, n):
                continue
            measured = latency(kind, n, options.repeats)
            row = {
                "run": run,
                "optimizer": name,
                "version": kind.version(),
                "observations": n,
                **measured,
                "load": round(os.getloadavg()[0], 1),
            }
            spent = f"{measured['seconds']:>9.4f} s, of the processor {measured['cpu']:.4f} s"
            print(f"{n:>6} {name:<22} {spent}", flush=True)
            if options.keep:
                options.data.mkdir(parents=True, exist_ok=True)
                with (options.data / "latency.jsonl").open("a") as file:
                    file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
