"""From trials, as people see them, to observations, as models see them."""

from __future__ import annotations

import math

from phsx.history import History, Observation
from phsx.space import Space
from phsx.state import SearchState
from phsx.trial import Trial, TrialState

#: Pending trials that a suggestion is told of, the newest ones.
MAX_PENDING = 256


def observe(space: Space, trial: Trial, *, maximize: bool) -> Observation:
    """Return a trial whose parameters are known as an observation to be minimized."""
    params = trial.params or {}
    value = math.nan
    if trial.state is TrialState.COMPLETED and trial.value is not None:
        value = -trial.value if maximize else trial.value
    return Observation(trial.id, tuple(space.to_unit(params)), tuple(space.active(params)), value)


def pending(space: Space, state: SearchState, *, maximize: bool) -> History:
    """Return the trials whose parameters are known and that have not ended, the newest ones."""
    alive = map(state.trials.__getitem__, state.alive)
    known = [trial for trial in alive if trial.params is not None][-MAX_PENDING:]
    return History.of([observe(space, trial, maximize=maximize) for trial in known], len(space))
