"""The trials of an experiment as plain arrays: the only place that knows the data frame's columns.

A parameter may be called like one of the fixed columns (`value`, `state`, ...). The data frame then
has that name twice, so nothing here looks a column up by its name alone: parameters are the first
columns, in the space's order, and the fixed ones are searched behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from phsx.analysis.searched import Searched

if TYPE_CHECKING:
    import pandas

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: The largest result, and the inverse of the smallest, that is drawn where it is.
LARGEST = 1e100
#: States of trials that ended without a result through a fault.
FAULTS = frozenset({"failed", "timed_out", "out_of_memory", "lost", "infeasible"})


def missing(value: object) -> bool:
    """Tell whether a cell of the data frame is empty.

    >>> missing(None), missing(float("nan")), missing(0), missing("")
    (True, True, False, False)
    """
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


@dataclass(frozen=True, eq=False)
class Trials:
    """Trials in the order of their ids; every array has n entries.

    Attributes
    ----------
    ids : ndarray of int
        Trial ids.
    params : dict of str to list
        Each parameter's values as they were, None or NaN where it was inactive.
    value : ndarray of float
        The result; NaN where there is none (infinities count as none). Beyond 1e±100, as penalties
        may be, it is the nearest number that can be drawn.
    state, strategy, worker, suggest_worker : list of str
        Empty where unknown.
    block : ndarray of float
        Number of the block; NaN where unknown.
    started, ended, suggest_started, suggest_ended : ndarray of float
        Unix seconds; NaN where there is none.
    maximize : bool
        Whether a larger result is better.
    objective, name : str
        What the result and the experiment are called.
    """

    ids: npt.NDArray[np.int64]
    params: dict[str, list[Any]]
    value: FloatArray
    state: list[str]
    strategy: list[str]
    worker: list[str]
    suggest_worker: list[str]
    block: FloatArray
    started: FloatArray
    ended: FloatArray
    suggest_started: FloatArray
    suggest_ended: FloatArray
    maximize: bool
    objective: str
    name: str

    @classmethod
    def of(cls, experiment: Searched) -> Trials:
        """Read an experiment's data frame once."""
        frame = experiment.to_dataframe()
        names = tuple(experiment.space.names)
        ids = np.asarray(frame.index, dtype=np.int64)
        order = np.argsort(ids, kind="stable")
        reader = _Reader(frame, len(names), order)
        value = reader.numbers("value")
        return cls(
            ids=ids[order],
            params={name: reader.cells(column) for column, name in enumerate(names)},
            value=_drawable(value),
            state=reader.texts("state"),
            strategy=reader.texts("strategy"),
            worker=reader.texts("worker"),
            suggest_worker=reader.texts("suggest_worker"),
            block=reader.numbers("block"),
            started=reader.numbers("started"),
            ended=reader.numbers("ended"),
            suggest_started=reader.numbers("suggest_started"),
            suggest_ended=reader.numbers("suggest_ended"),
            maximize=bool(experiment.maximize),
            objective=str(getattr(experiment, "objective", "value")),
            name=str(getattr(experiment, "name", "")),
        )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def scored(self) -> BoolArray:
        """Trials that have a result, be it of an evaluation that was stopped early."""
        return np.isfinite(self.value)

    @property
    def completed(self) -> BoolArray:
        """Trials that ran to their end and have a result."""
        return self._in({"completed"}) & self.scored

    @property
    def failed(self) -> BoolArray:
        """Trials that ended through a fault, or completed without a finite result."""
        return self._in(FAULTS) | (self._in({"completed"}) & ~self.scored)

    def _in(self, states: set[str] | frozenset[str]) -> BoolArray:
        return np.array([state in states for state in self.state], dtype=np.bool_)

    def best(self, rows: BoolArray) -> int | None:
        """Return the position of the best trial among `rows`, completed ones first.

        None where no trial of `rows` has a result. The first one wins a tie.
        """
        for mask in (rows & self.completed, rows & self.scored):
            candidates = np.flatnonzero(mask)
            if candidates.size:
                values = self.value[candidates]
                where = np.argmax(values) if self.maximize else np.argmin(values)
                return int(candidates[where])
        return None

    def worst_first(self, rows: BoolArray) -> npt.NDArray[np.int64]:
        """Return the positions of `rows` (which have results), the better ones later."""
        positions = np.flatnonzero(rows)
        values = self.value[positions]
        return positions[np.argsort(values if self.maximize else -values, kind="stable")]


def _drawable(values: FloatArray) -> FloatArray:
    """Keep results within what matplotlib can compute limits, logarithms and margins of."""
    finite = np.where(np.isfinite(values), values, np.nan)
    return np.where(np.abs(finite) < 1 / LARGEST, 0.0 * finite, np.clip(finite, -LARGEST, LARGEST))


class _Reader:
    """Columns of a data frame by position, rows in a given order."""

    def __init__(
        self, frame: pandas.DataFrame, parameters: int, order: npt.NDArray[np.int64]
    ) -> None:
        self._frame = frame
        self._order = order
        fixed = list(frame.columns[parameters:])
        self._positions = {str(name): parameters + i for i, name in reversed([*enumerate(fixed)])}

    def cells(self, column: int) -> list[Any]:
        cells: Sequence[Any] = self._frame.iloc[:, column].tolist()
        return [cells[row] for row in self._order]

    def texts(self, name: str) -> list[str]:
        if name not in self._positions:
            return [""] * len(self._order)
        cells = self.cells(self._positions[name])
        return ["" if missing(cell) else str(cell) for cell in cells]

    def numbers(self, name: str) -> FloatArray:
        if name not in self._positions:
            return np.full(len(self._order), np.nan)
        cells = self.cells(self._positions[name])
        return np.array([np.nan if missing(cell) else float(cell) for cell in cells], dtype=float)
