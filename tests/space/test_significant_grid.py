import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from phsx.exceptions import SpaceError
from phsx.space.significant_grid import SignificantGrid

positive = st.floats(1e-307, 1e308)


def test_values_of_one_digit():
    grid = SignificantGrid.between("f", 0.05, 2.5, 1)
    expected = [0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 2.0]
    assert list(grid.values()) == expected
    assert grid.n == len(expected)
    assert [grid.from_unit(grid.to_unit(value)) for value in expected] == expected
    assert (grid.from_unit(0.0), grid.from_unit(1.0)) == (0.05, 2.0)


def test_bounds_that_are_not_on_the_grid_are_rounded_inwards():
    assert list(SignificantGrid.between("f", 0.123, 0.151, 2).values()) == [0.13, 0.14, 0.15]


@settings(derandomize=True, deadline=None, max_examples=150)
@given(positive, positive, st.integers(1, 12), st.floats(0, 1))
def test_every_value_comes_back_exactly(one, other, digits, u):
    low, high = sorted((one, other))
    try:
        grid = SignificantGrid.between("f", low, high, digits)
    except SpaceError:
        assume(False)
    value = grid.from_unit(u)
    assert low <= value <= high
    assert value == float(f"{value:.{digits - 1}e}")
    assert grid.from_unit(grid.to_unit(value)) == value
    assert grid.nearest(value) == value


@pytest.mark.parametrize(
    ("low", "high", "digits", "word"),
    [
        (1, 2, 0, "between 1 and 12"),
        (1, 2, 13, "between 1 and 12"),
        (1.1, 1.2, 1, "more digits"),
        (5e-324, 1, 3, "raise the lower bound"),
    ],
)
def test_digits_that_make_no_sense(low, high, digits, word):
    with pytest.raises(SpaceError, match=word):
        SignificantGrid.between("f", low, high, digits)


def test_the_top_of_the_floats():
    grid = SignificantGrid.between("f", 1e300, 1.7976931348623157e308, 6)
    assert grid.from_unit(1.0) == 1.79769e308
