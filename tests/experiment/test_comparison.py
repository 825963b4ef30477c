"""What rounding explains, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import phsx
from phsx.experiment.comparison import HOPELESS, Answer, Comparison
from phsx.experiment.rounding import NUDGE, TRIES, nudged, same_fit, same_place
from phsx.history import History, Observation
from phsx.models.numerics import numerics

HERE = numerics()
ELSEWHERE = {**HERE, "blas": "openblas 0.1 Abacus"}
THERE = Answer("suggestion", 7, 70, 1.0, ELSEWHERE)


def near(recorded, computed):
    return abs(recorded - computed) < 1e-4


def verdict(answer, again, same=near):
    comparison = Comparison()
    comparison.compare(answer, again, same)
    return comparison.verification()


def test_equal_is_identical_whoever_computed_it():
    found = verdict(THERE, lambda rng: 1.0)
    assert found.identical and found.equivalent and found.verdict == "identical"


def test_last_digits_from_elsewhere():
    found = verdict(THERE, lambda rng: 1.00001)
    assert (found.identical, found.equivalent) == (False, True)
    assert found.verdict == "equivalent, not identical"
    assert found.differences == () and [each.number for each in found.rounded] == [7]


def test_last_digits_from_here_are_a_difference():
    for known in (HERE, None):
        found = verdict(replace(THERE, numerics=known), lambda rng: 1.00001)
        assert found.verdict == "different" and not found.rounded and not found.equivalent


def test_what_needs_no_model_comes_out_bit_for_bit_everywhere():
    assert verdict(THERE, lambda rng: 1.00001, same=None).verdict == "different"


def test_another_optimum_that_rounding_can_lead_to():
    def again(rng):
        return 1.00001 if rng is not None and rng.random() > 0.7 else 2.0

    assert verdict(THERE, again).verdict == "equivalent, not identical"
    assert verdict(replace(THERE, numerics=HERE), again).verdict == "different"


def test_what_no_rounding_leads_to_is_sought_a_few_times():
    asked = []

    def again(rng):
        asked.append(rng)
        return 2.0

    comparison = Comparison()
    for number in range(2 * HOPELESS):
        comparison.compare(replace(THERE, number=number), again, near)
    assert len(comparison.verification().differences) == 2 * HOPELESS
    assert len(asked) == 2 * HOPELESS + TRIES * HOPELESS


def test_in_the_order_of_the_journal():
    comparison = Comparison()
    for seq in (5, 3, 4):
        comparison.compare(Answer("fit", seq, seq, 1.0), lambda rng: 2.0)
    assert [each.seq for each in comparison.verification().differences] == [3, 4, 5]


class TestNudged:
    history = History.of([Observation(0, (0.5,), (True,), 2.0)], dimensions=1)

    def test_numbers_of_the_fit(self):
        fit = {"observed": 3, "name": "a", "on": True, "models": [{"scale": 0.5, "power": None}]}
        moved, history = nudged(fit, self.history, np.random.default_rng(0))
        assert history is self.history
        assert {**moved, "models": 0} == {**fit, "models": 0}
        assert moved["models"][0]["power"] is None
        assert 0 < abs(moved["models"][0]["scale"] - 0.5) < 10 * NUDGE

    @pytest.mark.parametrize("fit", [None, {"observed": 0, "models": {}}])
    def test_results_where_there_is_no_number(self, fit):
        same, history = nudged(fit, self.history, np.random.default_rng(0))
        assert same is fit and 0 < abs(history.values[0] - 2.0) < 10 * NUDGE

    def test_nothing_without_a_generator(self):
        fit = {"scale": 0.5}
        assert nudged(fit, self.history, None) == (fit, self.history)


class TestSamePlace:
    space = phsx.Space(
        {
            "x": phsx.Float(0, 10),
            "kind": phsx.Categorical(["a", ("b", 1)]),
            "n": phsx.Int(1, 9, when={"kind": "a"}),
            "twice": phsx.Expression("2 * x"),
        },
        constraints=["x <= 9"],
    )
    point = {"x": 5.0, "kind": "a", "n": 3, "twice": 10.0}  # noqa: RUF012

    def same(self, **changes):
        return same_place(self.space, {**self.point, **changes}, self.point)

    def test_but_for_rounding(self):
        assert self.same() and self.same(x=5.0009, twice=10.0018)

    @pytest.mark.parametrize(
        "changes",
        [
            {"x": 5.002, "twice": 10.004},
            {"x": 5.0009},
            {"twice": 10.0001},
            {"n": 4},
            {"n": 3.5},
            {"x": 9.5, "twice": 19.0},
            {"kind": "c"},
            {"kind": ["b", 1]},
            {"x": None},
            {"more": 1},
        ],
    )
    def test_anything_else(self, changes):
        assert not self.same(**changes)

    def test_another_set_of_names(self):
        less = {name: value for name, value in self.point.items() if name != "twice"}
        assert not same_place(self.space, less, self.point)
        other = {"x": 5.0, "kind": ["b", 1], "twice": 10.0}
        assert same_place(self.space, other, other)
        assert not same_place(self.space, other, self.point)

    def test_what_is_no_point(self):
        assert not same_place(self.space, self.point, "no untried point is left")
        assert not same_place(self.space, [1], self.point)


def test_fits():
    fit = {"observed": 3, "scales": [0.5, 1e-17], "name": "a"}
    assert same_fit(fit, {"observed": 3, "scales": [0.50001, -1e-17], "name": "a"})
    for other in (
        {**fit, "observed": 4},
        {**fit, "observed": 3.0},
        {**fit, "name": "b"},
        {**fit, "scales": [0.5]},
        {**fit, "scales": [0.501, 0.0]},
        {**fit, "more": 1},
        None,
    ):
        assert not same_fit(fit, other)
