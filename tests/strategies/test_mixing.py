from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

import pytest

from phsx.exceptions import ExhaustedError, ModelWarning
from phsx.history import History
from phsx.space import Categorical, Constant, Expression, Float, Int, Space
from phsx.strategies import (
    Choice,
    Grid,
    Halton,
    LatinHypercube,
    Normal,
    Random,
    Sobol,
    Strategy,
    Uniform,
    mixing,
)
from phsx.strategies.base import JSON, ModelStrategy, Proposal, Request
from phsx.strategies.mixing import propose
from phsx.testing.strategies import Block, assert_valid, request_of

SPACE = Space({"x": Float(0, 1), "y": Float(0, 1), "z": Float(0, 1)})


class Model(ModelStrategy):
    """Always wants the corner, whatever is fixed; says so where that is taken."""

    kind: ClassVar[str] = "model of the tests"
    asked: ClassVar[list[Request]] = []

    def propose(self, request: Request) -> Proposal:
        self.asked.append(request)
        params = {name: request.space.parameters[name].from_unit(1.0) for name in request.names}
        point = request.space.complete({**request.fixed, **params})
        if point is None or request.taken(point):
            raise ExhaustedError("the corner is taken")
        return Proposal(params)

    def options(self) -> dict[str, JSON]:
        return {}

    def modelled(self, observed: int, created: int) -> bool:
        return True

    def stale(self, observed: int, fitted: int | None) -> bool:
        return False

    def fit(
        self, space: Space, history: History, previous: Mapping[str, JSON] | None, seed: int
    ) -> dict[str, JSON]:
        return {}


@pytest.fixture(autouse=True)
def forget() -> None:
    Model.asked.clear()


def test_points_are_complete() -> None:
    space = Space(
        {
            "k": Constant(7),
            "x": Float(0, 1),
            "a": Categorical(["u", "v"]),
            "n": Int(1, 3, when={"a": "u"}),
            "f": Expression("x + k"),
        }
    )
    for point in Block(Random(), space).run(10):
        assert list(point) == [name for name in space.names if name != "n" or point["a"] == "u"]
        assert point["f"] == point["x"] + 7


def test_the_first_try_of_a_plain_block_is_the_strategys_own() -> None:
    request = request_of(SPACE)
    assert propose(Random(), request).params == Random().propose(request).params
    assert propose(Sobol(), request) == Sobol().propose(request)


def test_overrides_do_not_share_their_randomness() -> None:
    strategy = Random(x=Uniform(0, 1), y=Uniform(0, 0.5), z=Normal(0.5, 10))
    point = propose(strategy, request_of(SPACE)).params
    assert len({round(point["x"], 6), round(point["y"] * 2, 6), round(point["z"], 6)}) == 3


def test_the_order_of_overrides_does_not_matter() -> None:
    one = Random(x=Uniform(0, 1), y=Halton(), z=Normal(0, 1))
    other = Random(z=Normal(0, 1), y=Halton(), x=Uniform(0, 1))
    assert Block(one, SPACE).run(5) == Block(other, SPACE).run(5)


def test_other_trials_and_blocks_differ() -> None:
    first = propose(Random(), request_of(SPACE, 0)).params
    assert propose(Random(), request_of(SPACE, 1)).params != first
    assert propose(Random(), request_of(SPACE, 0, seed=1)).params != first


def test_invalid_points_are_tried_again() -> None:
    space = Space(SPACE.parameters, constraints=["x + y + z < 0.3"])
    for strategy in (Random(), Sobol(), Halton(), Grid(points=21)):
        points = Block(strategy, space).run(15)
        assert len(points) == 15
        assert_valid(space, points)


def test_sequences_advance_with_every_try() -> None:
    space = Space(SPACE.parameters, constraints=["x < 0.5"])
    request = request_of(space)
    positions = []
    for _ in range(8):
        proposal = propose(Sobol(), request)
        positions.append(proposal.position)
        request = replace(request, position=proposal.position)
    assert positions == sorted(set(positions))
    assert 14 <= positions[-1] <= 18


def test_override_sequences_advance_too() -> None:
    points = Block(Random(x=Sobol()), SPACE).run(32)
    assert sorted(int(point["x"] * 32) for point in points) == list(range(32))


def test_a_grid_as_override_goes_round() -> None:
    points = Block(Random(x=Grid(points=3)), SPACE).run(7)
    assert [point["x"] for point in points] == [0.0, 0.5, 1.0, 0.0, 0.5, 1.0, 0.0]


def test_a_finite_space_is_used_up_by_any_mixture() -> None:
    space = Space({"a": Int(1, 4), "b": Int(1, 4), "c": Categorical(["u", "v"])})
    mixtures: list[tuple[Strategy, int]] = [
        (Random(a=[1, 2]), 16),
        (Random(a=2), 8),
        (Random(a=Uniform(2, 4)), 24),
        (Sobol(a=Choice([1, 4]), b=[1, 2, 3]), 12),
        (Halton(a=Grid(points={"a": [1, 3]})), 16),
        (Random(a=[1, 2], b=[1, 2, 3], c="v"), 6),
        (Grid(a=Choice([2]), c="u"), 4),
    ]
    for strategy, size in mixtures:
        block = Block(strategy, space)
        assert_valid(space, block.run(size))
        assert len(block.points) == size, strategy
        with pytest.raises(ExhaustedError):
            block.ask()


def test_few_values_of_a_continuous_parameter_are_used_up() -> None:
    block = Block(Random(x=[0.1, 0.2], y=Choice([0.5, 0.6]), z=0), SPACE)
    assert len(block.run(10)) == 4
    with pytest.raises(ExhaustedError, match="can make 4 combinations"):
        block.ask()


def test_what_is_left_is_drawn_evenly() -> None:
    space = Space({"n": Int(1, 1000)})
    left = {17, 500, 501, 930}
    drawn = [
        propose(Random(), request_of(space, i, taken=lambda p: p["n"] not in left)).params["n"]
        for i in range(200)
    ]
    assert set(drawn) == left
    assert min(drawn.count(value) for value in left) > 25


def test_lists_keep_their_turn_while_they_can() -> None:
    space = Space({"n": Int(1, 40), "a": Categorical(["u", "v"])})
    points = Block(Random(a=["u", "v"]), space).run(80)
    assert [point["a"] for point in points] == ["u", "v"] * 40


def test_a_constraint_that_leaves_nothing() -> None:
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, constraints=["x > y + 0.5"])
    with pytest.raises(ExhaustedError, match="10000 tries: 10000 broke a constraint.*0 were tried"):
        propose(Random(y=Uniform(0.8, 1)), request_of(space))


def test_everything_is_taken() -> None:
    with pytest.raises(ExhaustedError, match="0 broke a constraint.*10000 were tried already"):
        propose(Random(), request_of(SPACE, taken=lambda params: True))


def test_nothing_valid_in_a_finite_space() -> None:
    space = Space({"n": Int(1, 9), "m": Int(1, 9)}, constraints=["n > m + 3"])
    with pytest.raises(ExhaustedError, match="can make 9 combinations"):
        propose(Random(n=2), request_of(space))


def test_a_finite_space_too_large_to_list() -> None:
    space = Space({f"n{i}": Int(1, 100) for i in range(8)}, constraints=["n0 == 1", "n1 == 1"])
    point = propose(Random(), request_of(space, taken=lambda params: False)).params
    assert (point["n0"], point["n1"]) == (1, 1)


def test_a_space_of_constants_has_one_point() -> None:
    space = Space({"k": 3})
    for strategy in (Random(), Sobol(), Grid(), LatinHypercube(), Model()):
        block = Block(strategy, space)
        assert block.run(3) == [{"k": 3}]
        with pytest.raises(ExhaustedError):
            block.ask()


def test_all_parameters_overridden() -> None:
    points = Block(Sobol(x=[0.1, 0.2], y=Uniform(0, 1), z=0.5), SPACE).run(4)
    assert [(point["x"], point["z"]) for point in points] == [(0.1, 0.5), (0.2, 0.5)] * 2
    assert len(Block(Grid(x=Uniform(0, 1), y=0, z=0), SPACE).run(4)) == 1


def test_a_finite_list_is_gone_through_however_much_is_taken() -> None:
    space = Space({"n": Int(0, 999), "m": Int(0, 99)})
    request = request_of(space, taken=lambda params: params["n"] * 100 + params["m"] < 20_000)
    assert propose(Grid(), request).params == {"n": 200, "m": 0}


class TestModel:
    def test_comes_last_and_is_told_what_is_fixed(self) -> None:
        point = propose(Model(x=Uniform(0, 0.5), y=0.25), request_of(SPACE)).params
        asked = Model.asked[-1]
        assert asked.names == ("z",)
        assert asked.fixed == {"x": point["x"], "y": 0.25}
        assert point["z"] == 1.0

    def test_as_an_override(self) -> None:
        point = propose(Random(y=Model()), request_of(SPACE)).params
        assert Model.asked[-1].names == ("y",)
        assert Model.asked[-1].fixed == {"x": point["x"], "z": point["z"]}

    def test_gets_history_and_rank(self) -> None:
        history = History.of([], 3)
        request = replace(request_of(SPACE), history=history, rank=4, fit={"a": 1})
        propose(Model(x=0.5), request)
        asked = Model.asked[-1]
        assert (asked.history, asked.rank, asked.fit) == (history, 4, {"a": 1})

    def test_sequences_beside_it_go_by_the_number_of_the_trial(self) -> None:
        # Their positions are not known while several suggestions are computed at once.
        strategy = Model(x=Sobol())
        values = {propose(strategy, request_of(SPACE, i)).params["x"] for i in range(8)}
        assert sorted(int(value * 8) for value in values) == list(range(8))

    def test_is_asked_again_with_other_values_beside_it(self) -> None:
        space = Space(SPACE.parameters, constraints=["x > 0.5"])
        for number in range(10):
            point = propose(Model(x=Uniform(0, 1)), request_of(space, number)).params
            assert (point["y"], point["z"]) == (1.0, 1.0)

    def test_is_given_up_for_random_values_with_a_warning(self) -> None:
        taken = {(1.0, 1.0, 1.0)}
        request = request_of(SPACE, taken=lambda params: tuple(params.values()) in taken)
        with pytest.warns(ModelWarning, match="a random one takes its place"):
            point = propose(Model(), request).params
        assert tuple(point.values()) not in taken
        # Nothing beside it would change, so that to ask twice makes no sense.
        assert len(Model.asked) == 1

    def test_a_finite_space_is_used_up(self) -> None:
        space = Space({"n": Int(1, 5), "m": Int(1, 3)})
        for strategy in (Model(), Model(n=[1, 2, 3, 4, 5]), Grid(m=Model()), Random(m=Model())):
            block = Block(strategy, space)
            points = block.run(20)
            assert_valid(space, points)
            assert len(points) == (5 if strategy.kind == "grid" else 15)


def test_a_grid_beside_a_model_keeps_what_the_model_may_mend() -> None:
    space = Space({"n": Int(1, 3), "m": Int(1, 3)}, constraints=["n < m or m == 3"])
    points = Block(Grid(m=Model()), space).run(9)
    assert points == [{"n": n, "m": 3} for n in (1, 2, 3)]


@pytest.mark.parametrize("strategy", [Random(20), Random(20, x=[0.1, 0.2]), Sobol(20)])
def test_fast_enough_for_the_master(strategy: Strategy) -> None:
    request = request_of(SPACE)
    propose(strategy, request)
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(100):
            propose(strategy, request)
        best = min(best, (time.process_time() - start) / 100)
    assert best < 300e-6


def test_enumerating_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "ENUMERABLE", 50)
    monkeypatch.setattr(mixing, "TRIES", 30)
    space = Space({"n": Int(1, 1000)})
    point = propose(Random(), request_of(space, taken=lambda params: params["n"] > 3)).params
    assert point["n"] <= 3
    with pytest.raises(ExhaustedError, match="30 tries"):
        propose(Random(), request_of(space, taken=lambda params: True))
