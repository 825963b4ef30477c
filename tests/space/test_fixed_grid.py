import decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from phsx.exceptions import SpaceError
from phsx.space.fixed_grid import FixedGrid

floats = st.floats(-1e9, 1e9)


def test_steps_are_decimal():
    assert list(FixedGrid.steps("f", 0.1, 0.7, 0.2, log=False).values()) == [0.1, 0.3, 0.5, 0.7]
    assert list(FixedGrid.steps("f", 0, 0.3, 0.1, log=False).values()) == [0.0, 0.1, 0.2, 0.3]


def test_a_range_that_is_no_multiple_of_the_step_ends_below_its_bound():
    assert list(FixedGrid.steps("f", 0, 1, 0.3, log=False).values()) == [0.0, 0.3, 0.6, 0.9]


def test_decimals_lie_between_the_bounds():
    assert list(FixedGrid.decimals("f", 1 / 3, 0.36, 2).values()) == [0.34, 0.35, 0.36]
    assert list(FixedGrid.decimals("f", -1.5, 1.5, 0).values()) == [-1.0, 0.0, 1.0]


@settings(derandomize=True, deadline=None, max_examples=200)
@given(floats, st.floats(1e-3, 1e9), st.integers(1, 10**12), st.booleans(), st.floats(0, 1))
def test_every_value_comes_back_exactly(low, width, n, log, u):
    low = abs(low) + 1e-9 if log else low
    try:
        grid = FixedGrid.steps("f", low, low + width, width / n, log)
    except SpaceError:
        assume(False)
    value = grid.from_unit(u)
    assert low <= value <= low + width
    assert 0 <= grid.to_unit(value) <= 1
    assert grid.from_unit(grid.to_unit(value)) == value
    assert grid.nearest(value) == value
    assert grid.from_unit(0.0) == low


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.floats(-1e5, 1e5), st.integers(1, 200), st.integers(0, 9))
def test_values_of_decimals_are_distinct_and_sorted(low, count, digits):
    high = low + (count + 1) * 10.0**-digits
    grid = FixedGrid.decimals("f", low, high, digits)
    values = list(grid.values())
    assert len(values) == grid.n
    assert count <= grid.n <= count + 2
    assert values == sorted(set(values))
    assert all(value == float(f"{value:.{digits}f}") for value in values)
    assert low <= values[0] and values[-1] <= high
    assert [grid.from_unit(grid.to_unit(value)) for value in values] == values


@pytest.mark.parametrize(
    ("low", "high", "step", "log", "word"),
    [
        (0, 1, 0.0, False, "above zero"),
        (0, 1, -1.0, False, "above zero"),
        (0, 1, 1.5, False, "larger than the range"),
        (0, 1, 1e-16, False, r"10\*\*15"),
        (-1e308, 1e308, 5e-324, False, r"10\*\*15"),
        (1e16, 1e16 + 1000, 0.5, False, "farther apart"),
        (1e-9, 1.0, 0.1, True, "lower bound"),
    ],
)
def test_steps_that_make_no_sense(low, high, step, log, word):
    with pytest.raises(SpaceError, match=word):
        FixedGrid.steps("f", low, high, step, log)


@pytest.mark.parametrize(
    ("low", "high", "digits", "word"),
    [
        (0, 1, -1, "from 0 up"),
        (0, 1, 400, "from 0 up"),
        (0, 1, 16, r"10\*\*15"),
        (0.1, 0.2, 0, "more digits"),
        (1e15, 1e15 + 10, 1, "farther apart"),
    ],
)
def test_digits_that_make_no_sense(low, high, digits, word):
    with pytest.raises(SpaceError, match=word):
        FixedGrid.decimals("f", low, high, digits)


def test_the_decimal_context_of_the_caller_plays_no_part():
    with decimal.localcontext() as context:
        context.prec = 2
        context.traps[decimal.Inexact] = True
        grid = FixedGrid.steps("f", 0.125, 1000.125, 0.001, log=False)
        assert grid.nearest(123.4561) == 123.456
        assert grid.from_unit(grid.to_unit(0.127)) == 0.127
