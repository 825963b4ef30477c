"""Every wrong definition fails at once, in one paragraph that names the parameter and the cure."""

import math

import numpy as np
import pytest

from phsx.exceptions import SpaceError
from phsx.space import Categorical, Constant, Expression, Float, Int, Ordinal, Space

X = Float(0, 1)
K = Categorical(["rbf", "poly"])


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        (None, "mapping from names"),
        ([X], "mapping from names"),
        ({}, "at least one parameter"),
        ({1: X}, "name 1 has to be text"),
        ({"": X}, "''"),
        ({"a b": X}, "'a b'"),
        ({"1a": X}, "'1a'"),
        ({"a-b": X}, "'a-b'"),
        ({"lambda": X}, "'lambda_'"),
        ({"None": X}, "'None_'"),
        ({"\ufb01": X}, "read by Python as 'fi'"),
        ({"x": (0, 1)}, r"'x' is \(0, 1\).*Float\(low, high\)"),
        ({"x": [1, 2]}, r"'x' is \[1, 2\].*Categorical"),
        ({"x": range(3)}, "'x' is range"),
        ({"x": np.arange(3)}, "'x' is array"),
        ({"x": Float}, "'x' is the class Float; call it"),
        ({"x": print}, "'x' is <built-in function print>"),
        ({"x": {"low": 0}}, "'x' is .* neither a parameter"),
        ({"x": math.nan}, "'x'.*finite"),
    ],
)
def test_what_is_no_space(parameters, word):
    with pytest.raises(SpaceError, match=word) as caught:
        Space(parameters)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["adam", 3, 0.5, True, None, np.int64(3)])
def test_a_plain_value_is_a_constant(value):
    assert Space({"x": value}).parameters["x"] == Constant(value)


def test_names_that_are_words_of_python_in_some_places_only():
    assert Space({"match": X, "type": X, "self": X, "größe": X}).names[-1] == "größe"


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"lr": X, "y": Expression("2 * lr2")}, "'y'.*'lr2'.*did you mean 'lr'"),
        ({"lr": X, "y": Expression("2 * momentum")}, "'y'.*'momentum'.*the space has lr, y"),
        ({"y": Expression("x + 1"), "x": X}, "'y'.*'x', which is defined later; put 'x' before"),
        ({"x": Expression("x + 1")}, "'x'.*the parameter itself"),
        ({"x": Expression(["1", "x"])}, "'x'.*the parameter itself"),
        ({"y": Float(0, 1, when={"k": "rbf"}), "k": K}, "'y'.*'k', which is defined later"),
        ({"y": Float(0, 1, when="y > 0.5")}, "'y'.*the parameter itself"),
        ({"kernel": K, "y": Float(0, 1, when={"kernl": "rbf"})}, "'y'.*did you mean 'kernel'"),
        ({"e": X, "y": Expression("2 * e")}, "'y'.*'e'.*constant of the expression language"),
        ({"k": K, "y": Float(0, 1, when={"k": "rbff"})}, "'y'.*'rbff' is not among"),
        ({"k": K, "y": Float(0, 1, when={"k": ("rbf", "poly")})}, "'y'.*as a list"),
        ({"k": K, "y": Float(0, 1, when="k != 'sigmoid'")}, "'y'.*'sigmoid' is not among"),
        ({"k": K, "y": Float(0, 1, when="k > 'a'")}, "'y'.*by the alphabet"),
        ({"n": Int(1, 5), "y": Float(0, 1, when={"n": 9})}, "'y'.*9 is above"),
        ({"n": Int(1, 5), "y": Float(0, 1, when={"n": [2, 9]})}, "'y'.*9 is above"),
        ({"n": Int(1, 5), "y": Float(0, 1, when={"n": "2"})}, "'y'.*has to be a number"),
        ({"n": Int(1, 5), "y": Float(0, 1, when="n > 5")}, "'y'.*never > 5"),
        ({"n": Int(1, 5), "y": Float(0, 1, when="0 > n")}, "'y'.*never < 0"),
        ({"n": Int(1, 5), "y": Float(0, 1, when="n > 'a'")}, "'y'.*never"),
        ({"n": 3, "y": Float(0, 1, when={"n": 4})}, "'y'.*4 is not the constant 3"),
        ({"n": Int(1, 5), "y": Float(0, 1, when="n + 1")}, "'y'.*not True or False"),
        ({"n": Int(1, 5), "y": Float(0, 1, when="n")}, "'y'.*takes 'n' for True or False"),
        ({"k": K, "y": Expression("k * 2")}, "'y'.*calculates with 'k'"),
        ({"k": "a", "y": Expression("sin(k)")}, "'y'.*calculates with 'k'"),
        ({"k": Categorical([1, True]), "y": Float(0, 1, when={"k": 1})}, "'y'.*apart"),
        ({"k": Ordinal(["s", "m"]), "y": Float(0, 1, when="k <= 's'")}, "'y'.*alphabet"),
    ],
)
def test_expressions_and_conditions_that_do_not_fit(parameters, word):
    with pytest.raises(SpaceError, match=f"^parameter {word}") as caught:
        Space(parameters)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("constraints", "word"),
    [
        (3, "list of expressions"),
        ({"x < 1"}, "list of expressions"),
        ([3], "constraint 1: .*text"),
        (["x < 1", "x <"], "constraint 2: .*cannot be read"),
        (["x + 1"], "'x \\+ 1' is not True or False"),
        (["x"], "takes 'x' for True or False"),
        (["lrr < 1"], "'lrr', which is no parameter; did you mean 'lr'"),
        (["1 < 2"], "mentions no parameter"),
        (["x > 1"], "'x' is never > 1"),
        (["2 < x < 3"], "'x' is never > 2"),
        (["k == 'rbff'"], "'rbff' is not among"),
        (["k == 'rbf' or k == 'rbff'"], "'rbff' is not among"),
        (["k + 1 > 0"], "calculates with 'k'"),
    ],
)
def test_constraints_that_do_not_fit(constraints, word):
    with pytest.raises(SpaceError, match=word) as caught:
        Space({"x": X, "lr": X, "k": K}, constraints)
    assert "\n" not in str(caught.value)


def test_what_is_true_or_false_may_stand_alone():
    space = Space(
        {
            "on": Categorical([True, False]),
            "off": Expression("not on"),
            "both": Expression("on and off"),
            "x": Float(0, 1, when="off or both"),
        },
        ["on or off", "True if both else off"],
    )
    assert list(space.complete({"on": False, "x": 0.5})) == ["on", "off", "both", "x"]


def test_one_constraint_may_stand_by_itself():
    assert Space({"x": X}, "x < 0.5") == Space({"x": X}, ["x < 0.5"])


def test_a_mixed_choice_may_be_calculated_with():
    space = Space({"k": Categorical([2, "auto"]), "y": Expression("1 if k == 'auto' else k * 2")})
    assert [point["y"] for point in space.points()] == [4, 1]
