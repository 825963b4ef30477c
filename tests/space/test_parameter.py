"""What every kind of parameter has to fulfil."""

import copy
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phsx.exceptions import SpaceError
from phsx.space import (
    Categorical,
    Constant,
    Expr,
    Expression,
    Float,
    Int,
    Ordinal,
    Space,
    parameter_from_dict,
)

PARAMETERS = [
    Float(-5, 5),
    Float(1e-300, 1e300, log=True),
    Float(-1e308, 1e308),
    Float(1e6, 1e6 + 1e-6),
    Float(0.1, 0.7, step=0.2),
    Float(1, 100, log=True, step=0.5),
    Float(0, 1, digits=2, when="k > 1"),
    Float(1e-5, 10, log=True, digits=3),
    Int(-3, 7),
    Int(0, 100, step=25, when={"kernel": ["rbf", "poly"], "deep": True}),
    Int(1, 10**6, log=True),
    Int(0, 2**63),
    Int(7, 1000, step=3, log=True),
    Categorical(["a", "b", None, 1, 1.0, True, (1, ("x", 2.5))]),
    Categorical(["only"]),
    Ordinal([8, 16, 32, 64]),
    Constant(3),
    Constant((1, "a", None), when={"k": "x"}),
    Expression("sin(x) * n"),
    Expression(["x + 1", "x * 2", "3"], when="x > 0"),
]


@pytest.fixture(params=PARAMETERS, ids=repr)
def parameter(request):
    return request.param


def test_every_value_comes_back_from_its_coordinate(parameter):
    for step in range(201):
        value = parameter.from_unit(step / 200)
        u = parameter.to_unit(value)
        assert type(u) is float
        assert 0 <= u <= 1
        back = parameter.from_unit(u)
        assert back == value
        assert type(back) is type(value)
        assert parameter.check(value) == value


def test_scalars_of_numpy_make_no_difference(parameter):
    for u in (0.1, 1 / 3, 0.9):
        value = parameter.from_unit(np.float64(u))
        assert value == parameter.from_unit(u)
        assert type(value) is type(parameter.from_unit(u))
        if isinstance(value, (int, float)) and abs(value) < 2**62:
            assert type(parameter.to_unit(np.array([value])[0])) is float


def test_coordinates_outside_the_cube_are_moved_to_its_ends(parameter):
    assert parameter.from_unit(-1.0) == parameter.from_unit(0.0)
    assert parameter.from_unit(math.inf) == parameter.from_unit(1.0)


def test_a_coordinate_that_is_nan_is_refused(parameter):
    if parameter.dimensions:
        with pytest.raises(SpaceError, match="NaN"):
            parameter.from_unit(math.nan)


def test_size_counts_the_values(parameter):
    if parameter.size == math.inf:
        with pytest.raises(SpaceError, match="continuous"):
            parameter.values()
    elif parameter.size <= 10**4:
        values = list(parameter.values())
        assert len(values) == parameter.size
        assert [parameter.from_unit(parameter.to_unit(value)) for value in values] == values
        keys = {parameter.identity(value) for value in values}
        assert len(keys) == parameter.size


def test_equal_bins(parameter):
    if not parameter.log and parameter.size <= 1000:
        n = parameter.size
        centres = [parameter.to_unit(value) for value in parameter.values()]
        assert centres == pytest.approx([(i + 0.5) / n for i in range(n)])


@pytest.mark.parametrize(
    "again",
    [
        lambda it: parameter_from_dict(json.loads(json.dumps(it.to_dict(), allow_nan=False))),
        lambda it: pickle.loads(pickle.dumps(it)),
        copy.copy,
        copy.deepcopy,
    ],
    ids=["json", "pickle", "copy", "deepcopy"],
)
def test_it_comes_back_equal(parameter, again):
    other = again(parameter)
    assert other == parameter
    assert hash(other) == hash(parameter)
    assert repr(other) == repr(parameter)
    assert other.to_dict() == parameter.to_dict()
    assert (other.size, other.dimensions) == (parameter.size, parameter.dimensions)
    assert other.from_unit(0.3) == parameter.from_unit(0.3)


def test_its_repr_is_the_call_that_makes_it(parameter):
    names = {kind.__name__: kind for kind in (Float, Int, Categorical, Ordinal, Constant)}
    made = eval(repr(parameter), {**names, "Expression": Expression})
    assert made == parameter


def test_it_cannot_be_changed(parameter):
    for name in ("when", "low", "new"):
        with pytest.raises(AttributeError, match="cannot be changed"):
            setattr(parameter, name, 1)
    with pytest.raises(AttributeError, match="cannot be changed"):
        del parameter.when


def test_no_two_are_equal():
    assert len(set(PARAMETERS)) == len(PARAMETERS)
    assert Float(0, 1) != Float(0, 1, when="a > 1")
    assert Float(0, 1) != Int(0, 1)
    assert Float(0, 1) != "Float(0.0, 1.0)"
    assert Categorical([1, 2]) != Categorical([1.0, 2.0])
    assert Categorical(["a"]) != Ordinal(["a"])
    assert Constant(1) != Constant(True)


def test_conditions_are_expressions():
    assert Float(0, 1).when is None
    assert Float(0, 1, when={"a": 1}).when == Expr("a == 1")
    assert Float(0, 1, when="a == 1") == Float(0, 1, when={"a": 1})


scalars = (
    st.text(max_size=5)
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=5)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(values)
def test_any_json_value_is_a_constant_that_comes_back_exactly(value):
    space = Space({"c": value if not isinstance(value, tuple) else Constant(value)})
    other = Space.from_dict(json.loads(json.dumps(space.to_dict())))
    assert other == space
    assert repr(other.complete({})) == repr({"c": value})


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(values, min_size=1, max_size=6, unique_by=repr))
def test_any_json_values_are_choices_that_come_back_exactly(choices):
    try:
        parameter = Categorical(choices)
    except SpaceError as error:
        assert "twice" in str(error)
        return
    other = parameter_from_dict(json.loads(json.dumps(parameter.to_dict())))
    assert other == parameter
    for choice in parameter.values():
        assert repr(other.from_unit(parameter.to_unit(choice))) == repr(choice)
        # What a journal holds has lists in place of tuples.
        stored = json.loads(json.dumps(choice))
        assert repr(other.check(stored)) == repr(choice)
        assert other.to_unit(stored) == parameter.to_unit(choice)
        assert other.identity(stored) == parameter.identity(choice)
