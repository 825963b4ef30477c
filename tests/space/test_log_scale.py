import math
import sys

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from phsx.space.log_scale import LogScale

positive = st.floats(min_value=5e-324, allow_infinity=False)
MAX = sys.float_info.max


@settings(derandomize=True, deadline=None, max_examples=200)
@given(positive, positive, st.floats(0, 1))
@example(1e-300, 1e300, 0.123)
@example(5e-324, MAX, 0.987)
@example(1e6, 1e6 + 1e-6, 0.37)
@example(5e-324, 1e-323, 0.5)
@example(3.746523098979576e307, 1.018410565985825e308, 5e-324)
@example(1.0, 1.001, 0.77)
def test_every_value_comes_back_exactly(one, other, u):
    assume(one != other)
    low, high = sorted((one, other))
    scale = LogScale(low, high)
    value = scale.from_unit(u)
    assert low <= value <= high
    position = scale.to_unit(value)
    assert 0 <= position <= 1
    assert scale.from_unit(position) == value
    assert scale.from_unit(0.0) == low
    assert scale.from_unit(1.0) == high


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.integers(10**11, 10**12 - 1), st.integers(-300, 290))
def test_twelve_digits_come_back_over_the_whole_range(digits, exponent):
    value = float(f"{digits}e{exponent}")
    scale = LogScale(1e-300, 1e305)
    assume(1e-300 <= value <= 1e305)
    assert scale.from_unit(scale.to_unit(value)) == value


def test_it_is_logarithmic():
    scale = LogScale(1e-4, 1.0)
    assert [scale.from_unit(u) for u in (0.25, 0.5, 0.75)] == [1e-3, 1e-2, 1e-1]
    assert scale.to_unit(1e-3) == pytest.approx(0.25)
    assert LogScale(1.0, 1.5).to_unit(1.2) == pytest.approx(math.log(1.2) / math.log(1.5))
