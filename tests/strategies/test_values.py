from __future__ import annotations

from typing import Any

import pytest

from phsx.exceptions import PlanError
from phsx.space import Categorical, Constant, Expression, Float, Int, Space
from phsx.strategies import Choice, Plan, Random, Values
from phsx.testing.strategies import Block

SPACE = Space(
    {
        "x": Float(0, 1),
        "c": Categorical(["a", "b", (1, 2)]),
        "n": Int(1, 9, when={"c": "a"}),
        "f": Expression(["x", "2 * x"]),
        "k": Constant(3),
    }
)


def test_values_in_turn() -> None:
    points = Block(Random(c=["a", "b"], n=[1, 2, 3]), SPACE).run(6)
    assert [point["c"] for point in points] == ["a", "b", "a", "b", "a", "b"]
    assert [point.get("n") for point in points] == [1, None, 3, None, 2, None]


def test_a_value_for_all_trials() -> None:
    assert {point["x"] for point in Block(Random(x=0.25, c="b", f="x"), SPACE).run(1)} == {0.25}


def test_choices_that_are_tuples() -> None:
    assert Block(Random(c=[(1, 2)]), SPACE).ask()["c"] == (1, 2)
    assert Block(Random(c=[[1, 2]]), SPACE).ask()["c"] == (1, 2)


def test_formulas_by_their_source() -> None:
    points = Block(Random(x=[0.25, 0.5], f=["2 * x", "x"]), SPACE).run(2)
    assert [point["f"] for point in points] == [0.5, 0.5]


def test_values_become_those_of_the_parameter() -> None:
    assert repr(Block(Random(x=1), SPACE).ask()["x"]) == "1.0"


def test_a_value_that_is_never_valid_does_not_end_the_block() -> None:
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, constraints=["x < 0.5"])
    points = Block(Random(x=[0.2, 0.8]), space).run(2)
    assert [point["x"] for point in points] == [0.2, 0.2]


def test_choice_draws_each_value_as_often_as_it_is_listed() -> None:
    points = Block(Random(c=Choice(["a", "a", "a", "b"])), SPACE).run(200)
    assert 120 < sum(point["c"] == "a" for point in points) < 180


@pytest.mark.parametrize("make", [Values, Choice])
@pytest.mark.parametrize("values", [[], "abc", 3, None, {"a": 1}, [object()], [float("nan")]])
def test_lists_that_are_none(make: Any, values: Any) -> None:
    with pytest.raises(PlanError, match=make.__name__):
        make(values)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"x": 2}, "'x' cannot have the value 2"),
        ({"x": [0.5, -1]}, "'x' cannot have the value -1"),
        ({"x": "a"}, "'x' cannot have the value 'a'"),
        ({"x": Choice([0.5, 3])}, "'x' cannot have the value 3"),
        ({"c": ["a", "z"]}, "'c' cannot have the value 'z'"),
        ({"c": (1, 2)}, "'c' cannot have the value 1"),
        ({"n": 1.5}, "'n' cannot have the value 1.5"),
        ({"f": "3 * x"}, "'f' cannot have the value '3"),
        ({"k": 3}, "'k' is constant"),
    ],
)
def test_values_outside_the_parameter(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Plan.of(Random(5, overrides=overrides)).check(SPACE)
