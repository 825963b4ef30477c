"""Uniform random points."""

from __future__ import annotations

import numpy as np

from peers.base import Params, Peer
from phsx.space import Space


class RandomSearch(Peer):
    """Draws from the unit cube."""

    distributions = ("numpy",)

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        super().__init__(space, trials, seed)
        self.rng = np.random.default_rng([seed, 4])

    def ask(self, trial: int) -> Params:
        return self.space.sample(self.rng)

    def tell(self, trial: int, params: Params, value: float) -> None:
        pass

    def observe(self, known: list[tuple[Params, float]]) -> None:
        pass
