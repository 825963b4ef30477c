"""What a journal costs: to append a trial's records, and to open 100,000 trials again.

A trial has three records, as in a search: its point, that it runs, its result; and every tenth one
a fit. Records are committed in groups, as a master does with all that happened since it last
looked. Each part runs in a process of its own, whose peak of memory is told too.

    python benchmarks/journal.py [--trials 100000] [--group 8] [--directory DIR]

Needed: at most 1 ms per trial to append; at most 5 s and 500 MB to open 100,000 trials.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from phsx.journal import Journal, read
from phsx.state import SearchState


def append(directory: str, trials: int, group: int) -> None:
    """Append trials, and print what one took."""
    began, cpu = time.perf_counter(), time.process_time()
    with Journal.open(directory) as journal:
        journal.append("plan", plan=[{"strategy": "random", "trials": trials}])
        for number in range(trials):
            params = {"x": number / 7, "y": number / 11, "n": number % 9, "kind": "smooth"}
            journal.append(
                "trial", id=number, block=0, index=number, strategy="random",
                position=number + 1, params=params,
            )  # fmt: skip
            journal.append("running", id=number, attempt=1, worker="tls://127.0.0.1:40000")
            if number % 10 == 9:
                values = {"length": [0.1 * k for k in range(8)], "noise": 1e-3}
                journal.append(
                    "fit", fit=number // 10, block=0, seen=3 * number, n=number, values=values,
                    worker="tls://127.0.0.1:40000", started=1.0, ended=2.0,
                )  # fmt: skip
            journal.append(
                "ended", id=number, attempt=1, state="completed", value=number / 13, result={},
                error=None, traceback=None, worker="tls://127.0.0.1:40000", started=1.0, ended=2.0,
            )  # fmt: skip
            if number % group == group - 1:
                journal.commit()
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    size = sum(path.stat().st_size for path in Path(directory).glob("journal*")) / 1e6
    print(
        f"append {trials:,} trials, {group} a commit: {1e3 * took / trials:.3f} ms a trial "
        f"({1e3 * cpu / trials:.3f} ms of a processor), {size:.0f} MB on the disk"
    )


def reopen(directory: str, trials: int) -> None:
    """Read the journal into a search's state as a master does, and print what that took."""
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    state = SearchState()
    began, cpu = time.perf_counter(), time.process_time()
    with Journal.open(directory, replay=state.replay):
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert len(state.finished) == trials
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"open {trials:,} trials: {took:.2f} s ({cpu:.2f} s of a processor), "
        f"{peak:.0f} MB at most ({idle:.0f} MB before)"
    )


def records(directory: str) -> None:
    """Read all records at once, as a reader may, and print what that took."""
    began = time.perf_counter()
    found = len(read(directory).records)
    took = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"read {found:,} records at once: {took:.2f} s, {peak:.0f} MB at most")


def main() -> None:
    """Print a line per part."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--group", type=int, default=8, help="trials per commit")
    parser.add_argument("--directory", help="of the journal: on the disk that is meant")
    parser.add_argument("--part", choices=["append", "open", "read"])
    options = parser.parse_args()
    if options.part == "append":
        append(options.directory, options.trials, options.group)
    elif options.part == "open":
        reopen(options.directory, options.trials)
    elif options.part == "read":
        records(options.directory)
    else:
        with tempfile.TemporaryDirectory(dir=options.directory) as directory:
            for part in ("append", "open", "read"):
                command = [sys.executable, __file__, "--part", part, "--directory", directory]
                command += ["--trials", str(options.trials), "--group", str(options.group)]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
