"""Searches whose trials take the time that a test wants, and a seed that a failure tells."""

from __future__ import annotations

import os
import time

import pytest

import phsx
from phsx.testing.faults import StandingCluster, until

#: Decides when faults come; another one with PHSX_FAULT_SEED.
SEED = int(os.environ.get("PHSX_FAULT_SEED", "4"))


def wait_for_file(x, trial):
    """Evaluate until somebody makes the trial's file `go`, or the experiment's."""
    (trial.directory / f"here-{trial.attempt}").touch()
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (trial.directory / "go").exists() or (trial.directory.parent / "go").exists():
            return x
        time.sleep(0.01)
    raise TimeoutError("nobody let it go")


class Held:
    """A search whose trials begin, and end when they are let go."""

    def __init__(self, directory, trials, plan=None, **run):
        self.directory = directory
        self.experiment = phsx.Experiment(
            directory, wait_for_file, {"x": phsx.Float(0, 1)}, plan or phsx.Random(trials), seed=1
        )
        self.trials = directory / "trials"
        self.handle = self.experiment.run(background=True, progress=False, **run)

    def here(self, attempt=None):
        """Return (trial, attempt) of what has begun, in any attempt or in one."""
        found = [
            (int(path.parent.name), int(path.name.split("-")[1]))
            for path in self.trials.glob("*/here-*")
        ]
        return sorted(pair for pair in found if attempt in (None, pair[1]))

    def go(self, trial=None):
        folder = self.trials if trial is None else self.trials / f"{trial:06d}"
        (folder / "go").touch()

    def end(self, seconds=90.0):
        assert self.handle.wait(seconds), f"it has not ended: {self.handle!r}"
        return self.experiment


@pytest.fixture
def hold(tmp_path):
    """Start held searches; those that have not ended are stopped after the test."""
    held = []

    def start(trials, **options):
        held.append(Held(tmp_path / f"search{len(held)}", trials, **options))
        return held[-1]

    yield start
    for one in held:
        if one.handle.running:
            one.handle.stop(grace=0.0)


@pytest.fixture
def standing():
    """Start clusters of somebody's, which end after the test."""
    clusters = []

    def start(workers, **options):
        clusters.append(StandingCluster(workers, **options))
        return clusters[-1]

    yield start
    for one in clusters:
        one.close()


@pytest.fixture
def wait():
    return until


@pytest.fixture
def fault_seed():
    """Return the seed of the faults, which pytest shows when the test fails."""
    print(f"PHSX_FAULT_SEED={SEED}")
    return SEED
