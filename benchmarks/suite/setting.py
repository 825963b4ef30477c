"""How many workers and trials a search has, and on which problems."""

from __future__ import annotations

from dataclasses import dataclass

from suite.problems import RUGGED, SYNTHETIC, TUNING

_MARKS = (10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 160, 200, 240, 280, 320, 360, 400)
_COMMON = [problem.name for problem in SYNTHETIC + TUNING]
_LARGE = [name for name in _COMMON if name.endswith("20")]
_RUGGED = [problem.name for problem in RUGGED]


@dataclass(frozen=True)
class Setting:
    """What all searches of one table have in common.

    Attributes
    ----------
    title : str
        For tables and plots.
    workers, trials : int
        How many there are.
    problems : list of str
        Where it is measured.
    """

    title: str
    workers: int
    trials: int
    problems: list[str]

    @property
    def marks(self) -> list[int]:
        """After how many finished trials the incumbent is recorded."""
        return [mark for mark in _MARKS if mark <= self.trials]


SETTINGS = {
    "async8": Setting("8 workers, 80 trials", 8, 80, _COMMON),
    "async64": Setting("64 workers, 320 trials", 64, 320, _COMMON),
    "sequential": Setting("1 worker, 60 trials", 1, 60, _COMMON),
    "large": Setting("20 dimensions, 8 workers, 400 trials", 8, 400, _LARGE),
    "rugged": Setting("Many local optima, 8 workers, 80 trials", 8, 80, _RUGGED),
    "long": Setting("Hartmann-6, 8 workers, 200 trials", 8, 200, ["hartmann6"]),
}
