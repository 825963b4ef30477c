"""How good the best found point is: record searches of phsx and of other optimizers.

Every cell is one search of one optimizer on one problem with one seed, on a virtual clock whose
log-normal durations are the same for all. What was recorded before (benchmarks/data) is skipped.

    python benchmarks/regret.py --setting async8 --optimizers phsx tpe --seeds 20
    python benchmarks/regret.py --optimizers phsx --problems branin hartmann6 --again
    python benchmarks/report.py         # makes the tables and plots from the records

Settings: async8 (8 workers, 80 trials), async64 (64 workers, 320 trials), sequential (60 trials),
large (20 dimensions, 8 workers, 400 trials), rugged (functions with many local optima, 8 workers,
80 trials), long (Hartmann-6, 8 workers, 200 trials). The other optimizers are installed by
`pip install -e .[bench]`.
"""

from __future__ import annotations

import argparse
import os
import time
import traceback
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from peers import PEERS, peer  # noqa: E402
from peers.base import numeric  # noqa: E402
from suite.cell import run  # noqa: E402
from suite.problems import PROBLEMS  # noqa: E402
from suite.records import DATA, append, read  # noqa: E402
from suite.setting import SETTINGS  # noqa: E402


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--setting", choices=SETTINGS, default="async8")
    parser.add_argument("--optimizers", nargs="+", choices=PEERS, default=["phsx", "random"])
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS)
    parser.add_argument("--seeds", type=int, default=3, help="how many, from --first-seed on")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--again", action="store_true", help="also what is recorded already")
    parser.add_argument("--data", type=Path, default=DATA, help="where the records are")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin nothing later")
    return parser.parse_args()


def record(options: argparse.Namespace, problem: str, optimizer: str, seed: int) -> None:
    """Run one cell and append what came of it."""
    began = time.perf_counter()
    cell = {"setting": options.setting, "problem": problem, "optimizer": optimizer, "seed": seed}
    try:
        row = run(**cell)
        said = f"{row['best'][-1]:.6g}"
    except Exception as error:  # what the optimizers of others raise is theirs
        traceback.print_exc()
        row = cell | {
            "version": peer(optimizer).version(),
            "error": f"{type(error).__name__}: {error}",
        }
        said = "failed"
    append(options.data, row)
    minutes = (time.perf_counter() - began) / 60
    what = f"{options.setting} {optimizer} {problem} seed {seed}"
    print(f"{time.strftime('%H:%M')} {what}: {said} ({minutes:.1f} min)", flush=True)


def main() -> None:
    """Run the cells that are missing, one seed after the other, so that it can stop anywhere."""
    options = arguments()
    stop = time.monotonic() + 60 * options.minutes
    problems = options.problems or SETTINGS[options.setting].problems
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for optimizer in options.optimizers:
            done = {} if options.again else read(options.data, options.setting, optimizer)
            for name in problems:
                able = peer(optimizer).mixed or numeric(PROBLEMS[name].space)
                if (name, seed) in done or not able:
                    continue
                if time.monotonic() > stop:
                    return
                record(options, name, optimizer, seed)


if __name__ == "__main__":
    main()
