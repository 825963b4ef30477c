"""The master on a virtual clock: the order of writing, workers that come and go, ends."""

from __future__ import annotations

import functools
import logging
import math
from collections import Counter
from types import SimpleNamespace

import pytest

import phsx
import phsx.master.feed
from phsx.exceptions import ClusterError, JournalError
from phsx.execution import tasks
from phsx.execution.base import Finished, Message
from phsx.execution.evaluation import Job, Outcome
from phsx.journal import Journal, read
from phsx.master.needs import Needs
from phsx.master.supply import trial_seed
from phsx.state import SearchState
from phsx.strategies.plan import Plan
from phsx.testing.bench import Bench, Learner
from phsx.testing.virtual_executor import VirtualExecutor
from phsx.trial import TrialState


@pytest.fixture
def bench(tmp_path):
    return functools.partial(Bench, tmp_path)


class TestSearch:
    @pytest.mark.parametrize("workers", [1, 2, 5, {"a": 3, "b": 1}])
    def test_all_slots_are_busy_all_the_time(self, bench, workers):
        b = bench(phsx.Random(12)).run(VirtualExecutor(workers))
        slots = workers if isinstance(workers, int) else sum(workers.values())
        b.check_exact(12)
        assert b.makespan == pytest.approx(math.ceil(12 / slots))

    def test_blocks_in_order_and_numbers_without_gaps(self, bench):
        b = bench([phsx.Sobol(3), Learner(4, initial=2), phsx.Random(2)]).run(VirtualExecutor(2))
        b.check_exact(9)
        assert [t.block for t in b.state.trials.values()] == [0] * 3 + [1] * 4 + [2] * 2
        assert [t.strategy for t in b.state.trials.values()][::4] == ["sobol", "learner", "random"]

    def test_every_trial_has_its_own_seed_and_directory(self, bench, tmp_path):
        b = bench(phsx.Random(5), seed=3).run(VirtualExecutor(2))
        jobs = b.executor.jobs.values()
        assert {job.seed for job in jobs} == {trial_seed(3, number) for number in range(5)}
        assert {job.directory for job in jobs} == {
            str(tmp_path / "trials" / f"{number:06d}") for number in range(5)
        }
        assert {job.attempt for job in jobs} == {1}

    def test_limits_and_setting_reach_the_jobs(self, bench):
        b = bench(phsx.Random(1)).run(timeout=7.0, needs=Needs(cores=3))
        (job,) = b.executor.jobs.values()
        assert (job.timeout, job.cores, job.run, job.isolate) == (7.0, 3, "run", True)

    def test_listeners_hear_of_each_trial_once(self, bench):
        b = bench(phsx.Random(6)).run(VirtualExecutor(3))
        assert sorted(trial.id for trial in b.ended) == list(range(6))
        assert all(trial.state.terminal and trial.value is not None for trial in b.ended)

    def test_exact_result_of_the_target(self, bench):
        b = bench(phsx.Random(1), target=lambda x, n: {"value": x, "k": [n]}).run()
        trial = b.state.trials[0]
        assert (trial.value, trial.result) == (trial.params["x"], {"k": [trial.params["n"]]})
        assert (trial.worker, trial.duration) == ("w0", 1.0)

    def test_executor_is_closed_at_the_end(self, bench):
        assert bench(phsx.Random(1)).run().executor.closed

    def test_nothing_to_do(self, bench):
        b = bench(phsx.Random(2)).run()
        again = b.again(b.journal.durable).run()
        assert again.executor.jobs == {} and again.executor.closed
        assert again.journal.durable == b.journal.durable

    @pytest.mark.parametrize("time", [0.5, 2.5, 3.0])
    def test_plan_that_grows_on_the_way(self, bench, time):
        """Also in its last block, when all of its trials are running."""
        b, executor = bench([phsx.Sobol(2), Learner(4, initial=3)]), VirtualExecutor(2)
        grown = Plan([phsx.Sobol(2), Learner(6, initial=3), phsx.Random(2)])
        master = b.make(executor)
        executor.at(time, lambda: master.extend(grown, ["asked"]))
        master.run()
        b.check_exact(10)
        b.check_knowledge()
        assert [t.block for t in b.state.trials.values()] == [0] * 2 + [1] * 6 + [2] * 2
        assert b.state.taken == {"asked"} and b.state.plan == grown.to_dict()
        assert b.makespan < 5.5

    def test_reports_are_recorded(self, bench):
        def target(x, n, trial):
            trial.report(0, x)
            trial.report(1, math.nan)
            return x

        b = bench(phsx.Random(2), target=target).run()
        b.check_exact(2)
        assert b.state.reports == {
            number: [(0, b.points[number]["x"]), (1, None)] for number in range(2)
        }

    def test_messages_of_others_and_of_earlier_attempts_are_dropped(self, bench):
        b = bench(phsx.Random(1))
        executor = VirtualExecutor(1)
        late = {"kind": "report", "step": 0, "value": 1.0}
        executor.at(0.5, lambda: executor._say(Message({**late, "trial": 0, "attempt": 9})))
        executor.at(0.5, lambda: executor._say(Message({**late, "trial": 7, "attempt": 1})))
        executor.at(0.5, lambda: executor._say(Finished("evaluate-99-1", Outcome(99, 1, "failed"))))
        b.run(executor).check_exact(1)
        assert b.state.reports == {}


class TestOrderOfWriting:
    @pytest.fixture
    def strict(self, bench, monkeypatch):
        """Run a search, and check before each submission what is durable."""
        monkeypatch.setattr(phsx.master.feed, "CHUNK", 4)

        def make(plan, workers=3, cost=0.0, check=None, **options):
            b = bench(plan, **options)
            check = check or self.check

            def before(key, what):
                check(b, SearchState().replay(b.journal.durable), key, what)

            return b, VirtualExecutor(workers, cost=cost, before=before)

        return make

    @staticmethod
    def check(b, durable, key, what):
        if isinstance(what, Job):
            trial = durable.trials[what.trial]
            assert trial.state is TrialState.RUNNING, key
            assert (trial.attempt, dict(trial.params)) == (what.attempt, dict(what.params))
        elif what.function is tasks.suggest:
            (asking, *_) = what.args
            trial = durable.trials[asking.trial]
            assert trial.state is TrialState.SUGGESTING, key
            assert trial.suggestion.rank == asking.rank
            known = {trial.id for trial in durable.trials.values() if trial.state.terminal}
            assert set(asking.tail.trials.tolist()) <= known
            fits = {fit.number: fit.values for fit in durable.fits}
            assert asking.fit == fits.get(trial.suggestion.fit)
        elif what.function is tasks.fit:
            known = {trial.id for trial in durable.trials.values() if trial.state.terminal}
            assert set(what.args[4].trials.tolist()) <= known

    def test_everything_is_durable_before_it_is_submitted(self, strict):
        b, executor = strict([phsx.Random(6), Learner(20, initial=2)], cost=0.2)
        b.run(executor).check_exact(26)

    def test_results_are_durable_before_they_are_in_a_chunk(self, strict):
        def check(b, durable, key, what):
            if not isinstance(what, Job) and what.function is tasks.chunk:
                known = {trial.id for trial in durable.trials.values() if trial.state.terminal}
                assert set(what.args[0].trials.tolist()) <= known, key

        b, executor = strict([phsx.Random(6), Learner(20, initial=2)], cost=0.2, check=check)
        b.run(executor)

    def test_results_are_durable_before_listeners_hear_of_them(self, bench):
        b = bench(phsx.Random(4))
        seen = []

        def ended(trial):
            durable = SearchState().replay(b.journal.durable)
            seen.append(durable.trials[trial.id].state.terminal)

        b.ended = SimpleNamespace(append=ended)
        b.run(VirtualExecutor(2))
        assert seen == [True] * 4

    def test_on_the_disk(self, tmp_path):
        """The same once more with the real journal, read back before each submission."""
        b = Bench(tmp_path, [phsx.Random(2), Learner(2, initial=2)])

        def before(key, what):
            self.check(b, SearchState().replay(read(tmp_path).records), key, what)

        executor = VirtualExecutor(2, before=before)
        with Journal.open(tmp_path, clock=executor.clock) as journal:
            b.make(executor, journal).run()
        state = SearchState().replay(read(tmp_path).records)
        assert {t.state.value for t in state.trials.values()} == {"completed"}
        assert len(state.trials) == 4

    @pytest.mark.parametrize("room", range(0, 34, 3))
    def test_journal_that_cannot_be_written_ends_the_run_and_nothing_more_begins(self, bench, room):
        b = bench([phsx.Random(3), Learner(5, initial=2)])
        b.journal.fails_at = room
        with pytest.raises(JournalError, match="disk is full"):
            b.run(VirtualExecutor(2, cost=0.1))
        assert b.executor.closed
        durable = SearchState().replay(b.journal.durable)
        assert {job.trial for job in b.executor.jobs.values()} <= set(durable.trials)
        # Once there is room again, the search goes on and is exact.
        b.again(b.journal.durable).run(VirtualExecutor(2)).check_exact(8)


class TestWorkers:
    def test_concurrency_follows_workers_that_come_and_go(self, bench):
        b = bench(phsx.Random(40))
        executor = VirtualExecutor(0)
        for number in range(8):
            executor.at(5.0, lambda number=number: executor.join(f"w{number}"))
        for number in range(6):
            executor.at(7.25, lambda number=number: executor.kill(f"w{number}"))
        for number in range(10, 14):
            executor.at(9.25, lambda number=number: executor.join(f"w{number}"))
        b.run(executor).check_exact(40)
        started = Counter(
            math.floor(time)
            for time in (d.time - executor.BEGIN for d in executor.deeds if d.what == "evaluate")
        )
        assert started[5] == 8 and started[6] == 8
        # 40 - 16 done by 7; 8 begin there, 6 of them die and have to be begun again.
        assert b.makespan <= 14.5

    def test_waits_for_workers_and_says_so(self, bench, caplog):
        b = bench(phsx.Random(2))
        executor = VirtualExecutor(0)
        executor.at(3000.0, lambda: executor.join("late"))
        executor.at(3000.5, lambda: executor.kill("late"))
        executor.at(3040.0, lambda: executor.join("later"))
        with caplog.at_level(logging.WARNING, "phsx"):
            b.run(executor).check_exact(2)
        said = [r for r in caplog.records if "no worker is there" in r.getMessage()]
        assert len(said) == 8, "after 0.5, 1, 2, 4, 8, 16, 32 minutes, and soon when it is so anew"

    def test_all_workers_vanish_in_the_middle_and_come_back(self, bench):
        b = bench([phsx.Random(4), Learner(8, initial=2)])
        executor = VirtualExecutor(2, cost=0.1)
        for worker in ("w0", "w1"):
            executor.at(3.5, lambda worker=worker: executor.kill(worker))
            executor.at(63.5, lambda worker=worker: executor.join(f"{worker}-again"))
        b.run(executor).check_exact(12)

    def test_models_are_imported_where_they_will_be_needed(self, bench):
        b = bench([phsx.Random(2), Learner(1), Learner(1, often=2)]).run(VirtualExecutor(3))
        warm = [t for t in b.executor.tasks.values() if t.function is tasks.warm_up]
        assert sorted(task.worker for task in warm) == ["w0", "w1", "w2"]
        assert not any(
            t.function is tasks.warm_up for t in bench(phsx.Random(1)).run().executor.tasks.values()
        )

    def test_imports_come_after_the_first_trials(self, bench):
        """They would have to wait for these."""
        b = bench([phsx.Random(2), Learner(2)]).run(VirtualExecutor(2))
        deeds = [(deed.key.split("-")[0], deed.worker) for deed in b.executor.deeds]
        for worker in ("w0", "w1"):
            assert deeds.index(("evaluate", worker)) < deeds.index(("warm", worker))


class TestEnds:
    def test_stop_drains_within_the_grace(self, bench):
        b = bench(phsx.Random(20))
        executor = VirtualExecutor(3, duration=lambda job: 2.0)
        executor.at(2.5, lambda: b.master.stop("asked to"))
        b.run(executor, grace=10.0)
        assert b.states() == {"completed": 6}
        assert b.master.stop_reason == "asked to"
        assert b.makespan == pytest.approx(4.0)
        assert b.journal.of("death") == []

    def test_what_takes_longer_than_the_grace_is_ended_and_begun_again_later(self, bench):
        b = bench(phsx.Random(6))
        executor = VirtualExecutor(2, duration=lambda job: 1.0 if job.trial == 0 else 50.0)
        executor.at(2.0, lambda: b.master.stop("asked to", grace=3.0))
        b.run(executor)
        assert b.makespan == pytest.approx(5.0)
        cancelled = {deed.key for deed in executor.deeds if deed.what == "cancel"}
        assert cancelled == {"evaluate-1-1", "evaluate-2-1"}
        deaths = b.journal.of("death")
        assert [(d["id"], d["counted"]) for d in deaths] == [(1, False), (2, False)]
        assert "asked to" in deaths[0]["reason"]
        again = b.again(b.journal.durable).run(max_deaths=0)
        again.check_exact(6)
        assert 0 not in {job.trial for job in again.executor.jobs.values()}
        assert {t.attempt for t in again.state.trials.values()} == {1, 2}

    def test_nothing_begins_after_a_stop(self, bench):
        b = bench([phsx.Random(3), Learner(20, initial=2)])
        executor = VirtualExecutor(2, cost=0.3)
        executor.at(4.1, lambda: b.master.stop("asked to"))
        b.run(executor, grace=10.0)
        begun = [deed for deed in executor.deeds if deed.what in {"submit", "evaluate"}]
        assert max(deed.time for deed in begun) <= 1004.1
        assert b.state.count(TrialState.RUNNING) == 0
        b.again(b.journal.durable).run(VirtualExecutor(2)).check_exact(23)

    def test_evaluation_lost_during_the_grace_is_left_for_later(self, bench):
        b = bench(phsx.Random(4))
        executor = VirtualExecutor(2, duration=lambda job: 5.0)
        executor.at(1.0, lambda: b.master.stop("asked to"))
        executor.at(2.0, lambda: executor.kill("w1"))
        b.run(executor, grace=10.0)
        assert len(executor.jobs) == 2
        assert b.states() == {"completed": 1, "waiting": 1}

    def test_later_stops_may_shorten_the_grace_and_not_lengthen_it(self, bench):
        b = bench(phsx.Random(2))
        executor = VirtualExecutor(1, duration=lambda job: 100.0)
        executor.at(1.0, lambda: b.master.stop("first", grace=60.0))
        executor.at(2.0, lambda: b.master.stop("second", grace=3.0))
        executor.at(3.0, lambda: b.master.stop("third", grace=90.0))
        b.run(executor)
        assert b.makespan == pytest.approx(5.0)
        assert b.master.stop_reason == "first"

    def test_stop_before_the_first_trial(self, bench):
        b = bench(phsx.Random(2))
        b.make()
        b.master.stop("too early")
        b.master.run()
        assert b.executor.jobs == {} and b.executor.closed

    def test_max_time(self, bench):
        b = bench(phsx.Random(50)).run(VirtualExecutor(2), max_time=4.5, grace=0.0)
        assert b.states() == {"completed": 8, "waiting": 2}
        assert b.makespan == pytest.approx(4.5)
        assert "4.5 s" in b.master.stop_reason

    def test_max_time_with_grace(self, bench):
        b = bench(phsx.Random(50)).run(VirtualExecutor(2), max_time=4.5, grace=10.0)
        assert b.states() == {"completed": 10}

    def test_max_time_without_workers(self, bench):
        b = bench(phsx.Random(5)).run(VirtualExecutor(0), max_time=7.0)
        assert b.makespan == pytest.approx(7.0)

    @pytest.mark.parametrize("maximize", [False, True])
    def test_stop_at(self, bench, maximize):
        sign = -1.0 if maximize else 1.0
        b = bench(phsx.Random(200, repeats=True), target=lambda x, n: sign * x, maximize=maximize)
        b.run(stop_at=sign * 0.05)
        *others, last = b.state.trials.values()
        assert sign * last.value <= 0.05
        assert all(sign * trial.value > 0.05 for trial in others)
        assert str(last.id) in b.master.stop_reason
        again = b.again(b.journal.durable).run(stop_at=sign * 0.05)
        assert again.executor.jobs == {}, "it is reached already"

    def test_error_of_the_executor_ends_the_run(self, bench):
        class Broken(VirtualExecutor):
            def wait(self, timeout):
                raise ClusterError("the scheduler is gone")

        b = bench(phsx.Random(2))
        with pytest.raises(ClusterError):
            b.run(Broken(1))
        assert b.executor.closed
