import math

import numpy as np
import pytest

from phsx.exceptions import SpaceError
from phsx.space import Categorical, Expr, Expression, Float, Int, Space

SPACE = Space(
    {
        "kernel": Categorical(["rbf", "poly"]),
        "degree": Int(2, 5, when={"kernel": "poly"}),
        "n": 3,
        "x": Float(0, 1),
        "twice": Expression("x * 2"),
        "shifted": Expression("degree + n"),
        "pick": Expression(["x", "n"]),
    },
    ["x < 0.9", "degree < 5"],
)
GOOD = {"kernel": "rbf", "x": 0.5, "pick": 3}


def test_a_point_is_completed_in_order():
    expected = {"kernel": "rbf", "n": 3, "x": 0.5, "twice": 1.0, "pick": 3}
    for given in (GOOD, dict(reversed(GOOD.items())), {**GOOD, "n": 3, "twice": 1}, expected):
        checked = SPACE.check(given)
        assert checked == expected
        assert list(checked) == list(expected)


def test_values_become_plain():
    checked = SPACE.check(
        {"kernel": np.str_("poly"), "degree": np.int64(3), "x": np.float32(0.5), "pick": Expr("x")}
    )
    assert checked == {
        "kernel": "poly",
        "degree": 3,
        "n": 3,
        "x": 0.5,
        "twice": 1.0,
        "shifted": 6,
        "pick": 0.5,
    }
    assert {type(value) for value in checked.values()} == {str, int, float}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kernl": 1}, "'kernl', which is no parameter; did you mean 'kernel'"),
        ({"zzz": 1}, "'zzz', which is no parameter; the space has kernel"),
        ({3: 1}, "3, which is no parameter"),
        ({"degree": 3}, "'degree' is not active"),
        ({"shifted": 3}, "'shifted' is not active"),
        ({"x": 2}, "'x': 2.0 is above"),
        ({"x": "a"}, "'x': .*number"),
        ({"x": math.nan}, "'x': .*finite"),
        ({"kernel": "linear"}, "'kernel': 'linear' is not among"),
        ({"kernel": "poly"}, "'degree' has no value"),
        ({"n": 4}, "'n': 4 is not the constant 3"),
        ({"twice": 1.5}, "'twice': 1.5 is not the value"),
        ({"pick": 7}, "'pick': 7 is not the value of 'x', 'n'"),
        ({"pick": "y"}, "'pick': 'y' is not one of"),
        ({"x": 0.95}, "'x < 0.9' does not hold"),
        ({"kernel": "poly", "degree": 5}, "'degree < 5' does not hold"),
    ],
)
def test_what_does_not_belong_is_named(change, word):
    with pytest.raises(SpaceError, match=word) as caught:
        SPACE.check({**GOOD, **change})
    assert "\n" not in str(caught.value)


def test_what_is_missing_is_named():
    for name, word in [("x", "'x' has no value"), ("pick", "'pick': .*choose one")]:
        with pytest.raises(SpaceError, match=word):
            SPACE.check({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize("point", [3, None, [1], "x"])
def test_what_is_no_point(point):
    with pytest.raises(SpaceError, match="mapping from names to values"):
        SPACE.check(point)


def test_an_expression_without_a_value_is_named():
    space = Space({"n": Int(0, 1), "y": Expression("1 / n")})
    with pytest.raises(SpaceError, match="'y': .*division by zero"):
        space.check({"n": 0})
