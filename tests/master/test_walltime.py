"""A whole search on batch jobs with a walltime, on a virtual clock."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import phsx
from phsx.execution.base import WorkerJoined
from phsx.testing.bench import Bench
from phsx.testing.virtual_executor import VirtualExecutor
from phsx.trial import TrialState

STARTUP, WALLTIME, JOBS = 3.0, 60.0, 3


class Jobs(VirtualExecutor):
    """Workers that end at their walltime, or when they are released; new ones take their place."""

    def __init__(self, durations, walltime=WALLTIME):
        super().__init__({}, duration=lambda job: durations[job.trial])
        self.walltime = walltime
        self.started = 0
        self.killed = self.released = 0
        self.needs = []

    def start(self, setting):
        super().start(setting)
        for _ in range(JOBS):
            self.begin()

    def begin(self):
        self.started += 1
        self.at(STARTUP, functools.partial(self.come, f"job-{self.started}"))

    def come(self, worker):
        self._slots[worker] = 1
        left = self.walltime - STARTUP
        self._say(WorkerJoined(worker, 1, self.clock() + left))
        self.at(left, functools.partial(self.go, worker, "killed"))

    def go(self, worker, how):
        if worker in self._slots:
            setattr(self, how, getattr(self, how) + 1)
            self.kill(worker)
            self.begin()

    def release(self, worker):
        assert worker not in self._places.values(), "nothing runs there"
        self.go(worker, "released")

    def demand(self, trials):
        self.needs.append(trials)


def durations(trials, low=5.0, high=20.0):
    return np.random.default_rng(0).uniform(low, high, trials)


def test_trials_fit_between_the_ends_of_jobs(tmp_path):
    """60 trials of 5 to 20 s on 3 jobs of a minute: as the issue asks."""
    given = durations(60)
    executor = Jobs(given)
    bench = Bench(tmp_path, phsx.Random(60))
    bench.run(executor, max_deaths=0).check_exact(60)
    trials = bench.state.trials.values()
    assert sum(trial.attempt - 1 for trial in trials) <= 3
    assert sum(trial.deaths for trial in trials) == 0
    assert executor.released > executor.killed, "jobs are given up when nothing fits any more"
    elapsed = max(trial.ended for trial in trials) - executor.BEGIN
    assert elapsed <= 1.2 * given.sum() / JOBS
    assert executor.needs[0] == 60 and executor.needs[-1] <= 1


def test_a_time_that_is_said_is_believed(tmp_path):
    """No trial is cut, not even at first, when nothing is known yet."""
    given = durations(60)
    executor = Jobs(given)
    bench = Bench(tmp_path, phsx.Random(60))
    bench.run(executor, expected=20.0).check_exact(60)
    assert all(trial.attempt == 1 for trial in bench.state.trials.values())
    assert executor.killed == 0


@pytest.mark.parametrize("long", [70.0, 1e4])
def test_a_trial_that_fits_no_walltime_fails_with_that_reason(tmp_path, long):
    """And none of the others does."""
    given = durations(20)
    given[7] = long
    bench = Bench(tmp_path, phsx.Random(20))
    bench.run(Jobs(given)).check_exact(20, state=None)
    trial = bench.state.trials[7]
    assert trial.state is TrialState.FAILED and "walltime=" in trial.error
    assert trial.deaths == 0
    assert bench.states() == {"completed": 19, "failed": 1}


def test_a_trial_that_needs_most_of_a_walltime_gets_it(tmp_path):
    given = durations(20)
    given[7] = 50.0
    bench = Bench(tmp_path, phsx.Random(20))
    bench.run(Jobs(given)).check_exact(20)
    assert bench.state.trials[7].deaths == 0


def test_trials_that_all_need_most_of_a_walltime(tmp_path):
    bench = Bench(tmp_path, phsx.Random(6))
    bench.run(Jobs([50.0] * 6)).check_exact(6)
