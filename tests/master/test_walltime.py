"""A whole search on batch jobs with a walltime, on a virtual clock."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

import phsx
from phsx.execution.base import Finished, WorkerJoined
from phsx.testing.bench import Bench
from phsx.testing.virtual_executor import VirtualExecutor
from phsx.trial import TrialState

STARTUP, WALLTIME, JOBS = 3.0, 60.0, 3


class Jobs(VirtualExecutor):
    """Workers that end at their walltime, or when they are released; new ones take their place."""

    def __init__(self, durations, walltime=WALLTIME, **options):
        super().__init__({}, duration=lambda job: durations[job.trial], **options)
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

    def demand(self, trials, asked=(), common=None):
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


class TestCheckpoints:
    """Trials that save themselves when they are asked to."""

    def check(self, bench, trials):
        bench.check_exact(trials)
        found = bench.state.trials.values()
        assert not any(trial.deaths for trial in found)
        assert len(bench.journal.of("interrupted")) == sum(t.interruptions for t in found)
        for trial in found:
            assert trial.attempt == 1 + trial.interruptions, "nothing was lost"

    def test_trials_that_fit_no_walltime_run_in_pieces(self, tmp_path):
        executor = Jobs([150.0] * 6, saving=2.0)
        bench = Bench(tmp_path, phsx.Random(6))
        bench.run(executor, max_deaths=0)
        self.check(bench, 6)
        assert all(2 <= trial.interruptions <= 5 for trial in bench.state.trials.values())
        assert all(trial.spent >= 150.0 - WALLTIME for trial in bench.state.trials.values())
        assert executor.killed <= JOBS, "jobs are given up when nothing fits any more"
        assert bench.makespan <= 1.5 * 150.0 * 6 / JOBS

    def test_short_ones_too(self, tmp_path):
        given = durations(60)
        bench = Bench(tmp_path, phsx.Random(60))
        bench.run(Jobs(given, saving=1.0), max_deaths=0)
        self.check(bench, 60)
        assert bench.makespan <= 1.2 * given.sum() / JOBS

    def test_the_notice_becomes_as_long_as_it_has_to_be(self, tmp_path):
        """At first it is 6 s, and saving takes 9 s: that attempt is cut."""
        bench = Bench(tmp_path, phsx.Random(3))
        bench.run(Jobs([150.0] * 3, saving=9.0)).check_exact(3)
        assert all(trial.deaths == 0 for trial in bench.state.trials.values())
        cut = bench.journal.of("death")
        assert 1 <= len(cut) <= 3 and not any(record["counted"] for record in cut)

    def test_a_notice_that_is_said(self, tmp_path):
        bench = Bench(tmp_path, phsx.Random(3))
        bench.run(Jobs([150.0] * 3, saving=9.0), notice=10.0)
        self.check(bench, 3)

    def test_one_that_takes_too_long_to_save_fails_and_says_so(self, tmp_path):
        bench = Bench(tmp_path, phsx.Random(1))
        bench.run(Jobs([150.0], saving=40.0), max_failed=1.0)
        (trial,) = bench.state.trials.values()
        assert trial.state is TrialState.FAILED and "checkpoint more often" in trial.error

    def test_a_time_limit_counts_all_pieces(self, tmp_path):
        bench, executor = Bench(tmp_path, phsx.Random(1)), Jobs([150.0], saving=2.0)
        bench.run(executor, timeout=160.0).check_exact(1)
        limits = [job.timeout for job in executor.jobs.values()]
        assert limits[0] == 160.0 and limits == sorted(limits, reverse=True)
        assert limits[-1] == pytest.approx(160.0 - bench.state.trials[0].spent)

    def test_what_a_whole_trial_takes_is_learnt(self, tmp_path):
        bench = Bench(tmp_path, phsx.Random(6))
        bench.run(Jobs([150.0] * 6, saving=2.0))
        assert bench.master._pool.usual == pytest.approx(150.0)

    @pytest.mark.parametrize("step", [0, 7])
    def test_one_that_never_goes_on_fails_and_says_so(self, tmp_path, step):
        """It begins again from the start each time."""

        class Forgetful(Jobs):
            def _saved(self, key):
                ((finished),) = super()._saved(key)
                self._done.clear()
                return [Finished(key, replace(finished.value, checkpoint=step))]

        bench = Bench(tmp_path, phsx.Random(1))
        bench.run(Forgetful([150.0], saving=2.0), max_failed=1.0)
        (trial,) = bench.state.trials.values()
        assert trial.state is TrialState.FAILED and "trial.restore()?" in trial.error

    def test_a_run_that_is_stopped_lets_trials_save_themselves(self, tmp_path):
        bench = Bench(tmp_path, phsx.Random(4))
        executor = VirtualExecutor(2, duration=lambda job: 100.0, saving=3.0)
        executor.at(10.0, lambda: bench.master.stop("enough", grace=30.0))
        bench.run(executor)
        assert bench.makespan == pytest.approx(13.0, abs=0.1)
        assert [trial.interruptions for trial in bench.state.trials.values()] == [1, 1]
        again = bench.again(bench.journal.durable).run(VirtualExecutor(2)).state
        assert [trial.attempt for trial in again.trials.values()] == [2, 2, 1, 1]

    def test_a_search_that_goes_on_knows_who_saves(self, tmp_path):
        bench = Bench(tmp_path, phsx.Random(2))
        executor = Jobs([150.0] * 2, saving=2.0)
        executor.at(100.0, lambda: bench.master.stop("enough", grace=30.0))
        bench.run(executor)
        again = bench.again(bench.journal.durable)
        again.make(Jobs([150.0] * 2, saving=2.0))
        assert all(again.master._pool.deadlines.fits_whole(n, "w", 0.0) for n in (0, 1))
        assert again.master._pool.deadlines._savers == {0, 1}
