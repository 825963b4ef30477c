from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from phsx.exceptions import ExhaustedError, PlanError
from phsx.space import Categorical, Expression, Float, Int, Space
from phsx.strategies import Explicit, Plan, Random, Uniform
from phsx.testing.strategies import Block

SPACE = Space(
    {
        "x": Float(0, 1),
        "kind": Categorical(["a", "b"]),
        "n": Int(1, 5, when={"kind": "a"}),
        "f": Expression(["x * 2", "x + 1"]),
        "g": Expression("x - 1"),
    },
    constraints=["x > 0.1"],
)
GOOD = {"x": 0.5, "kind": "a", "n": 3, "f": "x * 2"}
SMALL = Space({"x": Float(0, 1), "y": Float(0, 1)})


def points(strategy: Explicit, space: Space, trials: int = 10) -> list[dict[str, Any]]:
    Plan.of(strategy).check(space)
    return Block(strategy, space).run(trials)


def test_points_in_their_order_completed() -> None:
    found = points(Explicit([GOOD, {"x": 0.25, "kind": "b", "f": 1.25}]), SPACE)
    assert found == [
        {"x": 0.5, "kind": "a", "n": 3, "f": 1.0, "g": -0.5},
        {"x": 0.25, "kind": "b", "f": 1.25, "g": -0.75},
    ]
    assert [list(point) for point in found] == [
        ["x", "kind", "n", "f", "g"],
        ["x", "kind", "f", "g"],
    ]


def test_values_become_those_of_the_parameters() -> None:
    found = points(Explicit([{"x": 1, "y": np.float32(0.5)}]), SMALL)
    assert repr(found) == "[{'x': 1.0, 'y': 0.5}]"


def test_points_that_came_before_are_skipped() -> None:
    listed = [{"x": 0, "y": 0}, {"x": 0.0, "y": -0.0}, {"x": 1, "y": 1}]
    assert len(points(Explicit(listed), SMALL)) == 2
    assert len(points(Explicit(listed, repeats=True), SMALL)) == 3


def test_the_end_says_why() -> None:
    block = Block(Explicit([{"x": 0, "y": 0}]), SMALL)
    block.ask()
    with pytest.raises(ExhaustedError, match="all of its 1 points were used"):
        block.ask()


def test_partial_points_with_overrides() -> None:
    listed = [{"x": 0.2}, {"x": 0.4}]
    found = points(Explicit(listed, y=Uniform(0.5, 0.6)), SMALL)
    assert [point["x"] for point in found] == [0.2, 0.4]
    assert all(0.5 <= point["y"] <= 0.6 for point in found)
    assert points(Explicit(listed, y=[0.1, 0.9]), SMALL)[1] == {"x": 0.4, "y": 0.9}


def test_other_values_are_drawn_anew_before_a_point_is_given_up() -> None:
    space = Space(SMALL.parameters, constraints=["y > 0.9"])
    found = points(Explicit([{"x": i / 10} for i in range(8)], y=Random()), space)
    assert [point["x"] for point in found] == [i / 10 for i in range(8)]


def test_trials_take_the_first_points() -> None:
    plan = Plan.of(Explicit([{"x": 0, "y": i / 10} for i in range(5)], 3))
    assert plan.trials(SMALL) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "empty; give at least one"),
        ({"x": 1}, "must be a list of points"),
        ("x", "must be a list of points"),
        (5, "must be a list of points"),
        ([1], "point 0 must be a mapping"),
        ([{"x": 1}, [1]], "point 1 must be a mapping"),
        ([{1: 1}], "point 0 must be a mapping"),
        ([{"x": float("nan")}], "'x' of point 0.*finite"),
        ([{"x": object()}], "'x' of point 0"),
    ],
)
def test_lists_that_hold_no_points(given: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Explicit(given)


@pytest.mark.parametrize(
    ("point", "overrides", "message"),
    [
        ({**GOOD, "xx": 1}, {}, "'xx', which is no parameter.*did you mean 'x'"),
        ({"x": 0.5}, {}, "'kind'.*has no value"),
        ({**GOOD, "x": 2}, {}, "'x'.*above"),
        ({**GOOD, "x": 0.05}, {}, "constraint 'x > 0.1' does not hold"),
        ({**GOOD, "kind": "b"}, {}, "'n' is not active"),
        ({**GOOD, "f": 7}, {}, "'f'"),
        (GOOD, {"x": 0.3}, "'x', which is overridden"),
        ({"kind": "a", "n": 9, "f": "x * 2"}, {"x": 0.3}, "'n' cannot have the value 9"),
        ({"kind": "a", "f": "x * 2"}, {"x": 0.3}, "'n'.*no value"),
    ],
)
def test_points_that_are_not_in_the_space(
    point: dict[str, Any], overrides: dict[str, Any], message: str
) -> None:
    good = {name: value for name, value in GOOD.items() if name not in overrides}
    with pytest.raises(PlanError, match=message) as caught:
        Plan.of(Explicit([good, point], overrides=overrides)).check(SPACE)
    assert "point 1" in str(caught.value) or "x" in overrides


def test_the_definition_is_not_changed_from_outside() -> None:
    listed = [{"x": 0.5, "y": 0.5}]
    strategy = Explicit(listed)
    listed[0]["x"] = 7
    assert strategy == Explicit([{"x": 0.5, "y": 0.5}])
