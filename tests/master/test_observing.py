"""Trials as models see them."""

from __future__ import annotations

import math

import pytest

import phsx
from phsx.master.observing import observe
from phsx.trial import Trial, TrialState

SPACE = phsx.Space(
    {
        "k": phsx.Categorical(["a", "b"]),
        "x": phsx.Float(0, 4, when={"k": "a"}),
        "c": 5,
    }
)


def trial(state=TrialState.COMPLETED, value=3.0, params=None):
    return Trial(
        7, 0, 0, "random", params=params or {"k": "a", "x": 1.0, "c": 5}, state=state, value=value
    )


@pytest.mark.parametrize(("maximize", "value"), [(False, 3.0), (True, -3.0)])
def test_completed_trial_is_to_be_minimized(maximize, value):
    seen = observe(SPACE, trial(), maximize=maximize)
    assert (seen.trial, seen.value) == (7, value)
    assert seen.unit == (0.25, 0.25) and seen.active == (True, True)


def test_inactive_parameters_lie_in_the_middle():
    seen = observe(SPACE, trial(params={"k": "b", "c": 5}), maximize=False)
    assert seen.unit == (0.75, 0.5) and seen.active == (True, False)


@pytest.mark.parametrize("state", [state for state in TrialState if state != "completed"])
def test_others_have_no_value(state):
    for value in (None, 3.0):
        assert math.isnan(observe(SPACE, trial(state, value), maximize=True).value)
