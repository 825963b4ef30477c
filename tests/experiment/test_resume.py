"""A search that goes on after its master has died, between any two records of its journal."""

from __future__ import annotations

import functools
from collections import Counter

import numpy as np
import pytest

import phsx
import phsx.master.feed
from phsx.exceptions import JournalError
from phsx.execution import tasks
from phsx.execution.base import Lost
from phsx.testing.bench import Bench, Learner
from phsx.testing.virtual_executor import VirtualExecutor
from phsx.trial import TrialState


@pytest.fixture
def bench(tmp_path):
    return functools.partial(Bench, tmp_path)


class TestResume:
    PLAN = (phsx.Random(3), phsx.Sobol(2), Learner(5, initial=2, often=2))

    @staticmethod
    def completed(records):
        return {r["id"] for r in records if r["type"] == "ended"}

    def test_serial_search_ends_with_the_same_trials_from_every_record(self, bench):
        """F13: the master dies between any two steps of a trial's life."""
        whole = bench(self.PLAN, seed=5).run(VirtualExecutor(1, cost=0.1))
        whole.check_exact(10)
        values = {n: t.value for n, t in whole.state.trials.items()}
        for cut in range(len(whole.journal.durable) + 1):
            records = whole.journal.durable[:cut]
            again = whole.again(records).run(VirtualExecutor(1, cost=0.1))
            again.check_exact(10)
            assert again.points == whole.points, f"after record {cut}: {records[-1:]}"
            assert {n: t.value for n, t in again.state.trials.items()} == values
            evaluated = [job.trial for job in again.executor.jobs.values()]
            assert not self.completed(records) & set(evaluated)
            assert len(evaluated) == len(set(evaluated)) == 10 - len(self.completed(records))
            assert sum(t.attempt == 2 for t in again.state.trials.values()) <= 1
            assert all(t.deaths == 0 for t in again.state.trials.values())

    def test_what_was_running_is_recorded_as_not_running_any_more(self, bench):
        whole = bench(phsx.Random(4)).run(VirtualExecutor(2))
        cut = next(n for n, r in enumerate(whole.journal.durable) if r["type"] == "ended")
        again = whole.again(whole.journal.durable[:cut])
        again.make(VirtualExecutor(0), max_time=1.0, grace=0.0).run()
        assert again.states() == {"waiting": 2}
        deaths = again.journal.of("death")
        assert [(r["id"], r["attempt"], r["counted"]) for r in deaths] == [
            (0, 1, False),
            (1, 1, False),
        ]

    @staticmethod
    def used_up(bench):
        """A search with failures, a model block that ends early, and one after it."""

        def target(n, c):
            if n == 2:
                raise ValueError("two")
            return n

        space = {"n": phsx.Int(1, 4), "c": phsx.Categorical(["u", "v"])}
        plan = [Learner(20, initial=3), phsx.Random(2, repeats=True)]
        b = bench(plan, space=space, target=target)
        return b.run(VirtualExecutor(1, cost=0.1), max_failed=1.0)

    @pytest.mark.filterwarnings("ignore::phsx.exceptions.ExhaustedWarning")
    def test_serial_search_with_failures_and_an_end_of_the_space(self, bench):
        whole = self.used_up(bench)
        assert whole.states().total() == 10 and whole.states()["failed"] >= 2
        for cut in range(len(whole.journal.durable) + 1):
            records = whole.journal.durable[:cut]
            if records and records[-1]["type"] == "dropped":
                continue  # see the next test
            again = whole.again(records).run(VirtualExecutor(1, cost=0.1), max_failed=1.0)
            assert again.points == whole.points, cut
            assert again.states() == whole.states()

    @pytest.mark.filterwarnings("ignore::phsx.exceptions.ExhaustedWarning")
    def test_serial_search_that_died_between_the_last_trial_and_the_end_of_its_block(self, bench):
        whole = self.used_up(bench)
        (cut,) = (n for n, r in enumerate(whole.journal.durable) if r["type"] == "dropped")
        again = whole.again(whole.journal.durable[: cut + 1])
        again.run(VirtualExecutor(1, cost=0.1), max_failed=1.0)
        assert again.points == whole.points

    @pytest.mark.parametrize("workers", [1, 2, 5])
    def test_parallel_search_is_exact_from_every_record_with_other_workers(self, bench, workers):
        whole = bench(self.PLAN, seed=1).run(VirtualExecutor(3, cost=0.2))
        for cut in range(workers, len(whole.journal.durable) + 1, 4):
            records = whole.journal.durable[:cut]
            again = whole.again(records).run(VirtualExecutor(workers, cost=0.1))
            again.check_exact(10)
            evaluated = Counter(job.trial for job in again.executor.jobs.values())
            assert not self.completed(records) & set(evaluated)
            assert set(evaluated.values()) <= {1}

    def test_killed_again_and_again(self, bench):
        """F11: progress never goes back, and at most what was in flight is run again."""
        rng = np.random.default_rng(7)
        records, total, runs, before = [], 0, 0, set()
        template = bench(self.PLAN, seed=2)
        while runs < 100:
            b = template.again(records)
            b.journal.fails_at = len(records) + int(rng.integers(4, 16))
            runs += 1
            try:
                b.run(VirtualExecutor(3, cost=0.2))
                break
            except JournalError:
                total += len(b.executor.jobs)
                records = b.journal.durable
                assert before <= self.completed(records)
                before = self.completed(records)
        assert runs > 4
        b.check_exact(10)
        assert total + len(b.executor.jobs) <= 10 + 3 * runs

    def test_plan_that_has_grown_goes_on(self, bench):
        whole = bench([phsx.Sobol(10)]).run()
        part = bench([phsx.Sobol(4)]).run()
        grown = part.again(part.journal.durable, plan=[phsx.Sobol(10)]).run()
        assert grown.points == whole.points
        longer = whole.again(whole.journal.durable, plan=[phsx.Sobol(10), phsx.Random(3)]).run()
        longer.check_exact(13)

    def test_attempts_go_on_counting_and_deaths_are_remembered(self, bench):
        b = bench(phsx.Random(1))
        executor = VirtualExecutor(1)
        executor.doom("evaluate-0-", lambda key: Lost(key, "died", worker_died=True), times=2)
        executor.at(2.5, lambda: b.master.stop("asked to", grace=0.0))
        b.run(executor)
        assert (b.state.trials[0].deaths, b.state.trials[0].attempt) == (2, 3)
        again = b.again(b.journal.durable)
        executor = VirtualExecutor(1)
        executor.doom("evaluate-0-", lambda key: Lost(key, "died", worker_died=True), times=9)
        again.run(executor, max_deaths=2)
        trial = again.state.trials[0]
        assert (trial.state, trial.attempt) == (TrialState.LOST, 4)

    def test_resumed_search_knows_its_history_at_once(self, bench, monkeypatch):
        monkeypatch.setattr(phsx.master.feed, "CHUNK", 4)
        plan = [phsx.Random(13), Learner(3, initial=2)]
        b = bench([phsx.Random(13)]).run(VirtualExecutor(4))
        again = b.again(b.journal.durable, plan=plan).run(VirtualExecutor(2))
        again.check_exact(16)
        again.check_knowledge()
        chunks = [t for t in again.executor.tasks.values() if t.function is tasks.chunk]
        assert [len(t.args[0]) for t in chunks[:2]] == [8, 4]
