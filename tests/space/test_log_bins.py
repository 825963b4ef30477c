import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phsx.space.log_bins import LogBins


def test_edges_lie_half_a_step_to_each_side():
    bins = LogBins(1, 1, 10)
    length = math.log(10.5 / 0.5)
    for value in range(1, 11):
        lower = math.log((value - 0.5) / 0.5) / length
        upper = math.log((value + 0.5) / 0.5) / length
        assert bins.centre(value - 1) == pytest.approx((lower + upper) / 2)
        assert bins.index(lower + 1e-9) == value - 1
        assert bins.index(upper - 1e-9) == value - 1


def test_a_large_step_does_not_push_the_lowest_edge_below_half_the_lowest_value():
    bins = LogBins(1, 10, 3)
    length = math.log(26 / 0.5)
    assert bins.index(math.log(6 / 0.5) / length - 1e-9) == 0
    assert bins.index(math.log(6 / 0.5) / length + 1e-9) == 1
    assert bins.index(math.log(16 / 0.5) / length + 1e-9) == 2


@settings(derandomize=True, deadline=None, max_examples=150)
@given(st.integers(1, 2**64), st.integers(1, 1000), st.integers(2, 2**60), st.floats(0, 1))
def test_the_centre_of_a_bin_is_in_it(low, step, n, u):
    bins = LogBins(low, step, n)
    index = bins.index(u)
    assert 0 <= index < n
    assert 0 <= bins.centre(index) <= 1
    assert bins.index(bins.centre(index)) == index
    assert bins.index(0.0) == 0
