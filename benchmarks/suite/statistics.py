"""Ranks and paired differences, with intervals of 95 %."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata, t

from suite.losses import Losses

#: Below so many seeds the bootstrap says too much; Student's t is used there.
_FEW = 8
_RESAMPLES = 4000


@dataclass(frozen=True)
class Difference:
    """By how much one optimizer's log10 regret is above another's, over shared seeds."""

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def verdict(self) -> str:
        """Better where the whole interval is below zero, worse where it is above."""
        if self.high < 0:
            return "better"
        return "worse" if self.low > 0 else "tied"


def difference(losses: Losses, one: str, other: str, problem: str) -> Difference | None:
    """Compare two optimizers on one problem; None where they share no seed."""
    seeds = losses.shared([one, other], problem)
    if not seeds:
        return None
    pairs = [losses.loss(one, problem, s) - losses.loss(other, problem, s) for s in seeds]
    return interval(np.array(pairs))


def interval(values: np.ndarray) -> Difference:
    """Return the mean of paired differences and its interval."""
    n, mean = len(values), float(values.mean())
    if np.ptp(values) == 0:
        # Equal everywhere (both solved it, say), or a single seed, which tells nothing.
        wide = 0.0 if n > 1 else np.inf
        return Difference(mean, mean - wide, mean + wide, n)
    if n < _FEW:
        half = float(t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n))
        return Difference(mean, mean - half, mean + half, n)
    draws = np.random.default_rng(0).integers(n, size=(_RESAMPLES, n))
    low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
    return Difference(mean, float(low), float(high), n)


@dataclass(frozen=True)
class Rank:
    """The mean rank of an optimizer among several (1 is the best), over problems."""

    mean: float
    low: float
    high: float


def ranks(losses: Losses, optimizers: list[str], problems: list[str]) -> dict[str, Rank]:
    """Rank optimizers on each problem and seed that all have; ties share their mean rank.

    The intervals come from drawing the seeds of each problem anew (the problems are what they
    are, and all count the same).
    """
    per_problem = []
    for problem in problems:
        seeds = losses.shared(optimizers, problem)
        table = [[losses.loss(one, problem, seed) for one in optimizers] for seed in seeds]
        per_problem.append(rankdata(np.array(table), axis=1))
    rng = np.random.default_rng(0)
    drawn = np.zeros((_RESAMPLES, len(optimizers)))
    for table in per_problem:
        rows = rng.integers(len(table), size=(_RESAMPLES, len(table)))
        drawn += table[rows].mean(axis=1) / len(per_problem)
    means = np.mean([table.mean(axis=0) for table in per_problem], axis=0)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return {
        name: Rank(float(means[i]), float(low[i]), float(high[i]))
        for i, name in enumerate(optimizers)
    }
