import sys

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from phsx.space.linear_scale import LinearScale

floats = st.floats(allow_nan=False, allow_infinity=False)
MAX = sys.float_info.max


@settings(derandomize=True, deadline=None, max_examples=200)
@given(floats, floats, st.floats(0, 1))
@example(-1e308, 1e308, 0.3)
@example(-MAX, MAX, 0.999)
@example(1e6, 1e6 + 1e-6, 0.37)
@example(0.0, 5e-324, 0.7)
@example(-1.0, 1.2409156666878517e-273, 0.9999999999999999)
@example(-4.1262778076193415e-92, 1.6703358520682085e232, 2.225073858507e-311)
@example(1 / 3, 2 / 3, 0.0)
def test_every_value_comes_back_exactly(one, other, u):
    assume(one != other)
    low, high = sorted((one, other))
    scale = LinearScale(low, high)
    value = scale.from_unit(u)
    assert low <= value <= high
    position = scale.to_unit(value)
    assert 0 <= position <= 1
    assert scale.from_unit(position) == value
    assert scale.from_unit(0.0) == low
    assert scale.from_unit(1.0) == high


@settings(derandomize=True, deadline=None, max_examples=200)
@given(
    st.integers(-5 * 10**11, 5 * 10**11),
    st.sampled_from([(1e-6, 18), (1.0, 12), (5.0, 11), (1e9, 3), (1e100, -88)]),
)
def test_decimals_that_a_person_writes_come_back_exactly(digits, case):
    high, decimals = case
    scale = LinearScale(-high, high)
    value = float(f"{digits}e{-decimals}")
    assert scale.from_unit(scale.to_unit(value)) == value


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.integers(0, 2**13))
def test_every_float_of_a_range_of_few_floats_comes_back(steps):
    low, high = 1e6, 1e6 + 1e-6
    value = low + steps * 2.0**-33
    assume(value <= high)
    scale = LinearScale(low, high)
    assert scale.from_unit(scale.to_unit(value)) == value


@pytest.mark.parametrize("u", [0.1, 0.25, 1 / 3, 0.9])
def test_coordinates_are_close_to_where_they_came_from(u):
    scale = LinearScale(-5, 5)
    assert scale.to_unit(scale.from_unit(u)) == pytest.approx(u, abs=1e-12)
