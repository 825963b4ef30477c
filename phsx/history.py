"""What a strategy may know: finished and pending trials as arrays, immutable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Observation:
    """One trial as a model sees it.

    Attributes
    ----------
    trial : int
        The trial's id.
    unit : tuple of float
        Its coordinates in the unit cube, one per dimension of the space.
    active : tuple of bool
        Which of the dimensions were active.
    value : float
        The objective *to be minimized* (so negated when the search maximizes). NaN for a trial
        that failed or is pending.
    """

    trial: int
    unit: tuple[float, ...]
    active: tuple[bool, ...]
    value: float


@dataclass(frozen=True)
class History:
    """Trials as arrays, in the order in which the journal recorded them.

    Attributes
    ----------
    trials : ndarray of int, shape (n,)
        Trial ids.
    unit : ndarray of float, shape (n, d)
        Coordinates in the unit cube. The coordinate of an inactive dimension is 0.5.
    active : ndarray of bool, shape (n, d)
        Which dimensions were active.
    values : ndarray of float, shape (n,)
        Objective to be minimized; NaN for trials that failed or are pending.

    Examples
    --------
    >>> history = History.of([Observation(0, (0.25, 0.5), (True, False), 1.5)], dimensions=2)
    >>> len(history), history.values.tolist()
    (1, [1.5])
    """

    trials: IntArray
    unit: FloatArray
    active: BoolArray
    values: FloatArray

    @classmethod
    def of(cls, observations: Iterable[Observation], dimensions: int) -> History:
        """Build a history of `dimensions` columns from single observations."""
        rows = list(observations)
        n = len(rows)
        return cls(
            np.array([row.trial for row in rows], dtype=np.int64),
            np.array([row.unit for row in rows], dtype=np.float64).reshape(n, dimensions),
            np.array([row.active for row in rows], dtype=np.bool_).reshape(n, dimensions),
            np.array([row.value for row in rows], dtype=np.float64),
        )

    @classmethod
    def concatenate(cls, parts: Iterable[History]) -> History:
        """Join histories (at least one) of the same dimensions, in the order given."""
        pieces = list(parts)
        if len(pieces) == 1:
            return pieces[0]
        return cls(
            np.concatenate([piece.trials for piece in pieces]),
            np.concatenate([piece.unit for piece in pieces]),
            np.concatenate([piece.active for piece in pieces]),
            np.concatenate([piece.values for piece in pieces]),
        )

    def __len__(self) -> int:
        return len(self.trials)

    def select(self, rows: BoolArray | IntArray) -> History:
        """Return the history of these rows (a boolean mask or indices) alone."""
        return History(self.trials[rows], self.unit[rows], self.active[rows], self.values[rows])
