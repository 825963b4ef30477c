from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from phsx.exceptions import PlanError
from phsx.strategies import Bayesian, Explicit, Grid, Random, Uniform, Values


@pytest.mark.parametrize(
    ("written", "values", "single"),
    [
        (1.5, (1.5,), True),
        ("a", ("a",), True),
        (None, (None,), True),
        (False, (False,), True),
        (np.float64(2.5), (2.5,), True),
        (np.array(2.5), (2.5,), True),
        ([1, 2], (1, 2), False),
        ((1, 2), (1, 2), False),
        (range(3), (0, 1, 2), False),
        (np.array([0.5, 1.5]), (0.5, 1.5), False),
        (np.arange(2), (0, 1), False),
        ([(8, 8), (16, 16)], ((8, 8), (16, 16)), False),
        ([[8, 8]], ((8, 8),), False),
    ],
)
def test_values_and_lists(written: Any, values: tuple[Any, ...], single: bool) -> None:
    override = Random(5, x=written).overrides["x"]
    assert isinstance(override, Values)
    assert repr(override.values) == repr(values)
    assert override.single is single


def test_a_strategy_is_taken_as_it_is() -> None:
    uniform = Uniform(0, 1)
    assert Random(5, x=uniform).overrides == {"x": uniform}


def test_parameters_that_are_named_like_options() -> None:
    strategy = Random(5, overrides={"trials": 3, "wait": [1, 2], "overrides": 1})
    assert set(strategy.overrides) == {"trials", "wait", "overrides"}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (Random, r"class Random; did you mean Random\(\.\.\.\)\?"),
        (Uniform, r"did you mean Uniform\(\.\.\.\)\?"),
        (int, "the class int"),
        (Random(20), "leave the number out"),
        (Random(y=3), "overrides of its own"),
        (Random(repeats=True), "belong to the block"),
        (Random(wait=True), "belong to the block"),
        (Explicit([{"x": 1}]), "give the list of the values"),
        ([], "empty list"),
        (np.array([]), "empty list"),
        ({"strategy": "random"}, "a list of values or a strategy"),
        ({1, 2}, "only text, numbers"),
        (len, "a list of values or a strategy"),
        (lambda: 1, "a list of values or a strategy"),
        (float("nan"), "finite"),
        ([1, float("inf")], "finite"),
        ([object()], "only text, numbers"),
        (1j, "only text, numbers"),
    ],
)
def test_what_is_no_override(override: object, message: str) -> None:
    with pytest.raises(PlanError, match=message) as caught:
        Bayesian(5, x=override)
    assert "'x'" in str(caught.value)
    assert str(caught.value).startswith("Bayesian")


def test_overridden_twice() -> None:
    with pytest.raises(PlanError, match="'x' is overridden twice"):
        Random(5, overrides={"x": 1}, x=2)


@pytest.mark.parametrize("overrides", [[1], "x", 3, {1: 2}])
def test_overrides_that_are_no_mapping(overrides: Any) -> None:
    with pytest.raises(PlanError, match="overrides"):
        Random(5, overrides=overrides)


def test_a_grid_takes_lists_as_axes_and_points_only_once() -> None:
    with pytest.raises(PlanError, match="'x' is given twice"):
        Grid(points={"x": 3}, x=[1, 2])
