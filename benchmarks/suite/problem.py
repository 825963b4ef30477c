"""A problem: a space, a function to be minimized, and what is known of its optimum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phsx.space import Space
from phsx.testing.functions import Function

Params = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """What is to be minimized.

    Attributes
    ----------
    name : str
        What it is called.
    space : Space
        Where it is defined.
    formula : callable
        The function of keywords, without noise.
    minimum : float or None
        Its least value where that is known.
    noise : float
        Standard deviation of what is added to every observation. Regret is measured without it.
    """

    name: str
    space: Space
    formula: Callable[..., float] = field(repr=False)
    minimum: float | None = None
    noise: float = 0.0

    def true(self, params: Params) -> float:
        """Return the value without noise."""
        return float(self.formula(**params))

    def observation(self, value: float, trial: int, seed: int) -> float:
        """Return what a search gets to see: the noise is the same for every optimizer."""
        if not self.noise:
            return value
        return value + self.noise * float(np.random.default_rng([seed, 3, trial]).normal())


def of(function: Function, name: str | None = None, noise: float = 0.0) -> Problem:
    """Return the problem of a test function."""
    return Problem(name or function.name, function.space, function, function.minimum, noise)
