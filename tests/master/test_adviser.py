"""Fits and suggestions: what they know, when they are asked for, and what if they are lost."""

from __future__ import annotations

import functools
from collections import Counter

import pytest

import phsx
import phsx.master.feed
from phsx.exceptions import ExhaustedError, ExhaustedWarning, ModelWarning
from phsx.execution import tasks
from phsx.execution.base import Errored, Finished, Lost
from phsx.strategies.base import Proposal
from phsx.testing.bench import Bench, Learner
from phsx.testing.virtual_executor import VirtualExecutor
from phsx.trial import TrialState


def suggested(params):
    """Return what a suggestion task gives."""
    return tasks.Suggested(Proposal(dict(params)), None, 0.0, 0.0)


@pytest.fixture
def bench(tmp_path):
    return functools.partial(Bench, tmp_path)


class TestSuggestions:
    def test_rank_is_the_number_of_others_under_way(self, bench):
        b = bench([phsx.Random(4), Learner(8, initial=4)]).run(VirtualExecutor(4, cost=0.01))
        b.check_exact(12)
        ranks = [record["rank"] for record in b.journal.of("suggesting")]
        assert ranks[:4] == [0, 1, 2, 3]
        b.check_knowledge()

    def test_times_and_worker_are_kept(self, bench):
        b = bench([phsx.Random(2), Learner(2, initial=2)]).run(VirtualExecutor(2))
        for number in (2, 3):
            suggestion = b.state.trials[number].suggestion
            assert suggestion.worker in {"w0", "w1"}
            assert suggestion.started <= suggestion.ended
        assert b.state.trials[0].suggestion is None

    def test_fit_is_shared_by_the_suggestions_after_it(self, bench):
        b = bench([phsx.Random(4), Learner(12, initial=4, often=4)]).run(VirtualExecutor(4))
        used = [record["fit"] for record in b.journal.of("suggesting")]
        assert used == [0] * 4 + [1] * 4 + [2] * 4
        assert [fit.observed for fit in b.state.fits] == [4, 8, 12]

    def test_no_more_trials_than_slots_are_begun(self, bench):
        """Where suggestions are cheap, each can wait for the newest result."""
        b = bench([phsx.Random(4), Learner(20, initial=4, often=1000)])
        executor = VirtualExecutor(
            4, cost=0.005, duration=lambda job: 1.0 + 0.003 * (job.trial * 7 % 11)
        )
        b.run(executor).check_exact(24)
        for record in b.journal.of("suggesting"):
            assert len(b.until(record["seq"]).alive) <= 4

    def test_fit_that_has_just_come_will_do(self, bench):
        """Though another trial has ended meanwhile: the next fit is for the next suggestion."""
        b = bench([phsx.Random(2), Learner(4, initial=2)])
        executor = VirtualExecutor(2, cost=0.3, duration=lambda job: 1.0 + 0.1 * job.trial)
        b.run(executor).check_exact(6)
        times = [d.time - executor.BEGIN for d in executor.deeds if d.key.startswith("suggest")]
        assert times[:2] == pytest.approx([1.3, 1.3])
        assert b.until(b.journal.of("suggesting")[0]["seq"]).count(TrialState.COMPLETED) == 2

    def test_fit_begins_with_what_the_one_before_gave(self, bench):
        b = bench([phsx.Random(2), Learner(3, initial=2)]).run()
        fits = [task for task in b.executor.tasks.values() if task.function is tasks.fit]
        previous = [task.args[2] for task in fits]
        assert previous == [None, *[fit.values for fit in b.state.fits[:-1]]]
        assert len({task.args[3] for task in fits}) == len(fits), "each has its own seed"

    def test_blocks_do_not_use_each_others_fits(self, bench):
        plan = [Learner(4, initial=2), Learner(3, initial=2, often=2)]
        b = bench(plan).run()
        blocks = {fit.number: fit.block for fit in b.state.fits}
        for record in b.journal.of("suggesting"):
            assert blocks[record["fit"]] == b.state.trials[record["id"]].block

    def test_long_history_travels_in_chunks(self, bench, monkeypatch):
        monkeypatch.setattr(phsx.master.feed, "CHUNK", 4)
        b = bench([phsx.Random(9), Learner(12, initial=4)]).run(VirtualExecutor(2))
        b.check_exact(21)
        b.check_knowledge()
        tails = [
            len(task.args[0].tail)
            for task in b.executor.tasks.values()
            if task.function is tasks.suggest
        ]
        assert max(tails) < 4

    def test_at_most_the_newest_256_pending_trials_are_told(self, bench, monkeypatch):
        monkeypatch.setattr("phsx.master.observing.MAX_PENDING", 5)
        b = bench([phsx.Random(20), Learner(2, initial=4)])
        # One is quick, so that a suggestion is made while many others run.
        executor = VirtualExecutor(20, duration=lambda job: 1.0 if job.trial == 3 else 9.0)
        b.run(executor).check_exact(22)
        first = next(t for t in executor.tasks.values() if t.function is tasks.suggest)
        assert first.args[0].pending.trials.tolist() == [15, 16, 17, 18, 19]

    def test_equal_points_of_simultaneous_suggestions_are_asked_again(self, bench):
        """Four that know nothing of each other want the same point; one gets it."""

        class Stubborn(Learner):
            kind = "stubborn"

            def propose(self, request):
                for tenth in range(10):
                    point = {"x": tenth / 10, "n": 1}
                    if not request.taken(point):
                        return Proposal(point)
                raise ExhaustedError("no tenth is left")

        b = bench([phsx.Random(4), Stubborn(4, initial=4)]).run(VirtualExecutor(4, cost=0.01))
        b.check_exact(8)
        assert sorted(b.points[number]["x"] for number in range(4, 8)) == [0.0, 0.1, 0.2, 0.3]

    def test_a_taken_point_over_and_over_is_replaced_without_the_model(self, bench):
        b = bench([phsx.Random(2), Learner(2, initial=2)])
        executor = VirtualExecutor(1)

        def fate(key):
            return Finished(key, suggested(b.state.trials[0].params))

        executor.doom("suggest-2", fate, times=4)
        b.run(executor).check_exact(4)
        assert len([key for key in executor.tasks if key.startswith("suggest-2")]) == 4

    def test_repeats_may_be_taken(self, bench):
        b = bench([phsx.Random(2), Learner(1, initial=2, repeats=True)])
        executor = VirtualExecutor(1)
        executor.doom("suggest-2", lambda key: Finished(key, suggested(b.state.trials[0].params)))
        b.run(executor)
        assert b.points[2] == b.points[0]

    def test_what_ends_at_the_same_instant_is_known_to_a_second_asking(self, bench):
        b = bench([phsx.Random(4), Learner(6, initial=2)])
        executor = VirtualExecutor(2, duration=lambda job: 1.0 + 0.5 * (job.trial % 2), cost=0.5)

        def fate(key):
            return Finished(key, suggested(b.state.trials[0].params))

        for number in range(4, 10):
            executor.doom(f"suggest-{number}", fate)
        b.run(executor).check_exact(10)
        b.check_knowledge()

    def test_used_up_space_ends_the_block(self, bench):
        b = bench([Learner(20, initial=2)], space={"n": phsx.Int(1, 5)}, target=lambda n: n)
        with pytest.warns(ExhaustedWarning, match="no untried point is left"):
            b.run(VirtualExecutor(3, cost=0.01))
        b.check_exact(5)
        assert b.state.exhausted.keys() == {0}

    def test_no_point_among_those_that_others_may_take_is_no_end(self, bench):
        """A suggestion that kept away from where others may go is asked again without them."""
        nothing = tasks.Suggested(None, "no point is left", 0.0, 0.0)
        b = bench([phsx.Random(3), Learner(6, initial=3)])
        executor = VirtualExecutor(3, cost=0.01)
        executor.doom("suggest-5", lambda key: Finished(key, nothing))
        b.run(executor).check_exact(9)
        assert b.state.exhausted == {}
        asked = [record["rank"] for record in b.journal.of("suggesting") if record["id"] == 5]
        assert len(asked) == 2 and asked[0] > 0

    def test_no_point_where_nobody_else_is_asking_is_the_end(self, bench):
        nothing = tasks.Suggested(None, "no point is left", 0.0, 0.0)
        b = bench([phsx.Random(3), Learner(6, initial=3)])
        executor = VirtualExecutor(1, cost=0.01)
        executor.doom("suggest-5", lambda key: Finished(key, nothing))
        with pytest.warns(ExhaustedWarning, match="no point is left"):
            b.run(executor)
        b.check_exact(5)
        assert b.state.exhausted == {1: "no point is left"}

    def test_next_block_begins_after_a_used_up_one(self, bench):
        plan = [Learner(20, initial=2), phsx.Random(3, repeats=True)]
        b = bench(plan, space={"n": phsx.Int(1, 4)}, target=lambda n: n)
        with pytest.warns(ExhaustedWarning, match="block 0"):
            b.run(VirtualExecutor(2, cost=0.01))
        assert b.states() == {"completed": 7}

    def test_no_slot_waits_for_a_block_that_is_used_up(self, bench):
        plan = [
            phsx.Random(9),
            phsx.Random(2, repeats=True),
            phsx.Grid(2),
            phsx.Sobol(1, repeats=True),
        ]
        b = bench(plan, space={"n": phsx.Int(1, 3)}, target=lambda n: n)
        with pytest.warns(ExhaustedWarning):
            b.run(VirtualExecutor(1))
        assert b.states() == {"completed": 6}
        assert b.makespan == pytest.approx(6.0)

    def test_wait_holds_a_block_back(self, bench):
        b = bench([phsx.Random(4), phsx.Random(2, wait=True)])
        b.run(VirtualExecutor(3, duration=lambda job: 1.0 + job.trial))
        b.check_exact(6)
        ends = [b.state.trials[number].ended for number in range(4)]
        assert min(b.state.trials[number].started for number in (4, 5)) >= max(ends)


class TestAhead:
    """Suggestions that cost something are computed before their worker is free."""

    @staticmethod
    def run(bench, cost, workers=4):
        b = bench([phsx.Random(8), Learner(40, initial=4, often=1000)])
        # Else all would end at the same time, and a suggestion would learn from old results.
        executor = VirtualExecutor(
            workers, cost=cost, duration=lambda job: 1.0 + 0.01 * (job.trial % 7)
        )
        b.run(executor).check_exact(48)
        busy = sum(trial.duration for trial in b.state.trials.values())
        return b, busy / (workers * b.makespan)

    def test_dear_suggestions_do_not_idle_the_workers(self, bench):
        _, share = self.run(bench, cost=0.1)
        assert share > 0.93

    def test_cheap_suggestions_learn_from_the_newest_result(self, bench):
        b, share = self.run(bench, cost=0.001)
        assert share > 0.93
        for trial in b.state.trials.values():
            if trial.suggestion is not None and trial.id > 12:
                state = b.until(trial.suggestion.seen)
                assert state.count(TrialState.RUNNING) <= 3, "it was asked ahead"

    def test_a_single_slot_never_asks_ahead(self, bench):
        b, _ = self.run(bench, cost=0.1, workers=1)
        for record in b.journal.of("suggesting"):
            state = b.until(record["seen"])
            assert state.count(TrialState.RUNNING) == 0


class TestLosses:
    def test_lost_suggestion_is_asked_again(self, bench):
        b = bench([phsx.Random(3), Learner(5, initial=2)])
        executor = VirtualExecutor(2)
        executor.doom("suggest-4", lambda key: Lost(key, "gone", worker_died=True), times=3)
        b.run(executor).check_exact(8)
        asked = Counter(record["id"] for record in b.journal.of("suggesting"))
        assert asked[4] == 4
        assert b.state.trials[4].deaths == 0

    def test_lost_fit_is_made_again(self, bench):
        b = bench([phsx.Random(3), Learner(5, initial=2)])
        executor = VirtualExecutor(2)
        executor.doom("fit", lambda key: Lost(key, "gone", worker_died=True), times=2)
        b.run(executor).check_exact(8)
        assert [fit.number for fit in b.state.fits] == list(range(len(b.state.fits)))
        assert all(fit.values is not None for fit in b.state.fits)

    @pytest.mark.parametrize("prefix", ["fit", "suggest"])
    def test_without_a_fit_or_a_suggestion_that_fails(self, bench, prefix):
        b = bench([phsx.Random(3), Learner(5, initial=2)])
        executor = VirtualExecutor(2)
        executor.doom(prefix, lambda key: Errored(key, ArithmeticError("singular")))
        with pytest.warns(ModelWarning, match="ArithmeticError: singular"):
            b.run(executor)
        b.check_exact(8)

    @pytest.mark.parametrize("prefix", ["fit-", "suggest-4"])
    def test_without_a_fit_or_a_suggestion_that_kills_its_workers(self, bench, prefix):
        b = bench([phsx.Random(3), Learner(5, initial=2)])
        executor = VirtualExecutor(2)
        executor.doom(prefix, lambda key: Lost(key, "it died", worker_died=True), times=6)
        with pytest.warns(ModelWarning, match="it died; 5 workers died under it before"):
            b.run(executor)
        b.check_exact(8)
        assert all(trial.deaths == 0 for trial in b.state.trials.values())

    def test_worker_with_chunks_of_history_dies(self, bench, monkeypatch):
        monkeypatch.setattr(phsx.master.feed, "CHUNK", 2)
        b = bench([phsx.Random(8), Learner(20, initial=4)])
        executor = VirtualExecutor(3, cost=0.05)
        for time, worker in ((5.3, "w0"), (6.8, "w1")):
            executor.at(time, lambda worker=worker: executor.kill(worker))
            executor.at(time + 0.4, lambda worker=worker: executor.join(f"{worker}-new"))
        b.run(executor).check_exact(28)
        b.check_knowledge()
        assert any(record["counted"] for record in b.journal.of("death"))
