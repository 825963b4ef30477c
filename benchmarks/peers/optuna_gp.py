"""Optuna's Gaussian process."""

from __future__ import annotations

import optuna

from peers.base import INITIAL
from peers.optuna_study import OptunaStudy


class OptunaGP(OptunaStudy):
    """`GPSampler`, its defaults; it takes running trials into account by itself."""

    distributions = ("optuna", "torch")

    def sampler(self) -> optuna.samplers.BaseSampler:
        return optuna.samplers.GPSampler(n_startup_trials=INITIAL, seed=self.seed)
