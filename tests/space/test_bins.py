import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phsx.space.bins import MOST, Bins


def test_bins_have_equal_width():
    bins = Bins(4)
    assert [bins.index(u) for u in (0, 0.2499, 0.25, 0.5, 0.75, 1)] == [0, 0, 1, 2, 3, 3]
    assert [bins.centre(i) for i in range(4)] == [0.125, 0.375, 0.625, 0.875]


@settings(derandomize=True, deadline=None)
@given(st.integers(1, MOST), st.floats(0, 1))
def test_the_centre_of_a_bin_is_in_it(n, u):
    bins = Bins(n)
    index = bins.index(u)
    assert 0 <= index < n
    assert bins.index(bins.centre(index)) == index


@pytest.mark.parametrize("n", [1, 2, 3, 10, MOST])
def test_the_ends_are_reached(n):
    assert Bins(n).index(0.0) == 0
    assert Bins(n).index(math.nextafter(1.0, 0.0)) == n - 1
    assert Bins(n).index(1.0) == n - 1
