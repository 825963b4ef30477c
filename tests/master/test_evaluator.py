"""Evaluations: deaths that count and that do not, other ends, and too many failures."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

import phsx
from phsx.exceptions import SearchFailedError
from phsx.execution import tasks
from phsx.execution.base import Errored, Finished, Lost, Message
from phsx.execution.evaluation import Outcome
from phsx.testing.bench import Bench, Learner
from phsx.testing.virtual_executor import VirtualExecutor
from phsx.trial import TrialState


class Silent(VirtualExecutor):
    """Workers that die before they can say that an evaluation has started."""

    def _say(self, event, key=""):
        if not isinstance(event, Message):
            super()._say(event, key)


@pytest.fixture
def bench(tmp_path):
    return functools.partial(Bench, tmp_path)


class TestLosses:
    def test_death_that_counts(self, bench):
        b = bench(phsx.Random(3))
        executor = VirtualExecutor(2)
        executor.doom("evaluate-1-", lambda key: Lost(key, "worker died", worker_died=True))
        b.run(executor).check_exact(3)
        assert [t.deaths for t in b.state.trials.values()] == [0, 1, 0]
        assert [t.attempt for t in b.state.trials.values()] == [1, 2, 1]
        first, second = (job for job in executor.jobs.values() if job.trial == 1)
        assert (first.params, first.seed, first.directory) == (
            second.params,
            second.seed,
            second.directory,
        )

    def test_death_that_does_not_count(self, bench):
        b = bench(phsx.Random(2))
        executor = VirtualExecutor(1)
        executor.doom("evaluate-1-", lambda key: Lost(key, "cancelled", worker_died=False), times=9)
        b.run(executor, max_deaths=0).check_exact(2)
        assert (b.state.trials[1].deaths, b.state.trials[1].attempt) == (0, 10)

    def test_trial_that_had_not_started_is_not_blamed(self, bench):
        b = bench(phsx.Random(2))

        executor = Silent(1)
        executor.doom(
            "evaluate-1-", lambda key: Lost(key, "worker died", worker_died=True), times=3
        )
        b.run(executor, max_deaths=0).check_exact(2)
        assert b.state.trials[1].deaths == 0

    def test_worker_killer_is_given_up_at_last_though_it_never_says_that_it_started(self, bench):
        """As `os._exit` without isolation: the message dies with the worker."""
        b = bench(phsx.Random(3))
        executor = Silent(1)
        executor.doom(
            "evaluate-1-", lambda key: Lost(key, "worker died", worker_died=True), times=200
        )
        b.run(executor, max_deaths=1)
        assert b.state.trials[1].state is TrialState.LOST
        assert b.state.trials[1].attempt < 50

    @pytest.mark.parametrize("max_deaths", [0, 1, 3])
    def test_worker_killer_is_given_up(self, bench, max_deaths):
        b = bench(phsx.Random(6))
        executor = VirtualExecutor(2)
        executor.doom(
            "evaluate-2-", lambda key: Lost(key, "worker died", worker_died=True), times=99
        )
        b.run(executor, max_deaths=max_deaths).check_exact(6, state=None)
        trial = b.state.trials[2]
        assert (trial.state, trial.attempt) == (TrialState.LOST, max_deaths + 1)
        assert "worker died" in trial.error and f"{max_deaths} deaths before" in trial.error
        assert b.states() == {"completed": 5, "lost": 1}

    def test_one_that_was_killed_twice_runs_alone_on_another_host(self, bench):
        """After its second death nobody gets a slot of the host that it is to have."""
        b = bench(phsx.Random(24))
        workers = {f"tls://{host}:{port}": 1 for host in "abc" for port in (1, 2)}
        executor = VirtualExecutor(workers, duration=lambda job: 1.0 + job.trial % 3)
        died = []

        def fate(key):
            died.append(next(deed.worker for deed in executor.deeds if deed.key == key))
            return Lost(key, "worker died", worker_died=True)

        executor.doom("evaluate-2-", fate, times=2)
        b.run(executor).check_exact(24)
        last = b.state.trials[2]
        host = last.worker[:8]
        assert (last.attempt, last.deaths) == (3, 2)
        assert host not in {worker[:8] for worker in died}
        for other in b.state.trials.values():
            if other.id != 2 and other.worker[:8] == host:
                assert other.ended <= last.started or other.started >= last.ended, other
        idle = [other for other in b.state.trials.values() if other.started < last.ended]
        assert len({other.worker for other in idle}) == len(workers), "the others went on"

    @pytest.mark.parametrize("error", ["signal 11", "exited with code 1"])
    def test_one_that_dies_by_itself_does_not(self, bench, error):
        b = bench(phsx.Random(6))
        workers = {"tls://a:1": 1, "tls://a:2": 1}
        executor = VirtualExecutor(workers, duration=lambda job: 1.0 + 0.3 * job.trial)
        executor.doom(
            "evaluate-2-", lambda key: Finished(key, Outcome(2, 1, "crashed", error=error)), times=3
        )
        b.run(executor).check_exact(6)
        last = b.state.trials[2]
        assert last.attempt == 4
        together = [t for t in b.state.trials.values() if t.id != 2 and t.started < last.ended]
        assert any(other.ended > last.started for other in together), "it ran beside others"

    def test_process_killer_is_given_up(self, bench):
        b = bench(phsx.Random(6))
        executor = VirtualExecutor(2)

        def fate(key):
            attempt = int(key.split("-")[2])
            return Finished(key, Outcome(2, attempt, "crashed", error="signal 11"))

        executor.doom("evaluate-2-", fate, times=99)
        b.run(executor, max_deaths=2).check_exact(6, state=None)
        trial = b.state.trials[2]
        assert (trial.state, trial.attempt, trial.deaths) == (TrialState.FAILED, 3, 2)
        assert "signal 11" in trial.error

    def test_evaluation_that_cannot_be_had_is_a_failure(self, bench):
        b = bench(phsx.Random(2))
        executor = VirtualExecutor(1)
        executor.doom("evaluate-0-", lambda key: Errored(key, MemoryError("too large")))
        b.run(executor).check_exact(2, state=None)
        trial = b.state.trials[0]
        assert (trial.state, trial.error) == (TrialState.FAILED, "MemoryError: too large")
        assert trial.ended >= trial.started

    @pytest.mark.parametrize(
        "state", ["failed", "timed_out", "stopped", "infeasible", "out_of_memory"]
    )
    def test_other_ends_are_recorded_as_they_are(self, bench, state):
        b = bench(phsx.Random(3))
        executor = VirtualExecutor(1)
        outcome = Outcome(1, 1, state, value=3.0, error="why", traceback="where", ended=2.0)
        executor.doom("evaluate-1-", lambda key: Finished(key, outcome))
        b.run(executor).check_exact(3, state=None)
        trial = b.state.trials[1]
        assert (trial.state.value, trial.value) == (state, None)
        assert (trial.error, trial.traceback) == ("why", "where")

    def test_late_result_of_a_lost_evaluation_is_dropped(self, bench):
        b = bench(phsx.Random(1))
        executor = VirtualExecutor(1)
        executor.doom("evaluate-0-1", lambda key: Lost(key, "silence", worker_died=False))
        late = Finished("evaluate-0-1", Outcome(0, 1, "completed", value=-99.0))
        executor.at(1.5, lambda: executor._say(late))
        b.run(executor).check_exact(1)
        assert b.state.trials[0].value >= 0

    def test_output_of_a_host_that_does_not_see_the_directory_is_kept(self, bench, tmp_path):
        b = bench(phsx.Random(1))
        executor = VirtualExecutor(1)
        outcome = Outcome(0, 1, "completed", value=1.0, stdout="größer\n", stderr=None)
        executor.doom("evaluate-0-", lambda key: Finished(key, outcome))
        b.run(executor)
        folder = tmp_path / "trials" / "000000"
        assert (folder / "stdout.txt").read_text(encoding="utf-8") == "größer\n"
        assert not (folder / "stderr.txt").exists()


class TestFailures:
    @staticmethod
    def failing(share):
        def target(x, n):
            if x < share:
                raise ValueError(f"{x} is too small")
            return x

        return target

    def test_given_up_when_most_trials_fail(self, bench):
        b = bench(phsx.Random(50), target=self.failing(2.0))
        with pytest.raises(
            SearchFailedError, match=r"5 of 5 trials failed.*max_failed=0.5"
        ) as error:
            b.run(VirtualExecutor(1))
        assert "is too small" in str(error.value) and "Traceback" in str(error.value)
        assert b.states()["failed"] == 5
        assert b.executor.closed

    def test_few_trials_are_no_reason_to_give_up(self, bench):
        b = bench(phsx.Random(4), target=self.failing(2.0)).run()
        assert b.states() == {"failed": 4}

    def test_goes_on_while_less_fail(self, bench):
        def target(x, n, trial):
            if trial.id % 5 in (1, 3):
                raise ValueError("it is odd")
            return x

        b = bench(phsx.Sobol(30), target=target).run()
        b.check_exact(30, state=None)
        assert b.states() == {"completed": 18, "failed": 12}
        assert "it is odd" in b.ended[1].traceback and b.ended[1].value is None

    def test_share_can_be_set(self, bench):
        b = bench(phsx.Random(12), target=self.failing(2.0)).run(max_failed=1.0)
        assert b.states() == {"failed": 12}
        b = bench(phsx.Sobol(32), target=self.failing(0.4))
        with pytest.raises(SearchFailedError):
            b.run(max_failed=0.0)

    def test_earlier_runs_are_not_held_against_a_new_one(self, bench):
        b = bench(phsx.Random(30), target=self.failing(2.0))
        with pytest.raises(SearchFailedError):
            b.run()
        mended = b.again(b.journal.durable)
        mended.target = self.failing(0.0)
        mended.run().check_exact(30, state=None)

    def test_running_trials_are_tried_again_after_giving_up(self, bench):
        b = bench(phsx.Random(20), target=self.failing(2.0))
        with pytest.raises(SearchFailedError):
            b.run(VirtualExecutor(2, duration=lambda job: 100.0 if job.trial == 0 else 1.0))
        assert b.state.trials[0].state is TrialState.WAITING
        assert b.state.trials[0].deaths == 0

    def test_failed_trials_say_nothing_about_how_long_trials_take(self, bench):
        def target(x, n, trial):
            if trial.id % 3 == 0:
                raise ValueError("at once")
            return x

        b = bench(phsx.Random(12), target=target)
        b.run(VirtualExecutor(2, duration=lambda job: 1.0 if job.trial % 3 else 0.01))
        assert b.master._pool.duration == pytest.approx(1.0)

    def test_failed_trials_are_no_observations(self, bench):
        b = bench([phsx.Sobol(6), Learner(4, initial=2)], target=self.failing(0.3))
        b.run(max_failed=1.0)
        last = [t for t in b.executor.tasks.values() if t.function is tasks.suggest][-1]
        tail = last.args[0].tail
        failed = {t.id for t in b.state.trials.values() if t.state is TrialState.FAILED}
        assert failed
        nan = {n for n, v in zip(tail.trials.tolist(), tail.values, strict=True) if np.isnan(v)}
        assert nan == failed & set(tail.trials.tolist())

    def test_output_that_cannot_be_kept_does_no_harm(self, bench, tmp_path, caplog):
        b = bench(phsx.Random(2))
        (tmp_path / "trials").write_text("no directory")
        outcome = Outcome(0, 1, "completed", value=1.0, stdout="something\n")
        executor = VirtualExecutor(1)
        executor.doom("evaluate-0-", lambda key: Finished(key, outcome))
        executor.doom("evaluate-1-", lambda key: Finished(key, replace(outcome, trial=1)))
        b.run(executor).check_exact(2)
        assert "the output of trial 0 cannot be kept" in caplog.text


class TestSlow:
    """F9: where no time limit ends what hangs, it is said."""

    @staticmethod
    def run(bench, **limits):
        b = bench(phsx.Random(8))
        executor = VirtualExecutor(2, duration=lambda job: 500.0 if job.trial == 4 else 10.0)
        b.run(executor, **limits).check_exact(8)

    def test_is_mentioned_once(self, bench, caplog):
        self.run(bench)
        (said,) = [r.getMessage() for r in caplog.records]
        assert "trial 4 has been running for 10" in said and "less than 10 s" in said
        assert "timeout=" in said

    def test_not_where_a_limit_will_end_it(self, bench, caplog):
        self.run(bench, timeout=1000.0)
        assert not caplog.records

    def test_not_where_nobody_knows_what_is_usual(self, bench, caplog):
        b = bench(phsx.Random(2))
        b.run(VirtualExecutor(1, duration=lambda job: 500.0)).check_exact(2)
        assert not caplog.records
