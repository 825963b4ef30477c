from __future__ import annotations

from typing import Any

import pytest

from phsx.exceptions import ExhaustedError, PlanError
from phsx.space import Categorical, Constant, Float, Int, Ordinal, Space
from phsx.strategies import Grid, Plan, Random
from phsx.testing.strategies import Block, request_of

SPACE = Space({"x": Float(0, 1), "c": Categorical(["a", "b"])})


def grid(strategy: Grid, space: Space = SPACE, trials: int = 10_000) -> list[dict[str, Any]]:
    Plan.of(strategy).check(space)
    return Block(strategy, space).run(trials)


def test_the_last_parameter_varies_fastest() -> None:
    assert grid(Grid(points=3)) == [{"x": x, "c": c} for x in (0.0, 0.5, 1.0) for c in ("a", "b")]


def test_ten_values_where_nothing_is_said() -> None:
    points = grid(Grid())
    assert len(points) == 20
    assert sorted({point["x"] for point in points})[-1] == 1.0


def test_values_are_spread_on_the_scale_of_the_parameter() -> None:
    space = Space({"x": Float(1e-3, 10, log=True)})
    assert [point["x"] for point in grid(Grid(points=5), space)] == [0.001, 0.01, 0.1, 1.0, 10.0]


def test_one_point_is_in_the_middle() -> None:
    assert grid(Grid(points=1), Space({"x": Float(0, 1)})) == [{"x": 0.5}]


def test_points_per_parameter() -> None:
    space = Space({"x": Float(0, 1), "n": Int(1, 100), "o": Ordinal([1, 2, 4, 8])})
    points = grid(Grid(points={"x": 2, "n": [1, 10, 100], "o": 2}), space)
    assert len(points) == 12
    assert {point["n"] for point in points} == {1, 10, 100}
    assert {point["o"] for point in points} == {1, 8}
    assert len(grid(Grid(points={"x": [0.1], "n": [5]}), space)) == 4


def test_finite_parameters_have_all_values_unless_they_are_many() -> None:
    assert len(grid(Grid(), Space({"n": Int(1, 1000)}))) == 1000
    assert len(grid(Grid(), Space({"n": Int(1, 1001)}))) == 10
    assert len(grid(Grid(points={"n": 1001}), Space({"n": Int(1, 1001)}))) == 1001
    assert grid(Grid(points=2), Space({"n": Int(0, 10**12)})) == [{"n": 0}, {"n": 10**12}]


def test_more_points_than_values_are_all_values() -> None:
    assert len(grid(Grid(points={"n": 50}), Space({"n": Int(1, 3)}))) == 3


def test_a_list_is_an_axis_and_a_value_is_fixed() -> None:
    space = Space({"x": Float(0, 1), "y": Float(0, 1), "z": Float(0, 1)})
    points = grid(Grid(points=2, y=[0.1, 0.2, 0.1], z=0.5), space)
    assert points == [{"x": x, "y": y, "z": 0.5} for x in (0.0, 1.0) for y in (0.1, 0.2)]


def test_axes_keep_the_order_of_the_list_and_types() -> None:
    space = Space({"c": Categorical([1, 1.0, True]), "x": Float(0, 1)})
    points = grid(Grid(c=[True, 1], x=[1, 0]), space)
    assert repr([tuple(point.values()) for point in points]) == (
        "[(True, 1.0), (True, 0.0), (1, 1.0), (1, 0.0)]"
    )


def test_another_strategy_for_a_parameter() -> None:
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    points = grid(Grid(points=4, y=Random()), space)
    assert len(points) == 4
    assert len({point["y"] for point in points}) == 4


def test_trials_take_the_beginning() -> None:
    assert Plan.of(Grid(3)).trials(SPACE) == 3
    assert Plan.of(Grid(300)).trials(SPACE) == 20


def test_repeats_give_a_point_once_per_grid() -> None:
    space = Space({"a": Categorical(["x", "y"]), "n": Int(1, 5, when={"a": "x"})})
    block = Block(Grid(repeats=True), space)
    points = block.run(100)
    assert len(points) == 6


def test_a_huge_grid_is_not_built() -> None:
    space = Space({f"x{i}": Float(0, 1) for i in range(20)})
    assert Grid().count(space, space.dimensions) == 10**20
    assert len(grid(Grid(), space, 3)) == 3
    last = Grid().propose(request_of(space, position=10**20 - 1))
    assert set(last.params.values()) == {1.0}


def test_inactive_parameters_of_a_huge_grid() -> None:
    parameters = {"a": Categorical(["x", "y", "z"])}
    parameters |= {f"n{i}": Float(0, 1, when={"a": "x"}) for i in range(9)}
    space = Space(parameters)
    proposal = Grid().propose(request_of(space, position=10**9))
    assert proposal.params["a"] == "y"
    assert proposal.position == 10**9 + 1
    assert Grid().propose(request_of(space, position=proposal.position)).params["a"] == "z"


def test_the_end_says_why() -> None:
    block = Block(Grid(points=1), SPACE)
    block.run(2)
    with pytest.raises(ExhaustedError, match="all of its 2 points were used"):
        block.ask()


@pytest.mark.parametrize("points", [0, -1, True, 2.5, "3", {"x": 0}, {"x": True}, {"x": 1.5}])
def test_numbers_of_points_that_are_none(points: Any) -> None:
    with pytest.raises(PlanError, match="points"):
        Grid(points=points)


@pytest.mark.parametrize("points", [{"x": "abc"}, {"x": []}, {"x": None}, {"x": {"a": 1}}])
def test_axes_that_are_none(points: Any) -> None:
    with pytest.raises(PlanError, match=r"points\['x'\]"):
        Grid(points=points)


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (Grid(points={"xx": 3}), "'xx', which is no parameter.*did you mean 'x'"),
        (Grid(points={"k": 3}), "'k', which is constant"),
        (Grid(points={"x": [0.5, 2]}), "'x' cannot have the value 2"),
        (Grid(x=[0.5, 2]), "'x' cannot have the value 2"),
        (Grid(c=["a", "z"]), "'c' cannot have the value 'z'"),
    ],
)
def test_points_that_do_not_fit_the_space(strategy: Grid, message: str) -> None:
    space = Space({**SPACE.parameters, "k": Constant(3)})
    with pytest.raises(PlanError, match=message):
        Plan.of(strategy).check(space)
