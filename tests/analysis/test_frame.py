import math

import numpy as np
import pandas
import pytest

from phsx.analysis.frame import Trials, missing
from phsx.space import Categorical, Float


@pytest.mark.parametrize("empty", [None, math.nan, np.nan, pandas.NA, pandas.NaT])
def test_empty_cells(empty):
    assert missing(empty)


@pytest.mark.parametrize("value", [0, "", False, "nan", (), -1.5])
def test_cells_that_hold_something(value):
    assert not missing(value)


def test_trials_are_sorted_by_id(fake):
    records = [fake.record({"x": 0.1 * i}, float(i), id=i) for i in (4, 0, 2)]
    trials = Trials.of(fake.experiment({"x": Float(0, 1)}, records))
    assert trials.ids.tolist() == [0, 2, 4]
    assert trials.value.tolist() == [0, 2, 4]
    assert trials.params["x"] == pytest.approx([0.0, 0.2, 0.4])


def test_parameters_that_are_called_like_fixed_columns(fake):
    space = {"value": Float(0, 1), "state": Categorical(["on", "off"]), "worker": Float(0, 1)}
    params = {"value": 0.25, "state": "off", "worker": 0.5}
    trials = Trials.of(fake.experiment(space, [fake.record(params, 7.0, worker="w-3")]))
    assert trials.value.tolist() == [7.0]
    assert (trials.state, trials.worker) == (["completed"], ["w-3"])
    assert trials.params == {"value": [0.25], "state": ["off"], "worker": [0.5]}


def test_columns_that_are_not_there_are_empty(fake):
    experiment = fake.experiment({"x": Float(0, 1)}, [fake.record({"x": 0.5}, 1.0)])
    experiment.frame = experiment.frame[["x", "value", "state"]]
    trials = Trials.of(experiment)
    assert trials.worker == [""]
    assert np.isnan(trials.started).all()


def test_states(fake):
    x = {"x": 0.5}
    records = [
        fake.record(x, 1.0),
        fake.record(x, state="failed"),
        fake.record(x, state="timed_out"),
        fake.record(x, state="running"),
        fake.record(x, 0.5, state="stopped"),
        fake.record(x, math.inf, state="completed"),
        fake.record(x, state="out_of_memory"),
    ]
    trials = Trials.of(fake.experiment({"x": Float(0, 1)}, records))
    assert np.flatnonzero(trials.completed).tolist() == [0]
    assert np.flatnonzero(trials.scored).tolist() == [0, 4]
    assert np.flatnonzero(trials.failed).tolist() == [1, 2, 5, 6]


def test_the_best_is_a_completed_trial_where_there_is_one(fake):
    x = {"x": 0.5}
    records = [fake.record(x, 2.0), fake.record(x, 1.0, state="stopped"), fake.record(x, 2.0)]
    space = {"x": Float(0, 1)}
    trials = Trials.of(fake.experiment(space, records))
    assert trials.best(trials.scored) == 0
    trials = Trials.of(fake.experiment(space, records[1:2]))
    assert trials.best(trials.scored) == 0
    assert trials.best(~trials.scored) is None


@pytest.mark.parametrize(
    ("maximize", "order", "best"), [(False, [1, 2, 0], 0), (True, [0, 2, 1], 1)]
)
def test_direction(fake, maximize, order, best):
    records = [fake.record({"x": 0.5}, value) for value in (1.0, 3.0, 2.0)]
    trials = Trials.of(fake.experiment({"x": Float(0, 1)}, records, maximize=maximize))
    assert trials.worst_first(trials.scored).tolist() == order
    assert trials.best(trials.scored) == best


def test_what_has_no_name_is_drawn_without(fake):
    class Bare:
        space = fake.experiment({"x": Float(0, 1)}, []).space
        maximize = False

        def to_dataframe(self):
            return fake.experiment({"x": Float(0, 1)}, []).frame

    trials = Trials.of(Bare())
    assert (len(trials), trials.name, trials.objective) == (0, "", "value")


def test_results_that_cannot_be_drawn_are_as_near_as_can_be(fake):
    values = [1.7e308, -1e200, 1e-310, -2.5]
    records = [fake.record({"x": 0.5}, value) for value in values]
    trials = Trials.of(fake.experiment({"x": Float(0, 1)}, records))
    assert trials.value.tolist() == [1e100, -1e100, 0, -2.5]
