"""A search whose trials begin, and end when they are let go: a place for faults."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import phsx
from phsx.experiment.experiment import Experiment

#: Seconds after which a trial that nobody lets go fails.
LONGEST = 120.0


def wait_for_file(x: float, trial: Any) -> float:
    """Evaluate until somebody makes the file `go` in the trial's directory, or above it."""
    (trial.directory / f"here-{trial.attempt}").touch()
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        if (trial.directory / "go").exists() or (trial.directory.parent / "go").exists():
            return x
        time.sleep(0.01)
    raise TimeoutError("nobody let it go")


class Held:
    """A search in the background whose trials wait to be let go.

    Parameters
    ----------
    directory : Path
        Of the experiment.
    trials : int
    **run
        Of `Experiment.run`.

    Attributes
    ----------
    experiment : Experiment
    handle : Run
    """

    def __init__(self, directory: Path, trials: int, **run: Any) -> None:
        self.directory = directory
        space = {"x": phsx.Float(0, 1)}
        self.experiment = Experiment(directory, wait_for_file, space, phsx.Random(trials), seed=1)
        self.handle = self.experiment.run(background=True, progress=False, **run)

    def here(self, attempt: int | None = None) -> list[tuple[int, int]]:
        """Return trial and attempt of all that has begun, or of what has begun in one attempt."""
        found = [
            (int(path.parent.name), int(path.name.split("-")[1]))
            for path in (self.directory / "trials").glob("*/here-*")
        ]
        return sorted(pair for pair in found if attempt in (None, pair[1]))

    def all_here(self, number: int, attempt: int) -> bool:
        """Tell whether so many trials have begun this attempt."""
        return len(self.here(attempt)) == number

    def go(self) -> None:
        """Let all trials end, those that have not begun too."""
        (self.directory / "trials" / "go").touch()

    def end(self, seconds: float = 90.0) -> Experiment:
        """Wait for the end, and return the experiment."""
        assert self.handle.wait(seconds), f"it has not ended: {self.handle!r}"
        return self.experiment

    def close(self) -> None:
        """Stop it if it has not ended."""
        if self.handle.running:
            self.handle.stop(grace=0.0)
