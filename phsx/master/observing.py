"""From trials, as people see them, to observations, as models see them."""

from __future__ import annotations

import math

from phsx.history import History, Observation
from phsx.space import Space
from phsx.trial import Trial, TrialState

#: Pending trials that a suggestion is told of, the newest ones.
MAX_PENDING = 256


def observe(space: Space, trial: Trial, *, maximize: bool) -> Observation:
    """Return a trial whose parameters are known as an observation to be minimized."""
    value = math.nan
    if trial.state is TrialState.COMPLETED and trial.value is not None:
        value = -trial.value if maximize else trial.value
    return _observation(space, trial, value)


def pending(space: Space, trials: list[Trial]) -> History:
    """Return trials whose results are not known (yet), the newest ones."""
    rows = [_observation(space, trial, math.nan) for trial in trials[-MAX_PENDING:]]
    return History.of(rows, len(space))


def _observation(space: Space, trial: Trial, value: float) -> Observation:
    params = trial.params or {}
    return Observation(trial.id, tuple(space.to_unit(params)), tuple(space.active(params)), value)
