"""Regrets of all problems on one scale."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suite.problems import PROBLEMS
from suite.records import DATA, Record, read
from suite.setting import SETTINGS

#: What is smaller counts as solved: a hundred thousandth of what ten random points miss.
FLOOR = 1e-5


@dataclass(frozen=True)
class Losses:
    """What one setting came to.

    Attributes
    ----------
    setting : str
        Which one.
    records : dict
        By optimizer, then by problem and seed; without searches that failed.
    minimum : dict
        By problem, its least value, or the least that anybody found in any setting.
    scale : dict
        By problem, by how much ten random points miss it (median).
    """

    setting: str
    records: dict[str, dict[tuple[str, int], Record]]
    minimum: dict[str, float]
    scale: dict[str, float]

    @property
    def optimizers(self) -> list[str]:
        return list(self.records)

    @property
    def problems(self) -> list[str]:
        """Those that anything is recorded of."""
        known = {problem for rows in self.records.values() for problem, _ in rows}
        return [name for name in SETTINGS[self.setting].problems if name in known]

    def seeds(self, optimizer: str, problem: str) -> set[int]:
        return {seed for name, seed in self.records[optimizer] if name == problem}

    def shared(self, optimizers: list[str], problem: str) -> list[int]:
        """Return the seeds that all of them have."""
        return sorted(set.intersection(*(self.seeds(one, problem) for one in optimizers)))

    def curve(self, optimizer: str, problem: str, seed: int) -> np.ndarray:
        """Return the regret at each mark; infinite before anything was found."""
        best = self.records[optimizer][problem, seed]["best"]
        values = np.array([math.inf if value is None else value for value in best])
        return np.maximum(values - self.minimum[problem], 0.0)

    def loss(self, optimizer: str, problem: str, seed: int) -> float:
        """Return log10 of the last regret, on the problem's scale."""
        return float(self.logs(self.curve(optimizer, problem, seed)[-1:], problem)[0])

    def logs(self, regrets: np.ndarray, problem: str) -> np.ndarray:
        """Return log10 of regrets, on the problem's scale."""
        return np.log10(np.clip(regrets / self.scale[problem], FLOOR, 1e3))


def load(setting: str, data: Path = DATA) -> Losses:
    """Read what is recorded of a setting."""
    every = {name: _records(data, name) for name in SETTINGS}
    minimum, scale = {}, {}
    for name, problem in PROBLEMS.items():
        rows = [row for known in every.values() for one in known.values() for row in _of(one, name)]
        found = [value for row in rows for value in row["best"] if value is not None]
        minimum[name] = problem.minimum if problem.minimum is not None else min(found, default=0.0)
        at_random = _of(every["async8"].get("random", {}), name)
        tenth = [row["best"][0] for row in at_random if row["best"][0] is not None]
        scale[name] = float(np.median(tenth)) - minimum[name] if tenth else 1.0
    return Losses(setting, every[setting], minimum, scale)


def _records(data: Path, setting: str) -> dict[str, dict[tuple[str, int], Record]]:
    found = {}
    for path in sorted((data / setting).glob("*.jsonl")):
        rows = read(data, setting, path.stem)
        found[path.stem] = {cell: row for cell, row in rows.items() if "best" in row}
    return {name: rows for name, rows in found.items() if rows}


def _of(rows: dict[tuple[str, int], Record], problem: str) -> list[Record]:
    return [row for (name, _), row in rows.items() if name == problem]
