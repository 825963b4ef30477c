"""A target that saves a checkpoint after every step, and tells which steps it has done."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

FILE = "steps.txt"


def stepwise(x: float, steps: int, pause: float, trial: Any) -> float:
    """Sum up ``x`` in steps; go on where an earlier attempt of the trial has saved the sum."""
    first, total = 0, 0.0
    if (saved := trial.restore()) is not None:
        first = saved.step + 1
        total = json.loads((saved.directory / "total.json").read_text())
    for step in range(first, steps):
        time.sleep(pause)
        total += x
        with (trial.directory / FILE).open("a") as file:
            file.write(f"{trial.attempt} {step}\n")
        with trial.checkpoint(step) as directory:
            (directory / "total.json").write_text(json.dumps(total))
            act(trial, step, directory)
    return total


def act(trial: Any, step: int, directory: Path) -> None:
    """Do what a test has asked for by a file ``die-STEP``: die while this step is being saved."""
    wish = trial.directory.parent / f"die-{step}"
    if wish.exists():
        wish.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def done(directory: Path, trial: int) -> list[tuple[int, int]]:
    """Return attempt and number of all steps that a trial of an experiment has done, in order."""
    path = directory / "trials" / f"{trial:06d}" / FILE
    lines = path.read_text().splitlines() if path.exists() else []
    return [(int(attempt), int(step)) for attempt, step in map(str.split, lines)]
