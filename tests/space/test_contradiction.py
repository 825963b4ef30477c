import time

import pytest

from phsx.exceptions import SpaceError
from phsx.space import Categorical, Expression, Float, Int, Space

A = Categorical(["x", "y"])


@pytest.mark.parametrize(
    "parameters",
    [
        {"a": A, "b": Int(0, 1, when="a == 'x' and a == 'y'")},
        {"a": A, "b": Int(0, 1, when="a == 'x' and not a == 'x'")},
        {"a": A, "b": Int(0, 1, when={"a": "x"}), "c": Int(0, 1, when="a == 'y' and b == 1")},
        {"a": A, "b": Float(0, 1, when={"a": "x"}), "c": Int(0, 1, when="a == 'y' and b > 0.5")},
        {"a": Float(0, 1), "b": Int(0, 1, when="a > 0.5 and a < 0.4")},
        {"a": Float(0, 1), "b": Int(0, 1, when="a > 0.5 and a != 0.7 and a <= 0.5")},
        {"a": Int(0, 2**62), "b": Int(0, 1, when="a > 2**0 and 5 < a < 5")},
        {"a": A, "n": Expression("3 if a == 'x' else 4"), "b": Int(0, 1, when="n == 5")},
        {"a": A, "n": Expression("1 / 0"), "b": Int(0, 1, when="n == 5")},
    ],
)
def test_a_parameter_that_is_never_active(parameters):
    with pytest.raises(SpaceError, match=f"^parameter '{list(parameters)[-1]}'.*can never hold"):
        Space(parameters)


@pytest.mark.parametrize(
    "constraints",
    [
        ["n * m > 16"],
        ["n > m", "m > n"],
        ["x > 0.6", "x < 0.5"],
        ["0.2 < x < 0.8 and x == 0.9"],
        ["big in (1, 2)", "big >= 3"],
    ],
)
def test_constraints_that_exclude_all(constraints):
    few = {"n": Int(1, 4), "m": Int(1, 4)}
    many = {"x": Float(0, 1), "big": Int(0, 10**9)}
    with pytest.raises(SpaceError, match="exclude all"):
        Space(few if "m" in constraints[0] else many, constraints)


def test_a_constraint_on_what_may_be_inactive_need_not_hold():
    a = {"a": A, "x": Float(0, 1, when={"a": "x"})}
    space = Space(a, ["x > 0.6", "x < 0.5"])
    assert space.complete({"a": "y"}) == {"a": "y"}


def test_a_space_of_expressions_without_a_value():
    with pytest.raises(SpaceError, match="'1 / n' never has a value"):
        Space({"n": 0, "y": Expression("1 / n")})


@pytest.mark.parametrize(
    "when",
    [
        "a > 0.5 and a < 0.6",
        "a == 0.5",
        "a >= 1",
        "a <= 0",
        "a != 0.5",
        "0.4 < a < 0.6 and a not in (0.5,)",
        "b > 2**62 - 3 and b < 2**62 - 1",
        "b > 4611686018427387901 and b < 4611686018427387903",
        "b == 4611686018427387904",
        "big == 4999",
    ],
)
def test_what_is_possible_is_not_refused(when):
    many = Categorical(list(range(5000)))
    Space({"a": Float(0, 1), "b": Int(0, 2**62), "big": many, "c": Int(0, 1, when=when)})


def test_it_takes_no_time_in_a_large_space():
    parameters = {f"p{i}": Int(0, 9) for i in range(300)}
    chain = {f"q{i}": Float(0, 1, when=f"p{i} > 3") for i in range(300)}
    constants = {f"c{i}": i for i in range(1500)}
    started = time.perf_counter()
    Space({**parameters, **chain, **constants}, ["p0 < p1"])
    Space({**constants, "a": A})
    assert time.perf_counter() - started < 5
