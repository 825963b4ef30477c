import itertools

import pytest

from phsx.exceptions import SpaceError
from phsx.space import Categorical, Expression, Float, Int, Space


def test_every_valid_point_once_the_last_parameter_fastest():
    space = Space({"a": Int(1, 3), "b": Float(0, 0.2, step=0.1)}, ["a > 1 or b > 0"])
    expected = [
        {"a": a, "b": b} for a, b in itertools.product([1, 2, 3], [0.0, 0.1, 0.2]) if a > 1 or b > 0
    ]
    assert list(space.points()) == expected


def test_conditions():
    space = Space(
        {
            "kernel": Categorical(["rbf", "poly"]),
            "degree": Int(2, 3, when={"kernel": "poly"}),
            "deep": Categorical([True, False], when="degree > 2"),
            "n": 5,
        }
    )
    assert list(space.points()) == [
        {"kernel": "rbf", "n": 5},
        {"kernel": "poly", "degree": 2, "n": 5},
        {"kernel": "poly", "degree": 3, "deep": True, "n": 5},
        {"kernel": "poly", "degree": 3, "deep": False, "n": 5},
    ]
    assert space.size == 8


def test_formulas_of_equal_value_give_one_point():
    space = Space({"n": Int(1, 3), "y": Expression(["n + 2", "n * 2", "1 / (n - 3)"])})
    assert [(p["n"], p["y"]) for p in space.points()] == [
        (1, 3),
        (1, 2),
        (1, -0.5),
        (2, 4),
        (2, -1.0),
        (3, 5),
        (3, 6),
    ]


def test_points_without_a_value_are_left_out():
    space = Space({"n": Int(0, 2), "y": Expression("1 / n")})
    assert [point["n"] for point in space.points()] == [1, 2]


def test_lazily_and_with_early_cuts():
    letters = {f"p{i}": Int(0, 9) for i in range(30)}
    space = Space(letters, ["p0 == 9", *(f"p{i} > p{i - 1} - 1" for i in range(1, 30))])
    assert space.size == 10**30
    assert [set(point.values()) for point in itertools.islice(space.points(), 2)] == [{9}]


def test_each_point_is_its_own():
    points = list(Space({"a": Int(0, 1), "b": Int(0, 1)}).points())
    points[0]["a"] = 7
    assert points[1] == {"a": 0, "b": 1}


def test_a_continuous_parameter_is_named():
    with pytest.raises(SpaceError, match="'x' is continuous"):
        Space({"n": Int(1, 3), "x": Float(0, 1)}).points()


def test_many_parameters():
    space = Space({**{f"c{i}": i for i in range(2000)}, "n": Int(0, 1)})
    assert sum(1 for _ in space.points()) == 2
