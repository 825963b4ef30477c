import numpy as np
import pytest

from phsx.analysis.frame import Trials
from phsx.analysis.lanes import Timeline, busy, labels
from phsx.space import Float

SPACE = {"x": Float(0, 1)}


def timeline(fake, *rows):
    """Make a timeline of (worker, started, ended) and further fields."""
    records = [
        fake.record({"x": 0.5}, 1.0, worker=worker, started=start, ended=end, **more)
        for worker, start, end, more in (row if len(row) == 4 else (*row, {}) for row in rows)
    ]
    return Timeline.of(Trials.of(fake.experiment(SPACE, records)))


def test_idle_shares_are_exact(fake):
    line = timeline(fake, ("a", 0, 4), ("a", 5, 10), ("b", 2, 4), ("b", 4, 5))
    assert (line.start, line.end) == (0, 10)
    assert [(lane.worker, lane.idle) for lane in line.lanes] == [
        ("a", pytest.approx(0.1)),
        ("b", pytest.approx(0.7)),
    ]
    assert line.utilization == pytest.approx(0.6)


def test_time_counts_from_the_first_event_and_the_window_from_the_first_evaluation(fake):
    asked = {"suggest_worker": "a", "suggest_started": 10.0, "suggest_ended": 11.0}
    line = timeline(fake, ("a", 12, 20, asked))
    assert (line.origin, line.start, line.end) == (10, 12, 20)
    assert line.lanes[0].idle == 0
    assert line.lanes[0].suggestions.tolist() == [0]


def test_slots_of_one_worker_get_rows_of_their_own(fake):
    line = timeline(fake, ("a", 0, 10), ("a", 1, 5), ("a", 5.0005, 9), ("b", 0, 10))
    assert [lane.evaluations.tolist() for lane in line.lanes] == [[0], [1, 2], [3]]
    assert labels(line) == ["a #1", "a #2", "b"]


def test_a_record_that_is_a_little_late_does_not_make_a_slot(fake):
    line = timeline(fake, ("a", 0, 10), ("a", 9.995, 20))
    assert len(line.lanes) == 1
    assert line.lanes[0].idle == pytest.approx(0)


def test_a_running_trial_is_busy_up_to_the_last_event(fake):
    records = [
        fake.record({"x": 0.5}, 1.0, worker="a", started=0, ended=8),
        fake.record({"x": 0.5}, worker="b", started=4, state="running"),
    ]
    line = Timeline.of(Trials.of(fake.experiment(SPACE, records)))
    assert line.ended.tolist() == [8, 8]
    assert line.lanes[1].idle == pytest.approx(0.5)


def test_a_worker_that_only_suggested_has_a_row(fake):
    asked = {"suggest_worker": "b", "suggest_started": 0.0, "suggest_ended": 1.0}
    line = timeline(fake, ("a", 1, 2, asked))
    assert [(lane.worker, len(lane.suggestions)) for lane in line.lanes] == [("a", 0), ("b", 1)]
    assert line.lanes[1].idle == 1


def test_nothing_started(fake):
    assert Timeline.of(Trials.of(fake.experiment(SPACE, []))) is None
    waiting = [fake.record({"x": 0.5}, state="waiting", worker=None)]
    assert Timeline.of(Trials.of(fake.experiment(SPACE, waiting))) is None


def test_workers_are_in_the_order_of_their_numbers(fake):
    line = timeline(fake, *[(f"tcp://10.0.0.{i}:80", 0, 1) for i in (10, 9, 100)])
    assert labels(line) == ["10.0.0.9:80", "10.0.0.10:80", "10.0.0.100:80"]


def test_long_names_lose_what_they_share(fake):
    head = "tls://partition-gpu.cluster.institute.example.org/jobs"
    line = timeline(fake, (f"{head}/node-7", 0, 1), (f"{head}/node-11", 0, 1))
    assert labels(line) == ["node-7", "node-11"]


def test_union_of_intervals():
    assert busy(np.array([0.0, 1.0, 1.5, 7.0]), np.array([3.0, 2.0, 4.0, 8.0])) == 5
    assert busy(np.array([]), np.array([])) == 0
