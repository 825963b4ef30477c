"""More trials while a search runs, here or elsewhere: each request is taken up once."""

from __future__ import annotations

import json
import time

import pytest

import phsx
from phsx.exceptions import DirectoryError, PlanError
from phsx.experiment import growing
from phsx.experiment.growing import FOLDER, Growth, Inbox, ask_for, newest_plan, record_plan
from phsx.journal import Journal, read
from phsx.state import SearchState
from phsx.strategies.plan import Plan
from phsx.testing.faults import Held, until

SPACE = phsx.Space({"x": phsx.Float(0, 1)})
PLAN = Plan([phsx.Sobol(2), phsx.Random(3)])


@pytest.fixture
def experiment(tmp_path):
    return phsx.Experiment(tmp_path / "e", lambda x: x, SPACE, PLAN, seed=1)


@pytest.fixture
def held(tmp_path):
    """A search of two trials, the first of which waits to be let go."""
    held = Held(tmp_path / "e", 2, workers=1)
    until(held.here)
    yield held
    held.close()


def requests(directory):
    return sorted(path.name for path in (directory / FOLDER).glob("*"))


def plans(directory):
    return [record for record in read(directory).records if record["type"] == "plan"]


class TestGrowth:
    @pytest.mark.parametrize(
        ("growth", "expected"),
        [
            (Growth(trials=4), [phsx.Sobol(2), phsx.Random(7)]),
            (Growth(blocks=(phsx.Sobol(1),)), [phsx.Sobol(2), phsx.Random(3), phsx.Sobol(1)]),
            (Growth(1, (phsx.Sobol(1),)), [phsx.Sobol(2), phsx.Random(4), phsx.Sobol(1)]),
        ],
    )
    def test_of_a_plan(self, growth, expected):
        assert growth.of(PLAN, SPACE, {}) == Plan(expected)
        assert Growth.from_dict(json.loads(json.dumps(growth.to_dict()))) == growth

    def test_block_that_has_no_point_left(self):
        with pytest.raises(PlanError, match="ended early.*no point is left.*another block"):
            Growth(trials=1).of(PLAN, SPACE, {1: "no point is left"})
        assert len(Growth(blocks=(phsx.Sobol(1),)).of(PLAN, SPACE, {1: "no point is left"})) == 3

    @pytest.mark.parametrize(
        "data",
        [None, 3, [], {}, {"trials": -1, "blocks": []}, {"trials": 1, "blocks": 3}]
        + [{"trials": 0, "blocks": [{"strategy": "nonsense"}]}, {"trials": True, "blocks": []}],
    )
    def test_nonsense(self, data):
        with pytest.raises(PlanError):
            Growth.from_dict(data)


class TestInbox:
    def open(self, experiment, state=None):
        return Inbox(experiment.directory, SPACE, state or SearchState())

    def test_requests_in_the_order_in_which_they_came(self, experiment):
        for growth in (Growth(trials=1), Growth(blocks=(phsx.Sobol(1),)), Growth(trials=2)):
            ask_for(experiment.directory, growth)
        grown = self.open(experiment).look(PLAN)
        assert grown.plan == Plan([phsx.Sobol(2), phsx.Random(4), phsx.Sobol(3)])
        assert grown.requests == requests(experiment.directory)

    def test_looks_now_and_then(self, experiment, monkeypatch):
        now = [1000.0]
        monkeypatch.setattr(growing.time, "monotonic", lambda: now[0])
        inbox = self.open(experiment)
        assert inbox.look(PLAN) is None
        ask_for(experiment.directory, Growth(trials=1))
        assert inbox.look(PLAN) is None, "it does not look all the time"
        now[0] += 1.0
        assert inbox.look(PLAN).plan == PLAN.more(1)

    def test_what_was_taken_up_and_not_removed_counts_once(self, experiment):
        """A master died between the two."""
        name = ask_for(experiment.directory, Growth(trials=1))
        state = SearchState()
        state.taken.add(name)
        assert self.open(experiment, state).grown(PLAN).plan == PLAN
        assert requests(experiment.directory) == []

    @pytest.mark.parametrize("text", ["", "{", "[" * 10000, "7", '{"trials": 1}', "\x00"])
    def test_nonsense_is_refused_and_harms_nobody(self, experiment, text, caplog):
        name = ask_for(experiment.directory, Growth(trials=1))
        ask_for(experiment.directory, Growth(trials=2))
        (experiment.directory / FOLDER / name).write_text(text)
        (experiment.directory / FOLDER / "README").write_text("mine")
        assert self.open(experiment).grown(PLAN).plan == PLAN.more(2)
        assert "refused" in caplog.text
        assert name not in requests(experiment.directory)
        assert "README" in requests(experiment.directory)

    def test_what_does_not_fit_is_refused(self, experiment, caplog):
        ask_for(experiment.directory, Growth(blocks=(phsx.Random(1, y=3),)))
        assert self.open(experiment).grown(PLAN) == (PLAN, [])
        assert "refused" in caplog.text and requests(experiment.directory) == []


class TestNobodyRunsIt:
    def test_is_recorded_at_once(self, experiment):
        experiment.add_trials(2).extend(phsx.Sobol(1))
        again = phsx.open(experiment.directory)
        assert again.total == experiment.total == 8
        assert len(plans(experiment.directory)) == 2
        assert requests(experiment.directory) == []
        experiment.run(cluster="inline", progress=False)
        assert len(again.trials) == 8

    def test_a_request_that_nobody_saw_is_taken_up_by_the_next_run(self, experiment):
        ask_for(experiment.directory, Growth(trials=2))
        assert experiment.run(cluster="inline", progress=False).total == 7
        assert len(experiment.trials) == 7 and requests(experiment.directory) == []

    def test_a_search_that_had_ended_goes_on(self, experiment):
        experiment.run(cluster="inline", progress=False)
        ask_for(experiment.directory, Growth(trials=2))
        experiment.run(cluster="inline", progress=False)
        assert [trial.block for trial in experiment.trials] == [0, 0, 1, 1, 1, 1, 1]

    def test_directory_that_cannot_be_written(self, experiment):
        (experiment.directory / FOLDER).write_text("a file")
        with pytest.raises(DirectoryError, match="requests cannot be written"):
            experiment.add_trials(1)

    def test_a_plan_that_cannot_grow(self, experiment):
        experiment.extend(phsx.Grid(x=[0.0, 1.0]))
        with pytest.raises(PlanError, match="no number of trials"):
            experiment.add_trials(1)
        assert requests(experiment.directory) == []

    def test_recorded_once_however_often(self, experiment):
        state = SearchState()
        name = ask_for(experiment.directory, Growth(trials=2))
        with Journal.open(experiment.directory, replay=state.replay) as journal:
            assert newest_plan(PLAN, SPACE, state, journal) == PLAN.more(2)
            assert newest_plan(PLAN, SPACE, state, journal) == PLAN.more(2)
        assert [record["requests"] for record in plans(experiment.directory)] == [[name]]
        record_plan(experiment.directory, PLAN, SPACE)
        assert len(plans(experiment.directory)) == 1


class TestWhileItRuns:
    def test_by_the_same_object_and_by_another(self, held):
        """The other one may be of another process: it speaks through the directory alone."""
        experiment, other = held.experiment, phsx.open(held.directory)
        experiment.add_trials(2).extend(phsx.Sobol(1))
        assert held.handle.progress.total == experiment.total == 5
        until(lambda: other.total == 5)
        other.add_trials(1)
        assert held.handle.progress.total == experiment.total == other.total == 6
        until(lambda: requests(held.directory) == [])
        held.go()
        blocks = [trial.block for trial in held.end().trials]
        assert blocks == [0, 0, 0, 0, 1, 1] and len(other.state.finished) == 6

    def test_run_that_does_not_look_in_time(self, held, monkeypatch):
        """The request stays, and is taken up later."""
        monkeypatch.setattr("phsx.experiment.experiment.TAKEN_UP", 0.0)
        held.experiment.add_trials(1)
        until(lambda: held.experiment.total == 3)

    def test_trial_that_learns_knows_what_came_before_the_growth(self, tmp_path):
        """The search that has grown is computed again as it was."""
        directory = tmp_path / "e"
        asked = []

        def target(x, trial):
            if trial.id == 5 and not asked:
                asked.append(ask_for(directory, Growth(trials=2)))
                time.sleep(1.1)
            return x

        plan = [phsx.Sobol(3), phsx.Bayesian(4, initial=2)]
        experiment = phsx.Experiment(directory, target, SPACE, plan, seed=1)
        experiment.run(cluster="inline", progress=False)
        assert len(experiment.state.finished) == 9 and phsx.verify(directory).identical
