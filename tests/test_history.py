"""Histories: arrays from observations, joined and selected without losing a row."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phsx.history import History, Observation

COUNT = st.integers(0, 6)


def observations(numbers, dimensions=2):
    return [
        Observation(n, (n / 100.0,) * dimensions, (n % 2 == 0,) * dimensions, float(-n))
        for n in numbers
    ]


def rows(history):
    return list(
        zip(
            history.trials.tolist(),
            history.unit.tolist(),
            history.active.tolist(),
            history.values.tolist(),
            strict=True,
        )
    )


def test_arrays_have_a_row_per_observation_in_order():
    history = History.of(observations([3, 1, 2]), 2)
    assert history.trials.tolist() == [3, 1, 2]
    assert history.unit.tolist() == [[0.03, 0.03], [0.01, 0.01], [0.02, 0.02]]
    assert history.active.tolist() == [[False, False], [False, False], [True, True]]
    assert history.values.tolist() == [-3.0, -1.0, -2.0]
    assert (history.trials.dtype, history.unit.dtype) == (np.int64, np.float64)
    assert (history.active.dtype, history.values.dtype) == (np.bool_, np.float64)


@pytest.mark.parametrize("dimensions", [0, 1, 5])
def test_empty_history_keeps_its_number_of_columns(dimensions):
    history = History.of([], dimensions)
    assert len(history) == 0
    assert history.unit.shape == history.active.shape == (0, dimensions)
    assert history.values.shape == history.trials.shape == (0,)


def test_space_without_dimensions_still_has_rows():
    history = History.of([Observation(4, (), (), 1.0)], 0)
    assert (len(history), history.unit.shape) == (1, (1, 0))


def test_failed_and_pending_are_nan():
    history = History.of([Observation(0, (0.5,), (True,), math.nan)], 1)
    assert np.isnan(history.values).all()


def test_observations_of_other_dimensions_are_refused():
    with pytest.raises(ValueError):
        History.of(observations([1], dimensions=3), 2)


@given(st.lists(COUNT, min_size=1, max_size=5))
def test_concatenation_keeps_all_rows_in_order(sizes):
    everything = observations(range(sum(sizes)))
    parts, first = [], 0
    for size in sizes:
        parts.append(History.of(everything[first : first + size], 2))
        first += size
    whole = History.concatenate(iter(parts))
    assert rows(whole) == rows(History.of(everything, 2))
    assert whole.unit.dtype == np.float64 and whole.active.dtype == np.bool_


def test_selection_by_mask_and_by_indices():
    history = History.of(observations(range(4)), 2)
    mask = np.array([True, False, True, False])
    assert rows(history.select(mask)) == [rows(history)[0], rows(history)[2]]
    assert rows(history.select(np.array([3, 0]))) == [rows(history)[3], rows(history)[0]]


def test_history_is_immutable():
    history = History.of(observations([1]), 2)
    with pytest.raises(AttributeError):
        history.values = np.zeros(1)
