"""What journal records add up to: every kind of record, and what does not fit."""

from __future__ import annotations

import pytest

from phsx.exceptions import JournalError
from phsx.state import SearchState
from phsx.trial import Suggestion, Trial, TrialState


class Story:
    """Records with running numbers, applied as they are told."""

    def __init__(self):
        self.state = SearchState()
        self.records = []

    def tell(self, kind, **fields):
        record = {"seq": len(self.records), "t": 100.0 + len(self.records), "type": kind, **fields}
        self.records.append(record)
        self.state.apply(record)
        return self

    def trial(self, number, params=None, block=0, index=None, position=None):
        index = number if index is None else index
        position = index if position is None else position
        return self.tell(
            "trial",
            id=number,
            block=block,
            index=index,
            strategy="random",
            position=position,
            params=params,
        )

    def run(self, number, attempt=1, worker="w"):
        return self.tell("running", id=number, attempt=attempt, worker=worker)

    def end(self, number, value=1.0, state="completed", **fields):
        known = {
            "attempt": 1,
            "result": {},
            "error": None,
            "traceback": None,
            "worker": "w",
            "started": 1.0,
            "ended": 3.0,
        }
        return self.tell("ended", id=number, state=state, value=value, **known | fields)


@pytest.fixture
def story():
    return Story()


class TestLifeOfATrial:
    def test_created_with_parameters_it_waits(self, story):
        trial = story.trial(0, {"x": 1.0}).state.trials[0]
        assert trial.state is TrialState.WAITING
        assert (trial.params, trial.attempt, trial.deaths) == ({"x": 1.0}, 0, 0)

    def test_created_without_it_is_suggested_for(self, story):
        trial = story.trial(0).state.trials[0]
        assert (trial.state, trial.params) == (TrialState.SUGGESTING, None)

    def test_suggestion_is_kept_with_its_times(self, story):
        story.trial(0).tell("suggesting", id=0, seen=7, fit=2, rank=3)
        assert story.state.trials[0].suggestion == Suggestion(7, 2, 3)
        story.tell(
            "suggested", id=0, params={"x": 2}, position=5, worker="v", started=1.0, ended=1.5
        )
        trial = story.state.trials[0]
        assert trial.suggestion == Suggestion(7, 2, 3, "v", 1.0, 1.5)
        assert (trial.state, trial.params, trial.position) == (TrialState.WAITING, {"x": 2}, 5)

    def test_running_is_known_with_worker_and_time(self, story):
        trial = story.trial(0, {}).run(0, 1, "w7").state.trials[0]
        assert (trial.state, trial.worker, trial.attempt) == (TrialState.RUNNING, "w7", 1)
        assert trial.started == story.records[-1]["t"]
        assert trial.duration is None

    def test_end_has_everything_the_record_says(self, story):
        story.trial(0, {"x": 1}).run(0)
        story.end(0, 4.5, result={"k": [1]}, worker="w2", started=5.0, ended=8.0)
        trial = story.state.trials[0]
        assert (trial.state, trial.value, trial.result) == (TrialState.COMPLETED, 4.5, {"k": [1]})
        assert (trial.worker, trial.started, trial.ended, trial.duration) == ("w2", 5.0, 8.0, 3.0)

    @pytest.mark.parametrize("state", [s for s in TrialState if s.terminal])
    def test_each_terminal_state_ends_a_trial(self, story, state):
        story.trial(0, {}).run(0).end(0, None, state.value, error="why", traceback="where")
        trial = story.state.trials[0]
        assert (trial.state, trial.error, trial.traceback) == (state, "why", "where")
        assert (list(story.state.alive), story.state.finished) == ([], [0])

    def test_first_terminal_record_wins(self, story):
        story.trial(0, {}).run(0).end(0, 1.0).end(0, -9.0).end(0, None, "failed")
        trial = story.state.trials[0]
        assert (trial.state, trial.value) == (TrialState.COMPLETED, 1.0)
        assert story.state.finished == [0]
        assert story.state.best(maximize=False).value == 1.0
        assert story.state.count(TrialState.COMPLETED, TrialState.FAILED) == 1

    @pytest.mark.parametrize("late", ["running", "death", "report", "checkpoint", "interrupted"])
    def test_late_records_do_not_wake_the_dead(self, story, late):
        story.trial(0, {}).run(0).end(0, 1.0)
        before = story.state.trials[0]
        fields = {
            "running": {"attempt": 2, "worker": "w"},
            "death": {"attempt": 1, "reason": "gone", "counted": True},
            "report": {"attempt": 1, "step": 1, "value": 0.5},
            "checkpoint": {"attempt": 1, "step": 1},
            "interrupted": {"attempt": 1, "step": 1, "seconds": 9.0, "reason": "late"},
        }[late]
        story.tell(late, id=0, **fields)
        assert story.state.trials[0] == before
        assert story.state.reports == {}

    def test_deaths_are_counted_where_they_count(self, story):
        story.trial(0, {}).run(0).tell("death", id=0, attempt=1, reason="a", counted=True)
        assert story.state.trials[0].state is TrialState.WAITING
        story.run(0, 2).tell("death", id=0, attempt=2, reason="b", counted=False)
        trial = story.state.trials[0]
        assert (trial.deaths, trial.attempt, trial.error) == (1, 2, "b")
        assert trial.earlier == ("a", "b")

    def test_reports_are_those_of_the_newest_attempt(self, story):
        story.trial(0, {}).run(0)
        story.tell("report", id=0, attempt=1, step=0, value=0.5)
        story.tell("report", id=0, attempt=1, step=1, value=0.4)
        assert story.state.reports == {0: [(0, 0.5), (1, 0.4)]}
        story.tell("death", id=0, attempt=1, reason="", counted=True).run(0, 2)
        assert story.state.reports == {}
        story.tell("report", id=0, attempt=1, step=2, value=0.3)  # a late one of the first
        story.tell("report", id=0, attempt=2, step=0, value=0.6)
        assert story.state.reports == {0: [(0, 0.6)]}

    def test_dropped_trial_leaves_nothing(self, story):
        story.trial(0).tell("dropped", id=0, reason="no point")
        assert story.state.trials == {} and list(story.state.alive) == []
        assert story.state.count(*TrialState) == 0
        assert (story.state.next_id, story.state.created[0]) == (0, 0)

    def test_dropped_trial_among_others_leaves_a_gap(self, story):
        story.trial(0).trial(1, {}).tell("dropped", id=0, reason="no point")
        assert list(story.state.trials) == [1]
        assert (story.state.next_id, story.state.created[0]) == (2, 2)

    def test_tuples_come_back_from_lists(self, story):
        story.trial(0, {"size": [8, [1, 2]], "name": "x"})
        assert story.state.trials[0].params == {"size": (8, (1, 2)), "name": "x"}


class TestCheckpoints:
    def test_an_interrupted_trial_waits_and_knows_where_it_goes_on(self, story):
        story.trial(0, {}).run(0)
        story.tell("checkpoint", id=0, attempt=1, step=3)
        assert story.state.trials[0].checkpoint == 3
        for _ in range(2):
            story.tell("interrupted", id=0, attempt=1, step=4, seconds=2.5, reason="to go on")
        trial = story.state.trials[0]
        assert (trial.state, trial.checkpoint) == (TrialState.WAITING, 4)
        assert (trial.interruptions, trial.spent, trial.deaths) == (2, 5.0, 0)
        assert trial.error == "to go on"

    def test_checkpoints_are_those_of_the_newest_attempt(self, story):
        story.trial(0, {}).run(0).run(0, attempt=2)
        story.tell("checkpoint", id=0, attempt=1, step=3)
        assert story.state.trials[0].checkpoint is None

    def test_reports_up_to_the_checkpoint_are_kept(self, story):
        story.trial(0, {}).run(0)
        for step in range(4):
            story.tell("report", id=0, attempt=1, step=step, value=float(step))
        story.tell("checkpoint", id=0, attempt=1, step=1)
        story.run(0, attempt=2)
        assert story.state.reports == {0: [(0, 0.0), (1, 1.0)]}


class TestSums:
    def test_counts_by_state(self, story):
        story.trial(0, {}).trial(1, {}).trial(2).run(0).end(0).run(1)
        state = story.state
        assert state.count(TrialState.COMPLETED) == 1
        assert state.count(TrialState.RUNNING, TrialState.SUGGESTING) == 2
        assert state.count(*TrialState) == len(state.trials) == 3

    def test_alive_is_in_order_of_creation(self, story):
        for number in range(4):
            story.trial(number, {})
        story.run(1).end(1)
        assert list(story.state.alive) == [0, 2, 3]

    def test_finished_is_in_order_of_the_ends(self, story):
        for number in range(3):
            story.trial(number, {}).run(number)
        story.end(2).end(0).end(1)
        assert story.state.finished == [2, 0, 1]

    @pytest.mark.parametrize(("maximize", "expected"), [(False, 1), (True, 2)])
    def test_best(self, story, maximize, expected):
        values = [2.0, -1.0, 5.0, 5.0, -1.0]
        for number, value in enumerate(values):
            story.trial(number, {}).run(number).end(number, value)
        story.trial(9, {}).run(9).end(9, -100.0 if maximize else 100.0)
        assert story.state.best(maximize=maximize).id == expected

    def test_best_needs_a_value_of_a_completed_trial(self, story):
        story.trial(0, {}).run(0).end(0, None, "failed")
        assert story.state.best(maximize=False) is None

    def test_positions_and_numbers_go_on_per_block(self, story):
        story.trial(0, {}, block=0, index=0, position=1)
        story.trial(1, {}, block=0, index=1, position=4)
        story.trial(2, {}, block=1, index=0, position=2)
        assert (story.state.positions[0], story.state.positions[1]) == (4, 2)
        assert (story.state.created[0], story.state.created[1]) == (2, 1)
        assert story.state.next_id == 3

    def test_waiting_for_looks_at_earlier_blocks_alone(self, story):
        story.trial(0, {}, block=0).trial(1, {}, block=1)
        assert not story.state.waiting_for(0)
        assert story.state.waiting_for(1)
        story.run(0).end(0)
        assert not story.state.waiting_for(1)
        assert story.state.waiting_for(2)

    def test_total_counts_blocks_that_ended_early_as_they_were(self, story):
        story.trial(0, {}, block=0, index=0).trial(1, {}, block=0, index=1)
        assert story.state.total([5, 3]) == 8
        assert story.state.total([5, None]) is None
        story.tell("exhausted", block=0, reason="no point is left")
        assert story.state.total([5, 3]) == 5
        assert story.state.total([None, 3]) == 5
        assert story.state.exhausted == {0: "no point is left"}

    def test_total_leaves_out_a_dropped_trial(self, story):
        story.trial(0, {}, index=0).run(0).end(0).trial(1, index=1)
        story.tell("dropped", id=1, reason="none").tell("exhausted", block=0, reason="none")
        assert story.state.total([5]) == 1

    def test_fits_and_plan(self, story):
        story.tell("plan", plan=[{"strategy": "random"}]).tell("plan", plan=[])
        story.tell("fit", fit=0, block=1, seen=4, n=3, values={"a": 1.0})
        story.tell("fit", fit=1, block=1, seen=6, n=5, values=None)
        assert story.state.plan == []
        assert [(f.number, f.block, f.seen, f.observed) for f in story.state.fits] == [
            (0, 1, 4, 3),
            (1, 1, 6, 5),
        ]
        assert [f.values for f in story.state.fits] == [{"a": 1.0}, None]


class TestRecords:
    def test_sequence_number_is_that_of_the_last(self, story):
        assert story.state.seq == -1
        assert story.trial(0, {}).run(0).state.seq == 1

    def test_unknown_types_change_nothing_but_the_number(self, story):
        story.trial(0, {}).tell("something of a later version", id=0, x=[1])
        assert story.state.seq == 1
        assert story.state.trials[0].state is TrialState.WAITING

    def test_replay_gives_the_same_state_at_every_record(self, story):
        story.tell("plan", plan=[1]).trial(0).tell("suggesting", id=0, seen=0, fit=None, rank=0)
        story.tell("suggested", id=0, params={"x": 1}, position=0, worker="w", started=0, ended=1)
        story.run(0).tell("report", id=0, attempt=1, step=0, value=2.0).end(0).trial(1, {"x": 2})
        again = SearchState().replay(story.records)
        for name in ("trials", "alive", "finished", "created", "positions", "reports", "seq"):
            assert getattr(again, name) == getattr(story.state, name), name
        assert again.best(maximize=True) == story.state.best(maximize=True)

    @pytest.mark.parametrize(
        ("kind", "fields"),
        [
            ("running", {"id": 5, "attempt": 1, "worker": "w"}),
            ("trial", {"id": 0}),
            ("ended", {"id": 0, "state": "eaten by the dog"}),
            ("suggested", {"id": 0, "params": 5, "position": 1, "worker": "w"}),
            ("plan", {}),
            ("fit", {"fit": 1}),
        ],
    )
    def test_record_that_does_not_fit_is_named(self, story, kind, fields):
        story.trial(0, {})
        with pytest.raises(JournalError, match=rf"record 1 of type '{kind}' .*phsx repair"):
            story.tell(kind, **fields)

    def test_same_trial_twice_is_refused(self, story):
        story.trial(0, {})
        with pytest.raises(JournalError, match="trial 0 exists already"):
            story.trial(0, {})


def test_snapshots_are_immutable():
    with pytest.raises(AttributeError):
        Trial(0, 0, 0, "random").state = TrialState.FAILED
