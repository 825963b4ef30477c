"""The problems: synthetic ones with known optima, the tuning of models, and rugged ones."""

from __future__ import annotations

from phsx.testing.functions import (
    ackley,
    branin,
    conditional,
    griewank,
    hartmann3,
    hartmann6,
    levy,
    michalewicz5,
    mixed,
    moved,
    rates,
    rosenbrock,
    stops,
    styblinski,
)
from suite.problem import Problem, of
from suite.rugged import RUGGED
from suite.tuning import TUNING

SYNTHETIC = [
    of(branin),
    of(moved(griewank(2), 1)),
    of(hartmann3),
    of(hartmann6),
    of(moved(ackley(5), 2)),
    of(moved(rosenbrock(4), 3)),
    of(moved(levy(4), 4)),
    of(moved(michalewicz5, 11)),
    of(hartmann6, "hartmann6-noisy", noise=0.15),
    of(moved(styblinski(3), 5), "styblinski3-noisy", noise=5.0),
    of(moved(rates, 6)),
    of(moved(mixed, 7)),
    of(moved(conditional, 8)),
    of(stops),
    of(moved(ackley(20), 9)),
    of(moved(rosenbrock(20), 10)),
]

#: All problems by name.
PROBLEMS: dict[str, Problem] = {one.name: one for one in SYNTHETIC + TUNING + RUGGED}
