"""64 suggestions from one history at the same instant: how good is the best of them?

phsx's suggestions do not know of each other. They are compared with 64 points that BoTorch chooses
one after the other by log expected improvement, those before as pending (greedy q-log-EI), and
with random points. 30 random points are known. Recorded cells are skipped.

    python benchmarks/batch.py [--optimizers phsx botorch random] [--seeds 20] [--show]
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

from suite.batches import BATCH_PROBLEMS, batch_section, record_batch  # noqa: E402
from suite.records import DATA, append, read  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--optimizers", nargs="+", default=["phsx", "random"])
    parser.add_argument("--problems", nargs="+", choices=BATCH_PROBLEMS, default=BATCH_PROBLEMS)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--again", action="store_true", help="also what is recorded already")
    parser.add_argument("--show", action="store_true", help="print the table, measure nothing")
    parser.add_argument("--data", type=Path, default=DATA, help="where the records are")
    options = parser.parse_args()
    for seed in range(0 if options.show else options.seeds):
        for optimizer in options.optimizers:
            done = {} if options.again else read(options.data, "batch", optimizer)
            for name in options.problems:
                if (name, seed) not in done:
                    append(options.data, record_batch(optimizer, name, seed))
    print(batch_section(options.data))


if __name__ == "__main__":
    main()
