"""Ask and tell."""

from __future__ import annotations

import itertools
import math
import threading
from collections import Counter

import numpy as np
import pytest

import phsx
from phsx.exceptions import ExhaustedError, SpaceError
from phsx.testing.functions import branin
from phsx.testing.spaces import FINITE, LARGE
from phsx.trial import TrialState

SPACE = {"x": phsx.Float(-5, 5), "n": phsx.Int(1, 3)}


def loss(params):
    return (params["x"] - 1) ** 2 + params["n"]


def test_ask_gives_a_trial_and_tell_ends_it():
    optimizer = phsx.Optimizer(SPACE, phsx.Random(), seed=0)
    trial = optimizer.ask()
    assert isinstance(trial, phsx.Trial) and trial.id == 0
    assert trial.params.keys() == SPACE.keys() and trial.value is None
    optimizer.tell(trial, 2.5)
    assert optimizer.best.id == 0 and optimizer.best.value == 2.5
    assert optimizer.best.params == trial.params
    assert optimizer.best.state is TrialState.COMPLETED


def test_tell_by_number_and_in_any_order():
    optimizer = phsx.Optimizer(SPACE, phsx.Random(), seed=0)
    trials = [optimizer.ask() for _ in range(3)]
    optimizer.tell(trials[2].id, 3.0)
    optimizer.tell(trials[0], 1.0)
    assert [trial.state.value for trial in optimizer.trials] == [
        "completed",
        "waiting",
        "completed",
    ]
    assert optimizer.best.id == 0


@pytest.mark.parametrize("value", [3, 3.0, np.float32(3), np.int64(3), np.array(3.0), True + 2])
def test_numbers_of_all_kinds(value):
    optimizer = phsx.Optimizer(SPACE, phsx.Random(), seed=0)
    optimizer.tell(optimizer.ask(), value)
    assert optimizer.best.value == 3.0 and type(optimizer.best.value) is float


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
def test_failures(value):
    optimizer = phsx.Optimizer(SPACE, phsx.Random(), seed=0)
    optimizer.tell(optimizer.ask(), value)
    (trial,) = optimizer.trials
    assert (trial.state, trial.value) == (TrialState.FAILED, None)
    assert optimizer.best is None


@pytest.mark.parametrize(
    "strategy",
    [phsx.Random(), phsx.Sobol(), phsx.Grid(points=4), phsx.Bayesian(initial=4)],
    ids=lambda strategy: strategy.kind,
)
def test_many_asks_before_a_tell_stay_apart(strategy):
    optimizer = phsx.Optimizer(SPACE, strategy, seed=3)
    trials = [optimizer.ask() for _ in range(8)]
    keys = {optimizer.space.key(trial.params) for trial in trials}
    assert len(keys) == 8
    for trial in trials:
        optimizer.tell(trial, loss(trial.params))
    more = [optimizer.ask() for _ in range(4)]
    assert len(keys | {optimizer.space.key(trial.params) for trial in more}) == 12
    assert [trial.id for trial in [*trials, *more]] == list(range(12))


def test_pending_suggestions_of_the_model_spread():
    """Asked at once, they do not huddle about the best result."""
    optimizer = phsx.Optimizer(branin.space, phsx.Bayesian(initial=8), seed=1)
    for _ in range(8):
        trial = optimizer.ask()
        optimizer.tell(trial, branin(**trial.params))
    unit = [optimizer.space.to_unit(optimizer.ask().params) for _ in range(4)]
    gaps = [np.linalg.norm(one - other) for one, other in itertools.combinations(unit, 2)]
    assert min(gaps) > 0.02


def test_learns():
    optimizer = phsx.Optimizer(branin.space, phsx.Bayesian(initial=8), seed=1)
    for _ in range(24):
        trial = optimizer.ask()
        optimizer.tell(trial, branin(**trial.params))
    assert branin.regret(optimizer.best.value) < 0.5


def test_maximize():
    optimizer = phsx.Optimizer({"x": phsx.Float(0, 1)}, phsx.Bayesian(initial=4), 0, maximize=True)
    for _ in range(12):
        trial = optimizer.ask()
        optimizer.tell(trial, 5 - (trial.params["x"] - 0.7) ** 2)
    assert optimizer.best.value == max(trial.value for trial in optimizer.trials)
    assert abs(optimizer.best.params["x"] - 0.7) < 0.05


def test_same_seed_same_suggestions():
    def run(seed):
        optimizer = phsx.Optimizer(SPACE, phsx.Bayesian(initial=3), seed=seed)
        points = []
        for _ in range(6):
            trial = optimizer.ask()
            optimizer.tell(trial, loss(trial.params))
            points.append(trial.params)
        return points

    assert run(4) == run(4)
    assert run(4) != run(5)


def test_serial_search_is_that_of_an_experiment(tmp_path):
    """Who owns the loop gets the same trials as who does not."""
    optimizer = phsx.Optimizer(SPACE, phsx.Bayesian(7, initial=3), seed=4)
    points = []
    for _ in range(7):
        trial = optimizer.ask()
        optimizer.tell(trial, loss(trial.params))
        points.append(trial.params)
    experiment = phsx.Experiment(
        tmp_path / "e",
        lambda x, n: loss({"x": x, "n": n}),
        SPACE,
        phsx.Bayesian(7, initial=3),
        seed=4,
    )
    experiment.run(cluster="inline", progress=False)
    assert [trial.params for trial in experiment.trials] == points


class TestKnownObservations:
    def test_count_for_the_model_and_are_never_asked_for_again(self):
        optimizer = phsx.Optimizer({"n": phsx.Int(1, 6)}, phsx.Bayesian(initial=3), seed=0)
        optimizer.tell_many([({"n": n}, float(n)) for n in (1, 3, 5)])
        asked = {optimizer.ask().params["n"] for _ in range(3)}
        assert asked == {2, 4, 6}
        assert optimizer.best.params == {"n": 1}
        assert [trial.strategy for trial in optimizer.trials[:3]] == ["told"] * 3

    def test_can_have_failed(self):
        optimizer = phsx.Optimizer(SPACE, phsx.Random(), seed=0)
        optimizer.tell_many([({"x": 1.0, "n": 1}, None), ({"x": 2.0, "n": 2}, math.nan)])
        assert {trial.state for trial in optimizer.trials} == {TrialState.FAILED}

    def test_are_canonical(self):
        optimizer = phsx.Optimizer({**SPACE, "c": 7}, phsx.Random(), seed=0)
        optimizer.tell_many([({"n": np.int64(2), "x": 1}, 0.0)])
        (trial,) = optimizer.trials
        assert list(trial.params.items()) == [("x", 1.0), ("n", 2), ("c", 7)]
        assert type(trial.params["n"]) is int

    def test_may_come_from_anywhere(self):
        optimizer = phsx.Optimizer(SPACE, phsx.Random(), seed=0)
        optimizer.tell_many(({"x": float(x), "n": 1}, x) for x in range(3))
        assert len(optimizer.trials) == 3

    def test_the_same_point_twice_is_two_observations(self):
        optimizer = phsx.Optimizer(SPACE, phsx.Random(), seed=0)
        optimizer.tell_many([({"x": 1.0, "n": 1}, 1.0), ({"x": 1.0, "n": 1}, 1.2)])
        assert [trial.value for trial in optimizer.trials] == [1.0, 1.2]

    def test_are_added_in_the_middle_of_a_search_too(self):
        optimizer = phsx.Optimizer(SPACE, phsx.Bayesian(initial=2), seed=0)
        pending = optimizer.ask()
        optimizer.tell_many([({"x": 1.0, "n": 1}, 1.0)])
        optimizer.tell(pending, 4.0)
        later = optimizer.ask()
        assert [trial.id for trial in optimizer.trials] == [0, 1, 2] and later.id == 2


class TestEnds:
    @pytest.mark.parametrize("strategy", [phsx.Random, phsx.Grid, phsx.Sobol, phsx.Bayesian])
    @pytest.mark.parametrize("name", FINITE)
    def test_finite_space_is_used_up(self, strategy, name):
        space = FINITE[name]
        optimizer = phsx.Optimizer(space, strategy(), seed=1)
        known = {space.key(point) for point in space.points()}
        asked = set()
        for number in range(len(known)):
            trial = optimizer.ask()
            asked.add(space.key(trial.params))
            optimizer.tell(trial, float(number % 5))
        assert asked == known
        for _ in range(2):
            with pytest.raises(ExhaustedError):
                optimizer.ask()
        assert len(optimizer.trials) == len(known)

    def test_number_of_trials(self):
        optimizer = phsx.Optimizer(SPACE, phsx.Random(2), seed=0)
        optimizer.ask()
        optimizer.ask()
        with pytest.raises(ExhaustedError, match="2 trials have all been asked for"):
            optimizer.ask()

    def test_used_up_grid_is_said_to_be_that(self):
        optimizer = phsx.Optimizer({"n": phsx.Int(1, 2)}, phsx.Grid(), seed=0)
        optimizer.ask()
        optimizer.ask()
        with pytest.raises(ExhaustedError) as error:
            optimizer.ask()
        assert "None" not in str(error.value)

    def test_repeats(self):
        optimizer = phsx.Optimizer({"n": phsx.Int(1, 2)}, phsx.Random(repeats=True), seed=0)
        assert len([optimizer.ask() for _ in range(9)]) == 9

    def test_plan_of_several_blocks(self):
        """What `Experiment` takes as a plan is gone through here too, or refused."""
        try:
            optimizer = phsx.Optimizer(SPACE, [phsx.Random(2), phsx.Sobol()], seed=0)
        except phsx.exceptions.PhsxError:
            return
        assert [optimizer.ask().strategy for _ in range(4)] == ["random"] * 2 + ["sobol"] * 2


@pytest.mark.parametrize("name", LARGE)
def test_every_kind_of_space(name):
    optimizer = phsx.Optimizer(LARGE[name], phsx.Bayesian(initial=4), seed=2)
    for number in range(8):
        trial = optimizer.ask()
        given = {
            name: trial.params[name] for name in optimizer.space.dimensions if name in trial.params
        }
        assert optimizer.space.check(given) == trial.params
        optimizer.tell(trial, float(number % 3))


def test_wrong_point_among_many_adds_none():
    optimizer = phsx.Optimizer(SPACE, phsx.Random(), seed=0)
    with pytest.raises(SpaceError, match="observation 1"):
        optimizer.tell_many([({"x": 0.0, "n": 1}, 1.0), ({"x": 9.0, "n": 1}, 1.0)])
    assert optimizer.trials == []


def test_dataframe():
    optimizer = phsx.Optimizer(SPACE, phsx.Random(), seed=0)
    for _ in range(3):
        trial = optimizer.ask()
        optimizer.tell(trial, loss(trial.params))
    optimizer.ask()
    frame = optimizer.to_dataframe()
    assert frame["state"].tolist() == ["completed"] * 3 + ["waiting"]
    assert list(frame.columns[:3]) == ["x", "n", "value"]


def test_parameter_with_the_name_of_a_column():
    """Refused, as by an experiment, or told apart."""
    try:
        optimizer = phsx.Optimizer({"value": phsx.Float(0, 1)}, phsx.Random(), seed=0)
    except phsx.exceptions.SpaceError:
        return
    assert optimizer.to_dataframe().columns.is_unique


def test_seed_is_drawn_where_it_is_not_given():
    seeds = {phsx.Optimizer(SPACE, phsx.Random()).seed for _ in range(5)}
    assert len(seeds) == 5


class TestThreads:
    """F18: every id once, none lost or doubled."""

    @pytest.mark.parametrize(
        ("strategy", "each"), [(phsx.Random(), 60), (phsx.Bayesian(initial=6), 4)]
    )
    def test_eight_threads_ask_and_tell(self, strategy, each):
        optimizer = phsx.Optimizer(SPACE, strategy, seed=0)
        asked, errors = [], []
        barrier = threading.Barrier(8)

        def work():
            try:
                barrier.wait()
                for _ in range(each):
                    trial = optimizer.ask()
                    asked.append(trial)
                    optimizer.tell(trial, loss(trial.params))
                    assert optimizer.best.value <= loss(trial.params)
                    assert len(optimizer.trials) >= len(asked) - 8
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        total = 8 * each
        assert sorted(trial.id for trial in asked) == list(range(total))
        assert Counter(trial.state for trial in optimizer.trials) == {TrialState.COMPLETED: total}
        assert len({optimizer.space.key(trial.params) for trial in asked}) == total
        assert all(trial.value == loss(trial.params) for trial in optimizer.trials)

    def test_a_trial_is_told_once_whoever_comes_first(self):
        optimizer = phsx.Optimizer(SPACE, phsx.Random(), seed=0)
        trial = optimizer.ask()
        told, refused = [], []
        barrier = threading.Barrier(8)

        def work(number):
            barrier.wait()
            try:
                optimizer.tell(trial, float(number))
                told.append(number)
            except phsx.exceptions.ConfigurationError:
                refused.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(told) == 1 and len(refused) == 7
        assert optimizer.best.value == told[0]
