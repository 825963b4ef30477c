"""Latin hypercube sampling."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from phsx.history import FloatArray
from phsx.strategies.base import Request
from phsx.strategies.sequence import Sequence, generator_keyword

#: Points of one hypercube where the block does not say how many trials it has.
DEFAULT = 32


class LatinHypercube(Sequence):
    """A Latin hypercube: cut into as many slices as trials, each slice of each parameter is hit.

    Points that are skipped, since they break a constraint or were tried before, are made up for
    from further hypercubes. A block without a number of trials goes through hypercubes of 32.

    Parameters
    ----------
    trials : int, optional
        How many trials the block has, and so how many slices the hypercube.
    scramble : bool
        Whether points lie anywhere in their slices; without, in their middle.
    repeats, wait, overrides, **parameters
        See `Strategy`.

    References
    ----------
    McKay, Beckman & Conover, Technometrics 21 (1979) 239-245. Computed by `scipy.stats.qmc`.

    Examples
    --------
    >>> import phsx
    >>> phsx.LatinHypercube(20, c="a")
    LatinHypercube(20, overrides={'c': Values(['a'])})
    """

    kind: ClassVar[str] = "latin_hypercube"

    def point(self, request: Request) -> list[float]:
        """Return the point of the unit cube at `request.position`."""
        size = request.trials or DEFAULT
        number, row = divmod(request.position, size)
        cube = _cube(len(request.names), self.scramble, size, request.block_seed, number)
        point: list[float] = cube[row].tolist()
        return point

    @staticmethod
    def engine(dimensions: int, scramble: bool, seed: int) -> Any:
        """Return scipy's engine of Latin hypercubes."""
        from scipy.stats import qmc

        return qmc.LatinHypercube(
            dimensions, scramble=scramble, **generator_keyword(qmc.LatinHypercube, seed)
        )


@lru_cache(maxsize=64)
def _cube(dimensions: int, scramble: bool, size: int, seed: int, number: int) -> FloatArray:
    own_seed = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]
    cube: FloatArray = LatinHypercube.engine(dimensions, scramble, int(own_seed)).random(size)
    return cube
