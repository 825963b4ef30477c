from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phsx.exceptions import PlanError
from phsx.space import Categorical, Constant, Expression, Float, Int, Space
from phsx.strategies import (
    Bayesian,
    Choice,
    Explicit,
    Grid,
    Halton,
    LatinHypercube,
    LogUniform,
    Normal,
    Plan,
    Random,
    Sobol,
    Strategy,
    Uniform,
)

SPACE = Space(
    {
        "x": Float(0, 1),
        "learning_rate": Float(1e-4, 1, log=True),
        "c": Categorical(["a", "b"]),
        "n": Int(1, 3, when={"c": "a"}),
        "f": Expression(["x", "x + 1"]),
        "g": Expression("x - 1"),
        "k": Constant(5),
    }
)
SMALL = Space({"x": Float(0, 1), "c": Categorical(["a", "b"])})


def test_of_a_strategy_a_list_or_a_plan() -> None:
    plan = Plan.of([Sobol(8), Random(20)])
    assert Plan.of(plan) is plan
    assert Plan.of((Sobol(8), Random(20))) == plan
    assert list(Plan.of(Random(3))) == [Random(3)]
    assert (len(plan), plan[1]) == (2, Random(20))
    assert hash(plan) == hash(Plan([Sobol(8), Random(20)]))
    assert plan != Plan.of(Sobol(8))
    assert plan != [Sobol(8), Random(20)]
    assert repr(plan) == "Plan([Sobol(8), Random(20)])"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no block of trials"),
        (None, "holds None"),
        (20, r"did you mean Random\(20\)\?"),
        ("random", "a strategy is an object"),
        (Random, r"did you mean Random\(20\) instead of Random\?"),
        ([Sobol(8), Bayesian], r"did you mean Bayesian\(20\)"),
        ({"strategy": "random"}, "made of strategies"),
        ([Random(3), 7], r"did you mean Random\(7\)\?"),
        ([[Random(3)]], "made of strategies"),
        (Uniform(0, 1), r"as in Random\(20, x=Uniform\(\.\.\.\)\)"),
        ([Random(3), Choice([1])], "single parameters"),
        (True, "holds True"),
    ],
)
def test_what_is_no_plan(given: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Plan.of(given)


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (Random(5, learning_rat=1), "'learning_rat' is neither.*did you mean 'learning_rate'"),
        (Random(5, repeat=True), "'repeat' is neither.*did you mean 'repeats'"),
        (Random(5, trails=3), "did you mean 'trials'"),
        (Bayesian(5, inital=3), "did you mean 'initial'"),
        (Random(5, zzzzzz=3), "nor an option of the strategy$"),
        (Random(5, k=5), "'k' is constant"),
        (Random(5, g=5), "'g' is expression"),
        (Random(5, x=2), "'x' cannot have the value 2"),
        (Random(5, c="d"), "'c' cannot have the value 'd'"),
        (Random(5, c=Uniform(0, 1)), "'c'.*categorical"),
        (Random(5, x=Uniform(0, 2)), "'x'.*bounds"),
        (Explicit([{"x": 3}]), "point 0.*'x'"),
        (Grid(points={"y": 3}), "'y', which is no parameter"),
        (Bayesian(5, x=Bayesian(initial=3)), "one strategy that learns"),
    ],
)
def test_blocks_that_do_not_fit_the_space(block: Strategy, message: str) -> None:
    with pytest.raises(PlanError, match=message) as caught:
        Plan.of([Random(3), block]).check(SPACE)
    assert "block 1 of the plan" in str(caught.value)


def test_what_fits() -> None:
    Plan.of(
        [
            Explicit([{"x": 0.5, "learning_rate": 0.1, "c": "b", "f": "x"}]),
            Sobol(8, f=["x", "x + 1"], n=2),
            Grid(points={"x": 3}, learning_rate=[0.1, 1]),
            Random(5, x=Normal(0, 1), learning_rate=LogUniform(1e-3, 1), c=Choice(["a"])),
            Bayesian(20, x=Bayesian()),
            Random(),
        ]
    ).check(SPACE)


@pytest.mark.parametrize("block", [Random(), Sobol(), Bayesian(), Halton(x=3), LatinHypercube()])
def test_what_never_ends_is_the_last(block: Strategy) -> None:
    Plan.of([Random(3), block]).check(Space({"x": Float(0, 5)}))
    with pytest.raises(PlanError, match="block 0.*never ends.*how many trials"):
        Plan.of([block, Random(3)]).check(Space({"x": Float(0, 5)}))


def test_how_many_trials() -> None:
    plan = Plan.of([Explicit([{"x": 0, "c": "a"}] * 3), Random(20), Grid(), Grid(5), Grid(50)])
    assert plan.sizes(SMALL) == (3, 20, 20, 5, 20)
    assert plan.trials(SMALL) == 68
    assert Plan.of([*plan, Random()]).trials(SMALL) is None
    assert Plan.of(Grid(c="a", x=[0.1, 0.2, 0.3])).trials(SMALL) == 3
    assert Plan.of(Random(7, x=Grid())).trials(SMALL) == 7


POINTS = [{"x": 0.1, "c": "a"}, {"x": 0.2, "c": "a"}]


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        ([Random(20)], [Random(20)], True),
        ([Random(30)], [Random(20)], True),
        ([Random()], [Random(20)], True),
        ([Random()], [Random()], True),
        ([Random(10)], [Random(20)], False),
        ([Random(20)], [Random()], False),
        ([Random(20), Sobol(8)], [Random(20)], True),
        ([Random(30), Sobol(8)], [Random(20)], True),
        ([Random(20)], [Random(20), Sobol(8)], False),
        ([Random(30), Sobol(8)], [Random(20), Sobol(8)], False),
        ([Random(20), Sobol(9)], [Random(20), Sobol(8)], True),
        ([Random(20, x=0.5)], [Random(20)], False),
        ([Random(30, x=1)], [Random(20, x=1.0)], False),
        ([Random(20, wait=True)], [Random(20)], False),
        ([Sobol(20)], [Random(20)], False),
        ([Explicit(POINTS)], [Explicit(POINTS[:1])], True),
        ([Explicit(POINTS[:1])], [Explicit(POINTS)], False),
        ([Explicit(POINTS[::-1])], [Explicit(POINTS[:1])], False),
        ([Explicit(POINTS)], [Explicit(POINTS, 1)], True),
        ([Grid(points=4)], [Grid(points=3)], False),
        ([Grid()], [Grid(3)], True),
    ],
)
def test_extends(new: list[Strategy], old: list[Strategy], expected: bool) -> None:
    assert Plan(new).extends(Plan(old)) is expected


values = (
    st.integers(-9, 9)
    | st.floats(-1e9, 1e9)
    | st.booleans()
    | st.none()
    | st.text(max_size=3)
    | st.tuples(st.integers(0, 2), st.text(max_size=1))
)
scalars = values.filter(lambda value: not isinstance(value, tuple))
lists = st.lists(values, min_size=1, max_size=3)
numbers = st.floats(1e-3, 1e3)
flags = st.booleans()
singles = (
    scalars
    | lists
    | st.builds(Choice, lists)
    | st.builds(Normal, numbers, numbers)
    | st.builds(lambda low, width: Uniform(low, low + width), numbers, numbers)
    | st.builds(lambda low, width: LogUniform(low, low + width), numbers, numbers)
    | st.sampled_from([Random(), Sobol(), Halton(scramble=False), Grid(points=3), Bayesian()])
)
common = {
    "trials": st.none() | st.integers(1, 99),
    "repeats": flags,
    "wait": flags,
    "overrides": st.dictionaries(st.sampled_from(["x", "trials", "z"]), singles, max_size=3),
}
blocks = (
    st.builds(Random, **common)
    | st.builds(Sobol, scramble=flags, **common)
    | st.builds(LatinHypercube, **common)
    | st.builds(Grid, points=st.integers(1, 9) | st.just({"a": 3, "b": [1, (2,)]}), **common)
    | st.builds(
        Explicit, st.lists(st.dictionaries(st.text(), values), min_size=1, max_size=2), **common
    )
)


@settings(derandomize=True, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=3))
def test_json_round_trip_is_exact(strategies: list[Strategy]) -> None:
    plan = Plan(strategies)
    data = plan.to_dict()
    text = json.dumps(data, allow_nan=False)
    assert json.loads(text) == data
    copy = Plan.from_dict(json.loads(text))
    assert copy == plan
    assert json.dumps(copy.to_dict()) == text
    assert copy.extends(plan)
    assert repr(copy) == repr(plan)


def test_from_a_single_table() -> None:
    assert Plan.from_dict({"strategy": "random", "trials": 3}) == Plan.of(Random(3))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "no block"),
        ("random", "must be a list of blocks"),
        (None, "must be a list of blocks"),
        ([{"strategy": "random"}, {"strategy": "nothing"}], "block 1.*no strategy 'nothing'"),
        ([{"strategy": "random"}, {"strategy": "sobol", "trials": 0}], "block 1.*at least 1"),
        ([{"strategy": "uniform", "low": 0, "high": 1}], "single parameters"),
    ],
)
def test_json_that_is_no_plan(data: Any, message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Plan.from_dict(data)
