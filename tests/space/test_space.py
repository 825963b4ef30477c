import copy
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phsx.exceptions import SpaceError
from phsx.space import Categorical, Constant, Expr, Expression, Float, Int, Ordinal, Space

SPACE = Space(
    {
        "kernel": Categorical(["rbf", "poly", (1, "a")]),
        "degree": Int(2, 5, when={"kernel": "poly"}),
        "n": 3,
        "x": Float(0, 1),
        "fine": Float(1e-3, 1, log=True, when="degree > 3"),
        "twice": Expression("x * 2"),
        "shifted": Expression("degree + n"),
        "pick": Expression(["x", "n", "x / (n - 3)"]),
        "size": Ordinal([8, 16, 32]),
    },
    ["x < 0.9", "degree + size < 36"],
)
ADMISSIBLE = {"kernel": "poly", "degree": 4, "x": 0.5, "fine": 0.01, "pick": Expr("n"), "size": 16}
COMPLETE = {
    "kernel": "poly",
    "degree": 4,
    "n": 3,
    "x": 0.5,
    "fine": 0.01,
    "twice": 1.0,
    "shifted": 7,
    "pick": 3,
    "size": 16,
}


def test_shape():
    assert SPACE.names == tuple(COMPLETE)
    assert SPACE.dimensions == ("kernel", "degree", "x", "fine", "pick", "size")
    assert len(SPACE) == 6
    assert SPACE.size == math.inf
    assert SPACE.constraints == ("x < 0.9", "degree + size < 36")
    with pytest.raises(TypeError):
        SPACE.parameters["x"] = Float(0, 2)


def test_size_of_a_finite_space_beside_a_huge_and_a_continuous_one():
    huge = {f"p{i}": Int(0, 10**15) for i in range(30)}
    assert Space(huge).size == (10**15 + 1) ** 30
    assert Space({**huge, "x": Float(0, 1)}).size == math.inf
    assert Space({"a": 1}).size == 1


def test_complete():
    point = SPACE.complete(ADMISSIBLE)
    assert point == COMPLETE
    assert list(point) == list(COMPLETE)
    assert SPACE.complete(point) == point
    assert SPACE.complete({**ADMISSIBLE, "unknown": 1, "n": 7}) == COMPLETE


def test_complete_drops_what_is_inactive():
    point = SPACE.complete({**ADMISSIBLE, "degree": 3})
    assert "fine" not in point
    point = SPACE.complete({**ADMISSIBLE, "kernel": "rbf"})
    assert list(point) == ["kernel", "n", "x", "twice", "pick", "size"]


def test_complete_has_no_answer():
    assert SPACE.complete({**ADMISSIBLE, "x": 0.95}) is None
    assert SPACE.complete({**ADMISSIBLE, "size": 32}) is None
    assert SPACE.complete({**ADMISSIBLE, "pick": Expr("x / (n - 3)")}) is None


@pytest.mark.parametrize("name", ADMISSIBLE)
def test_complete_needs_every_active_dimension(name):
    partial = {key: value for key, value in ADMISSIBLE.items() if key != name}
    with pytest.raises(SpaceError, match=f"'{name}'"):
        SPACE.complete(partial)


def test_complete_names_what_a_plain_space_lacks():
    with pytest.raises(SpaceError, match="'b'"):
        Space({"a": Int(0, 1), "b": Int(0, 1)}).complete({"a": 1})


def test_satisfies():
    assert SPACE.satisfies(COMPLETE)
    assert not SPACE.satisfies({**COMPLETE, "x": 0.95})
    assert SPACE.satisfies({"kernel": "rbf", "x": 0.5, "size": 32})
    assert not Space({"x": Int(-1, 1)}, ["1 / x > 0"]).satisfies({"x": 0})


def test_to_unit_and_active():
    u = SPACE.to_unit(COMPLETE)
    assert u.dtype == np.float64
    assert u.tolist() == pytest.approx([0.5, 0.625, 0.5, 1 / 3, 0.5, 0.5])
    assert SPACE.active(COMPLETE).tolist() == [True] * 6
    rbf = SPACE.complete({**ADMISSIBLE, "kernel": "rbf"})
    assert SPACE.to_unit(rbf).tolist() == pytest.approx([1 / 6, 0.5, 0.5, 0.5, 0.5, 0.5])
    assert SPACE.active(rbf).tolist() == [True, False, True, False, True, True]
    assert SPACE.active(rbf).dtype == np.bool_


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_points_come_back_exactly_from_the_cube_and_from_json(u):
    point = SPACE.from_unit(u)
    if point is None:
        return
    assert SPACE.satisfies(point)
    assert SPACE.check(point) == point
    assert SPACE.complete(point) == point
    assert repr(SPACE.from_unit(SPACE.to_unit(point))) == repr(point)
    stored = json.loads(json.dumps(point))
    assert repr(SPACE.check(stored)) == repr(point)
    assert SPACE.key(stored) == SPACE.key(point)
    assert SPACE.to_unit(stored).tolist() == SPACE.to_unit(point).tolist()
    other = Space.from_dict(json.loads(json.dumps(SPACE.to_dict())))
    assert repr(other.from_unit(u)) == repr(point)


def test_from_unit_wants_the_right_shape():
    for u in ([0.5], [[0.5] * 6], 0.5, []):
        with pytest.raises(SpaceError, match="6 coordinates"):
            SPACE.from_unit(u)
    with pytest.raises(SpaceError, match="NaN"):
        SPACE.from_unit([0.5, 0.5, math.nan, 0.5, 0.5, 0.5])


def test_from_unit_moves_into_the_cube():
    space = Space({"x": Float(0, 1), "n": Int(1, 3)})
    assert space.from_unit(np.array([-0.1, 1.1])) == {"x": 0.0, "n": 3}


def test_key():
    space = Space({"c": Categorical([1, True, 1.0]), "x": Float(-1, 1)})
    points = [{"c": c, "x": 0.5} for c in (1, True, 1.0)]
    assert len({space.key(point) for point in points}) == 3
    assert space.key({"c": 1, "x": 0.0}) == space.key({"x": -0.0, "c": 1})
    assert space.key({"c": 1, "x": 0}) == space.key({"c": 1, "x": 0.0})
    assert SPACE.key(COMPLETE) != SPACE.key({**COMPLETE, "size": 8})
    rbf = SPACE.complete({**ADMISSIBLE, "kernel": "rbf"})
    assert SPACE.key(rbf) != SPACE.key(COMPLETE)
    assert SPACE.key(rbf) == SPACE.key(SPACE.complete({**ADMISSIBLE, "kernel": "rbf", "degree": 2}))


def test_keys_tell_all_points_apart():
    space = Space(
        {
            "a": Categorical([None, 0, False, "0"]),
            "b": Int(0, 1),
            "c": Expression(["a", "b"]),
        }
    )
    points = list(space.points())
    assert len({space.key(point) for point in points}) == len(points)


def test_sample_is_uniform_and_valid():
    rng = np.random.default_rng(0)
    points = [SPACE.sample(rng) for _ in range(300)]
    assert all(SPACE.check(point) == point for point in points)
    assert {point["kernel"] for point in points} == {"rbf", "poly", (1, "a")}
    again = np.random.default_rng(0)
    assert [SPACE.sample(again) for _ in range(3)] == points[:3]


def test_sample_gives_up_with_the_reason():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, ["x > y", "y > x"])
    with pytest.raises(SpaceError, match="'x > y', 'y > x' leave almost nothing"):
        space.sample(np.random.default_rng(0))


def test_a_space_without_dimensions():
    space = Space({"a": 1, "b": Expression("a + 1")})
    assert len(space) == 0
    assert space
    assert space.from_unit([]) == {"a": 1, "b": 2}
    assert space.to_unit({"a": 1, "b": 2}).shape == (0,)
    assert list(space.points()) == [{"a": 1, "b": 2}]
    assert space.sample(np.random.default_rng(0)) == {"a": 1, "b": 2}


def test_conditions_may_mention_constants_and_expressions():
    space = Space(
        {
            "mode": "deep",
            "n": Int(1, 4),
            "square": Expression("n ** 2"),
            "x": Float(0, 1, when="mode == 'deep' and square > 4"),
        }
    )
    assert space.complete({"n": 2, "x": 0.5}) == {"mode": "deep", "n": 2, "square": 4}
    assert space.complete({"n": 3, "x": 0.5})["x"] == 0.5


def test_what_mentions_an_inactive_parameter_is_inactive():
    space = Space(
        {
            "a": Categorical(["on", "off"]),
            "b": Int(1, 3, when={"a": "on"}),
            "c": Int(1, 3, when="b > 1 or a == 'off'"),
            "d": Expression("b * 2"),
            "f": Constant(1, when="d > 2"),
        }
    )
    assert space.complete({"a": "off"}) == {"a": "off"}
    assert space.complete({"a": "on", "b": 2, "c": 1}) == {
        "a": "on",
        "b": 2,
        "c": 1,
        "d": 4,
        "f": 1,
    }


def test_a_condition_without_a_value_does_not_hold():
    space = Space({"n": Int(-1, 1), "x": Float(0, 1, when="1 / n > 0")})
    assert space.complete({"n": 0, "x": 0.5}) == {"n": 0}


def test_of():
    assert Space.of(SPACE) is SPACE
    assert Space.of({"x": Float(0, 1)}) == Space({"x": Float(0, 1)})
    with pytest.raises(SpaceError):
        Space.of(3)


@pytest.mark.parametrize(
    "again",
    [
        lambda it: Space.from_dict(json.loads(json.dumps(it.to_dict(), sort_keys=True))),
        lambda it: pickle.loads(pickle.dumps(it)),
        copy.deepcopy,
        copy.copy,
        lambda it: Space(it.parameters, it.constraints),
    ],
    ids=["json", "pickle", "deepcopy", "copy", "arguments"],
)
def test_it_comes_back_equal(again):
    other = again(SPACE)
    assert other == SPACE
    assert hash(other) == hash(SPACE)
    assert repr(other) == repr(SPACE)
    assert other.complete(ADMISSIBLE) == COMPLETE


def test_the_order_counts():
    one = Space({"a": Int(0, 1), "b": Int(0, 1)})
    assert one != Space({"b": Int(0, 1), "a": Int(0, 1)})
    assert one != Space({"a": Int(0, 1), "b": Int(0, 1)}, ["a < 1"])
    assert one != {"a": Int(0, 1), "b": Int(0, 1)}


def test_repr_is_the_call_that_makes_it():
    names = (Categorical, Constant, Expression, Float, Int, Ordinal, Space)
    assert eval(repr(SPACE), {kind.__name__: kind for kind in names}) == SPACE
