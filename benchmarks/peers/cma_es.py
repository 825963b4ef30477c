"""CMA-ES of the `cmaes` package."""

from __future__ import annotations

import math

import numpy as np
from cmaes import CMA

from peers.base import Params, Peer
from phsx.space import Space


class CMAES(Peer):
    """One CMA-ES in the unit cube, from its middle, with the default population.

    A generation ends as soon as so many trials have finished as its population has, whichever
    generation they were asked in, so that no result is lost and no worker waits.
    """

    distributions = ("cmaes",)
    mixed = False

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        super().__init__(space, trials, seed)
        d = len(space)
        bounds = np.tile([0.0, 1.0], (d, 1))
        self.cma = CMA(mean=np.full(d, 0.5), sigma=0.2, bounds=bounds, seed=seed)
        self.solutions: list[tuple[np.ndarray, float]] = []

    def ask(self, trial: int) -> Params:
        params = self.space.from_unit(self.cma.ask())
        if params is None:
            raise ValueError("the space has constraints, of which CMA-ES knows nothing")
        return params

    def tell(self, trial: int, params: Params, value: float) -> None:
        if not math.isnan(value):
            self.solutions.append((self.space.to_unit(params), value))
        if len(self.solutions) == self.cma.population_size:
            self.cma.tell(self.solutions)
            self.solutions = []

    def observe(self, known: list[tuple[Params, float]]) -> None:
        for params, value in known:
            self.tell(-1, params, value)
