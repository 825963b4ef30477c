import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from phsx.exceptions import SpaceError
from phsx.space import Int

bounds = st.integers(-(2**63), 2**64 - 1)


@settings(derandomize=True, deadline=None, max_examples=200)
@given(bounds, bounds, st.integers(1, 1000), st.booleans(), st.lists(st.floats(0, 1), max_size=3))
def test_values_are_in_range_and_come_back(one, other, step, log, units):
    low, high = sorted((abs(one), abs(other)) if log else (one, other))
    assume(high - low >= step and (low > 0 or not log))
    parameter = Int(low, high, step=step, log=log)
    for u in (0.0, 1.0, *units):
        value = parameter.from_unit(u)
        assert type(value) is int
        assert low <= value <= high
        assert (value - low) % step == 0
        assert parameter.from_unit(parameter.to_unit(value)) == value
        assert parameter.check(value) == value


def test_values_are_spread_evenly():
    values = [Int(1, 10).from_unit((i + 0.5) / 1000) for i in range(1000)]
    assert [values.count(value) for value in range(1, 11)] == [100] * 10


def test_log_bins_reach_half_a_step_beyond_the_bounds():
    parameter = Int(1, 100, log=True)
    n = 20_000
    values = [parameter.from_unit((i + 0.5) / n) for i in range(n)]
    for value in (1, 2, 10, 100):
        share = math.log((value + 0.5) / (value - 0.5)) / math.log(100.5 / 0.5)
        assert values.count(value) / n == pytest.approx(share, abs=2 / n)


def test_an_integral_number_of_another_type_is_taken():
    assert Int(np.int8(1), 10.0) == Int(1, 10)
    assert type(Int(1, 10).check(np.int64(3))) is int
    assert type(Int(1, 10).check(3.0)) is int


def test_a_huge_range_has_round_values():
    value = Int(0, 2**63 - 1).from_unit(0.123456789)
    assert value % 10_000 == 0


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (0, "below the lower bound 1"),
        (11, "above the upper bound 10"),
        (2.5, "whole number"),
        ("3", "has to be a number"),
        (True, "has to be a number"),
        (math.nan, "finite"),
        (2, "one below it is 1"),
    ],
)
def test_check_refuses(value, word):
    with pytest.raises(SpaceError, match=word):
        Int(1, 10, step=3).check(value)


@pytest.mark.parametrize(
    ("arguments", "options", "word"),
    [
        ((5, 1), {}, "lower bound is above the upper bound"),
        ((3, 3), {}, r"Constant\(3\)"),
        ((1.5, 3), {}, "lower bound is 1.5"),
        ((0, 5), {"log": True}, "above zero"),
        ((0, 5), {"step": 0}, "step is 0"),
        ((0, 5), {"step": -1}, "step is -1"),
        ((0, 5), {"step": 1.5}, "step is 1.5"),
        ((0, 5), {"step": 6}, "step is 6, larger"),
        ((0, 2**70), {}, "64 bits"),
        (("1", 5), {}, "lower bound is '1'"),
        ((False, 5), {}, "lower bound is False"),
        ((0, math.inf), {}, "upper bound is inf"),
        ((0, math.nan), {}, "upper bound is nan"),
        ((0, 5), {"log": 1}, "log is 1"),
    ],
)
def test_bad_definitions(arguments, options, word):
    with pytest.raises(SpaceError, match=word) as caught:
        Int(*arguments, **options)
    assert "\n" not in str(caught.value)
