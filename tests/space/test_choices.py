import math

import numpy as np
import pytest

from phsx.exceptions import SpaceError
from phsx.space import Categorical, Ordinal


@pytest.fixture(params=[Categorical, Ordinal])
def kind(request):
    return request.param


def test_order_is_what_tells_them_apart():
    assert Ordinal([1, 2]).ordered
    assert not Categorical([1, 2]).ordered


def test_equal_values_of_other_types_are_other_choices(kind):
    parameter = kind([1, 1.0, True, "1"])
    for place, value in enumerate([1, 1.0, True, "1"]):
        assert parameter.identity(value) == place
        assert type(parameter.check(value)) is type(value)


def test_a_number_may_stand_for_an_equal_one_but_not_for_a_bool(kind):
    assert type(kind([1.0, 2.0]).check(1)) is float
    assert type(kind([1, 2]).check(np.float64(2))) is int
    for value in (1, 0.0):
        with pytest.raises(SpaceError, match="not among the choices True, False"):
            kind([True, False]).check(value)
    with pytest.raises(SpaceError):
        kind([0, 1]).check(True)


def test_scalars_of_numpy_and_ranges(kind):
    assert kind(np.array([1, 2])) == kind([1, 2])
    assert kind(range(3)) == kind([0, 1, 2])
    assert kind([np.float32(0.5), np.str_("a")]).choices == (0.5, "a")


def test_tuples_and_what_json_makes_of_them(kind):
    parameter = kind([(64,), (64, 32), ()])
    assert parameter.check([64, 32]) == (64, 32)
    assert parameter.to_unit([64]) == parameter.to_unit((64,))


@pytest.mark.parametrize("value", ["c", 3, None, math.inf, print, {}])
def test_what_is_no_choice(kind, value):
    with pytest.raises(SpaceError):
        kind(["a", "b"]).check(value)
    with pytest.raises(SpaceError):
        kind(["a", "b"]).to_unit(value)


def test_a_long_list_of_choices_makes_no_long_message(kind):
    with pytest.raises(SpaceError) as caught:
        kind(range(10**4)).check("a")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("choices", "word"),
    [
        ([], "nothing to choose from"),
        (["a", "b", "a"], "'a' is there twice"),
        ([0.0, -0.0], "twice"),
        ([(1, 2), (1, 2)], "twice"),
        ("abc", "as a list"),
        ({"a", "b"}, "as a list"),
        ({"a": 1}, "as a list"),
        (3, "as a list"),
        (None, "as a list"),
        ([[1, 2], [3]], "as a tuple"),
        (np.zeros((2, 2)), "as a tuple"),
        ([print], "look it up in the target"),
        ([{"a": 1}], "look it up in the target"),
        ([(1, {2})], "look it up in the target"),
        ([math.nan], "finite"),
        (["\ud800"], "Unicode"),
    ],
)
def test_bad_definitions(kind, choices, word):
    with pytest.raises(SpaceError, match=word) as caught:
        kind(choices)
    assert str(caught.value).startswith(kind.__name__)
    assert "\n" not in str(caught.value)


def test_an_iterator_is_refused(kind):
    with pytest.raises(SpaceError, match="as a list"):
        kind(letter for letter in "ab")
