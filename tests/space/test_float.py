import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from phsx.exceptions import SpaceError
from phsx.space import Float

floats = st.floats(allow_nan=False, allow_infinity=False)


@settings(derandomize=True, deadline=None, max_examples=150)
@given(floats, floats, st.booleans(), st.lists(st.floats(0, 1), max_size=3))
def test_values_are_in_range_and_come_back(one, other, log, units):
    low, high = sorted((abs(one), abs(other)) if log else (one, other))
    assume(low < high and (low > 0 or not log))
    parameter = Float(low, high, log=log)
    for u in (0.0, 1.0, *units):
        value = parameter.from_unit(u)
        assert low <= value <= high
        assert parameter.check(value) == value
        assert parameter.from_unit(parameter.to_unit(value)) == value


def test_numbers_of_numpy_become_plain():
    parameter = Float(np.float64(0), np.int32(2), log=np.False_)
    assert (type(parameter.low), type(parameter.high), parameter.log) == (float, float, False)
    assert type(parameter.check(np.float32(0.5))) is float


def test_check_keeps_what_a_user_gives():
    assert Float(0, 1).check(0.12345678901234567) == 0.12345678901234567
    assert type(Float(0, 1).check(1)) is float


def test_check_forgives_rounding_errors_only():
    assert Float(0, 0.3).check(0.1 + 0.2) == 0.3
    assert Float(0, 1, step=0.1).check(0.1 + 0.2) == 0.3
    assert Float(1e-300, 1e300, log=True).check(1e-300 * (1 - 1e-15)) == 1e-300
    for parameter, value in [
        (Float(0, 0.3), 0.3001),
        (Float(1e-300, 1e300, log=True), 0.0),
        (Float(0, 1, step=0.1), 0.30001),
        (Float(0, 1, digits=2), 0.123),
        (Float(1e6, 2e6, step=1e-4), 1e6 + 5e-5),
        (Float(1, 10, log=True, digits=2), 1.55),
    ]:
        with pytest.raises(SpaceError):
            parameter.check(value)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (2, "above the upper bound 1.0"),
        (-1, "below the lower bound 0.0"),
        ("0.5", "has to be a number"),
        (True, "has to be a number"),
        (None, "has to be a number"),
        (math.nan, "finite"),
        (math.inf, "finite"),
    ],
)
def test_check_refuses(value, word):
    with pytest.raises(SpaceError, match=word):
        Float(0, 1).check(value)


@pytest.mark.parametrize(
    ("arguments", "options", "word"),
    [
        ((5, -5), {}, "lower bound is above the upper bound"),
        ((1, 1), {}, r"bounds are equal.*Constant\(1.0\)"),
        ((0, 1), {"log": True}, "above zero"),
        ((-1, 1), {"log": True}, "above zero"),
        ((math.nan, 1), {}, "lower bound is nan"),
        ((0, math.inf), {}, "upper bound is inf"),
        (("0", 1), {}, "lower bound is '0'"),
        ((0, True), {}, "upper bound is True"),
        ((None, 1), {}, "lower bound is None"),
        (([0, 1], 2), {}, r"lower bound is \[0, 1\]"),
        ((0, 10**400), {}, "finite"),
        ((0, 1), {"log": "yes"}, "log is 'yes'"),
        ((0, 1), {"step": 0}, "step is 0.0"),
        ((0, 1), {"step": -0.1}, "step is -0.1"),
        ((0, 1), {"step": 2}, "step is 2.0, larger"),
        ((0, 1), {"step": "a"}, "step is 'a'"),
        ((0, 1), {"step": math.nan}, "step is nan"),
        ((0, 1), {"step": 0.1, "digits": 2}, "not both"),
        ((0, 1), {"digits": 1.5}, "digits is 1.5"),
        ((0, 1), {"digits": -1}, "digits is -1"),
        ((0, 1), {"when": 3}, "when=3"),
    ],
)
def test_bad_definitions(arguments, options, word):
    with pytest.raises(SpaceError, match=word) as caught:
        Float(*arguments, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [{"step": 0.01}, {"digits": 2}])
def test_values_are_spread_evenly(options):
    parameter = Float(0, 0.99, **options)
    values = [parameter.from_unit((i + 0.5) / 1000) for i in range(1000)]
    assert {values.count(value) for value in set(values)} == {10}
