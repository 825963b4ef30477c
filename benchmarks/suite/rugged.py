"""Functions with many local optima, from a few dozen to hundreds.

Surjanovic and Bingham (2013), "Virtual library of simulation experiments: test functions and
datasets", lists all but the wide Levy function with their optima.
"""

from __future__ import annotations

import math

import numpy as np

from phsx.space import Float, Space
from phsx.testing.functions import Function, levy, moved
from suite.problem import of


def _shubert(x: float, y: float) -> float:
    factors = [sum(i * math.cos((i + 1) * z + i) for i in range(1, 6)) for z in (x, y)]
    return factors[0] * factors[1]


def _eggholder(x: float, y: float) -> float:
    first = (y + 47.0) * math.sin(math.sqrt(abs(x / 2.0 + y + 47.0)))
    return -first - x * math.sin(math.sqrt(abs(x - y - 47.0)))


def _drop_wave(x: float, y: float) -> float:
    radius = math.hypot(x, y)
    return -(1.0 + math.cos(12.0 * radius)) / (0.5 * radius**2 + 2.0)


def _holder(x: float, y: float) -> float:
    hill = math.exp(abs(1.0 - math.hypot(x, y) / math.pi))
    return -abs(math.sin(x) * math.cos(y) * hill)


_PLACES = np.array([[3, 5], [5, 2], [2, 1], [1, 4], [7, 9]])
_HEIGHTS = np.array([1, 2, 5, 2, 3])


def _langermann(x: float, y: float) -> float:
    away = ((np.array([x, y]) - _PLACES) ** 2).sum(axis=1)
    return -float((_HEIGHTS * np.exp(-away / math.pi) * np.cos(math.pi * away)).sum())


def _rastrigin(**x: float) -> float:
    return sum(z * z - 10.0 * math.cos(2.0 * math.pi * z) + 10.0 for z in x.values())


def _schwefel(**x: float) -> float:
    return sum(418.9828872724338 - z * math.sin(math.sqrt(abs(z))) for z in x.values())


def _box(low: float, high: float, names: str) -> Space:
    return Space({name: Float(low, high) for name in names})


def _wide_levy() -> Function:
    narrow = levy(2)
    parameters = {name: Float(-35.0, 35.0) for name in narrow.space.names}
    return Function("levy2-wide", Space(parameters), 0.0, narrow.best, narrow.formula)


_ORIGIN = {"x": 0.0, "y": 0.0}

#: Where the optimum lies in the middle, it is moved.
RUGGED = [
    of(Function("shubert2", _box(-10, 10, "xy"), -186.7309088, {}, _shubert)),
    of(Function("eggholder2", _box(-512, 512, "xy"), -959.6406627, {}, _eggholder)),
    of(moved(Function("drop-wave2", _box(-5, 5, "xy"), -1.0, _ORIGIN, _drop_wave), 12)),
    of(Function("holder2", _box(-10, 10, "xy"), -19.2085026, {}, _holder)),
    of(Function("langermann2", _box(0, 10, "xy"), -5.1621262, {}, _langermann)),
    of(moved(_wide_levy(), 13)),
    of(
        moved(
            Function("rastrigin3", _box(-5, 5, "xyz"), 0.0, {**_ORIGIN, "z": 0.0}, _rastrigin), 14
        )
    ),
    of(Function("schwefel3", _box(-500, 500, "xyz"), 0.0, {}, _schwefel)),
]
