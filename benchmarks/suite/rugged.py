"""Functions with many local optima, from a few dozen to hundreds.

Surjanovic and Bingham (2013), "Virtual library of simulation experiments: test functions and
datasets", lists all but the wide Levy function with their optima.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from phsx.space import Float, Space
from phsx.testing.functions import Function, levy, moved
from suite.problem import Problem, of


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


def _box(low: float, high: float, names: Iterable[str]) -> Space:
    return Space({name: Float(low, high) for name in names})


def _middle(name: str, space: Space, minimum: float, formula: Callable[..., float]) -> Function:
    """Return a function whose optimum lies at 0, to be moved from there."""
    return Function(name, space, minimum, dict.fromkeys(space.names, 0.0), formula)


_LEVY = levy(2)
_WIDE_LEVY = replace(_LEVY, name="levy2-wide", space=_box(-35.0, 35.0, _LEVY.space.names))

#: Where the optimum lies in the middle, it is moved.
RUGGED = [
    Problem("shubert2", _box(-10, 10, "xy"), _shubert, -186.7309088),
    Problem("eggholder2", _box(-512, 512, "xy"), _eggholder, -959.6406627),
    of(moved(_middle("drop-wave2", _box(-5, 5, "xy"), -1.0, _drop_wave), 12)),
    Problem("holder2", _box(-10, 10, "xy"), _holder, -19.2085026),
    Problem("langermann2", _box(0, 10, "xy"), _langermann, -5.1621262),
    of(moved(_WIDE_LEVY, 13)),
    of(moved(_middle("rastrigin3", _box(-5, 5, "xyz"), 0.0, _rastrigin), 14)),
    Problem("schwefel3", _box(-500, 500, "xyz"), _schwefel, 0.0),
]
