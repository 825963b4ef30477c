"""Workers as rows of a timeline: who evaluated and suggested when, and who was idle."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from phsx.analysis.frame import FloatArray, Trials
from phsx.analysis.words import shorten

IntArray = npt.NDArray[np.int64]
#: Clocks and records are a little late; evaluations that overlap by less follow one another.
SLACK = 0.02


@dataclass(frozen=True, eq=False)
class Lane:
    """One slot of a worker.

    Attributes
    ----------
    worker : str
        The worker's name.
    evaluations, suggestions : ndarray of int
        Positions of the trials that were evaluated and suggested here, by time.
    idle : float
        Share of the window in which nothing was evaluated here.
    """

    worker: str
    evaluations: IntArray
    suggestions: IntArray
    idle: float


@dataclass(frozen=True, eq=False)
class Timeline:
    """Lanes, and the window in which they are compared.

    Attributes
    ----------
    lanes : tuple of Lane
        By name of worker.
    origin : float
        Unix seconds of the first event.
    start, end : float
        Unix seconds of the window: from the first start of an evaluation to the last end.
    ended : ndarray of float
        When every trial ended; for one that is running, the end of the window.
    """

    lanes: tuple[Lane, ...]
    origin: float
    start: float
    end: float
    ended: FloatArray

    @classmethod
    def of(cls, trials: Trials) -> Timeline | None:
        """Sort trials into lanes; None where none was started."""
        named = np.array([bool(name) for name in trials.worker], dtype=np.bool_)
        started = np.isfinite(trials.started) & named
        if not started.any():
            return None
        start = float(trials.started[started].min())
        end = float(np.nanmax(np.append(trials.ended[started], trials.started[started])))
        suggested = np.isfinite(trials.suggest_started) & np.isfinite(trials.suggest_ended)
        origin = min([start, *trials.suggest_started[suggested].tolist()])
        ended = np.where(np.isfinite(trials.ended), trials.ended, end)
        rows = np.flatnonzero(started)
        rows = rows[np.argsort(trials.started[rows], kind="stable")]
        lanes: list[Lane] = []
        workers = {trials.worker[row] for row in rows}
        workers |= {trials.suggest_worker[row] for row in np.flatnonzero(suggested)} - {""}
        for worker in sorted(workers, key=_natural):
            own = rows[[trials.worker[row] == worker for row in rows]]
            asked = np.flatnonzero(
                suggested & np.array([name == worker for name in trials.suggest_worker])
            )
            slots = _slots(own, trials.started, ended)
            for number, slot in enumerate(slots):
                here = [row for row in asked if row in slot or (number == 0 and row not in own)]
                idle = 1 - busy(trials.started[slot], ended[slot]) / (end - start or 1.0)
                lanes.append(Lane(worker, slot, np.array(here, dtype=np.int64), idle))
        return cls(tuple(lanes), origin, start, end, ended)

    @property
    def utilization(self) -> float:
        """Share of the window in which workers evaluated, over all of them."""
        return 1.0 - float(np.mean([lane.idle for lane in self.lanes]))


def busy(started: FloatArray, ended: FloatArray) -> float:
    """Return the length of the union of intervals that are sorted by their start.

    >>> busy(np.array([0.0, 1.0, 5.0]), np.array([2.0, 3.0, 6.0]))
    4.0
    """
    total, reached = 0.0, -np.inf
    for left, right in zip(started.tolist(), ended.tolist(), strict=True):
        total += max(0.0, right - max(left, reached))
        reached = max(reached, right)
    return total


def labels(timeline: Timeline, limit: int = 28) -> list[str]:
    """Name the lanes, slots of one worker numbered.

    Addresses lose their protocol; long names what all of them begin with, up to a separator.
    """
    names = [re.sub(r"^\w+://", "", lane.worker) for lane in timeline.lanes]
    common = _common(sorted(set(names))) if max(map(len, names)) > limit else ""
    short = [shorten(name[len(common) :], limit) for name in names]
    return [
        f"{name} #{short[:i].count(name) + 1}" if short.count(name) > 1 else name
        for i, name in enumerate(short)
    ]


def _common(names: list[str]) -> str:
    if len(names) < 2:
        return ""
    first, last = names[0], names[-1]
    length = next(
        (i for i, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), 0
    )
    head = re.match(r".*[/:]", first[:length])
    return head.group() if head else ""


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort worker-2 before worker-10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _slots(rows: IntArray, started: FloatArray, ended: FloatArray) -> list[IntArray]:
    """Split evaluations of one worker, sorted by start, into as few slots as they need."""
    slots: list[list[int]] = []
    for row in rows.tolist():
        slack = min(SLACK, 0.1 * (ended[row] - started[row]))
        free = [slot for slot in slots if ended[slot[-1]] <= started[row] + slack]
        if free:
            # The one that was left last: a slot that works without a pause keeps its lane.
            max(free, key=lambda slot: float(ended[slot[-1]])).append(row)
        else:
            slots.append([row])
    return [np.array(slot, dtype=np.int64) for slot in slots or [[]]]
