"""Optuna's tree-structured Parzen estimator."""

from __future__ import annotations

import optuna

from peers.base import INITIAL
from peers.optuna_study import OptunaStudy


class OptunaTPE(OptunaStudy):
    """`TPESampler` with the constant liar, as its documentation advises for parallel searches."""

    def sampler(self) -> optuna.samplers.BaseSampler:
        return optuna.samplers.TPESampler(
            n_startup_trials=INITIAL, constant_liar=True, seed=self.seed
        )
