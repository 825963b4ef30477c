"""What the low-discrepancy sequences have in common: points by their position."""

from __future__ import annotations

import inspect
import threading
from abc import abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from phsx.history import FloatArray
from phsx.strategies.base import JSON, Proposal, Request, Strategy
from phsx.strategies.checks import flag

FIRST = 64


class Sequence(Strategy):
    """A sequence of points that fill the unit cube evenly, scrambled by the block's seed."""

    def __init__(
        self,
        trials: int | None = None,
        *,
        scramble: bool = True,
        repeats: bool = False,
        wait: bool = False,
        overrides: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> None:
        super().__init__(trials, repeats=repeats, wait=wait, overrides=overrides, **parameters)
        self.scramble = flag(type(self).__name__, "scramble", scramble)

    def propose(self, request: Request) -> Proposal:
        """Propose the point at `request.position` of the sequence."""
        parameters = request.space.parameters
        unit = self.point(request)
        return Proposal(
            {
                name: parameters[name].from_unit(u)
                for name, u in zip(request.names, unit, strict=True)
            },
            request.position + 1,
        )

    def options(self) -> dict[str, JSON]:
        """Return whether the sequence is left unscrambled."""
        return {} if self.scramble else {"scramble": False}

    def point(self, request: Request) -> list[float]:
        """Return the point of the unit cube at `request.position`."""
        table = _table(type(self), len(request.names), self.scramble, request.block_seed)
        return table.row(request.position)

    @staticmethod
    @abstractmethod
    def engine(dimensions: int, scramble: bool, seed: int) -> Any:
        """Return a scipy engine whose `random(n)` gives the next n points."""


class Table:
    """The first points of a sequence, computed as far as they were asked for.

    Parameters
    ----------
    engine : scipy.stats.qmc.QMCEngine
        Where the points come from, at its beginning.
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._points: FloatArray = np.empty((0, engine.d))
        # Two threads that ask the engine for more at once would both get the wrong points.
        self._lock = threading.Lock()

    def row(self, position: int) -> list[float]:
        """Return the point at a position."""
        if position >= len(self._points):
            with self._lock:
                while position >= len(self._points):
                    # Always doubled, as the balance of Sobol' points asks for.
                    more = self._engine.random(max(len(self._points), FIRST))
                    self._points = np.concatenate([self._points, more])
        row: list[float] = self._points[position].tolist()
        return row


@lru_cache(maxsize=64)
def _table(kind: type[Sequence], dimensions: int, scramble: bool, seed: int) -> Table:
    return Table(kind.engine(dimensions, scramble, seed))


def generator_keyword(engine: Any, seed: int) -> dict[str, np.random.Generator]:
    """Return the keyword by which this version of scipy wants its random generator."""
    keyword = "rng" if "rng" in inspect.signature(engine).parameters else "seed"
    return {keyword: np.random.default_rng(seed)}
