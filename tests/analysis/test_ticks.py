import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phsx.analysis.ticks import RoundFormatter, RoundLocator, nice_ticks, symmetric_ticks


@settings(derandomize=True, deadline=None)
@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_linear_ticks_lie_within_and_are_few(low, width):
    ticks = nice_ticks(low, low + width)
    assert 1 <= len(ticks) <= 7
    assert all(low - 1e-6 * width <= tick <= low + 1.000001 * width for tick in ticks)


@settings(derandomize=True, deadline=None)
@given(st.floats(-9, 8), st.floats(0.05, 12))
def test_log_ticks_lie_within_and_are_few(exponent, decades):
    low, high = 10**exponent, 10 ** (exponent + decades)
    ticks = nice_ticks(low, high, log=True)
    assert 2 <= len(ticks) <= 7
    assert all(low * 0.999999 <= tick <= high * 1.000001 for tick in ticks)


def test_many_decades_have_every_second_power_of_ten():
    assert nice_ticks(1e-8, 1, log=True) == [1e-8, 1e-6, 1e-4, 1e-2, 1]


def test_integers_have_no_ticks_between():
    assert nice_ticks(1, 3, integer=True) == [1, 2, 3]


def test_one_value_has_one_tick():
    assert nice_ticks(2, 2) == [2]


@settings(derandomize=True, deadline=None)
@given(st.floats(-1e4, 1e4), st.floats(0.01, 1e5), st.floats(1e-3, 10))
def test_symmetric_ticks_are_apart(low, width, threshold):
    ticks = symmetric_ticks(low, low + width, threshold)
    assert 1 <= len(ticks) <= 12
    assert ticks == sorted(set(ticks))


def test_locator_follows_the_view():
    assert RoundLocator().tick_values(0.001, 1) == [0.001, 0.01, 0.1, 1]
    assert 0.0 in RoundLocator(0.1).tick_values(-10, 10)


def test_formatter_tells_ticks_apart():
    labels = RoundFormatter().format_ticks([1e6 + 1, 1e6 + 2])
    assert labels[0] != labels[1]
    assert RoundFormatter()(math.pi) == "3.14159"


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, 5.0), (-3.0, -1.0)])
def test_logarithm_of_what_is_not_positive_falls_back(low, high):
    assert len(nice_ticks(low, high, log=True)) >= 2
