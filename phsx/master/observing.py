"""From trials, as people see them, to observations, as models see them."""

from __future__ import annotations

import math

from phsx.history import Observation
from phsx.space import Space
from phsx.trial import Trial, TrialState


def observe(space: Space, trial: Trial, *, maximize: bool) -> Observation:
    """Return a trial whose parameters are known as an observation to be minimized."""
    params = trial.params or {}
    value = math.nan
    if trial.state is TrialState.COMPLETED and trial.value is not None:
        value = -trial.value if maximize else trial.value
    return Observation(trial.id, tuple(space.to_unit(params)), tuple(space.active(params)), value)
