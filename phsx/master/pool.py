"""The evaluation slots of all workers: which are free, which will be soon."""

from __future__ import annotations

from collections import Counter, deque
from statistics import median, quantiles
from typing import NamedTuple

from phsx.execution.resources import CORES, NOTHING, Resources, covers, surplus
from phsx.master.deadlines import Deadlines
from phsx.master.quarantine import Quarantine

#: How many of the newest durations are looked at to foretell the next.
RECENT = 50
#: How few durations say nothing about what is usual.
FEW = 3
#: What a trial asks for that asks for nothing.


class _Running(NamedTuple):
    """An evaluation: where, since when, and what of its worker's resources it has."""

    worker: str
    started: float
    asked: Resources


class Pool:
    """Counts evaluation slots; Dask does not, since evaluations leave its thread pools.

    Parameters
    ----------
    expected : float, optional
        What a trial takes at most, in s, where the user has said it.
    notice : float, optional
        How long before its worker's end a trial is asked to save, in s, where the user has said it.

    Examples
    --------
    >>> pool = Pool()
    >>> pool.join("a", 2)
    >>> pool.take("a", trial=0, now=10.0)
    >>> pool.free(), len(pool)
    (['a'], 2)
    """

    def __init__(self, expected: float | None = None, notice: float | None = None) -> None:
        self._slots: dict[str, int] = {}
        self._offers: dict[str, Resources | None] = {}
        self._running: dict[int, _Running] = {}
        self._durations: deque[float] = deque(maxlen=RECENT)
        self._spent: set[str] = set()
        self.quarantine = Quarantine()
        self.deadlines = Deadlines(expected, notice)

    def __len__(self) -> int:
        """Return the number of slots, free and taken."""
        return sum(self._slots.values())

    def join(
        self,
        worker: str,
        slots: int,
        deadline: float | None = None,
        now: float = 0.0,
        offer: Resources | None = None,
    ) -> None:
        """Add a worker; say when it ends where that is known, and what its trials share."""
        self._slots[worker] = slots
        self._offers[worker] = offer
        self._spent.discard(worker)
        self.deadlines.join(worker, deadline, now)

    def leave(self, worker: str) -> None:
        """Remove a worker with its slots."""
        self._slots.pop(worker, None)
        self._offers.pop(worker, None)
        self._spent.discard(worker)

    def retire(self, now: float) -> list[str]:
        """Take no more trials for workers on which none fits; return those that run none."""
        self._spent |= {worker for worker in self._slots if self.deadlines.spent(worker, now)}
        busy = {running.worker for running in self._running.values()}
        return sorted(self._spent - busy)

    def cores(self, worker: str) -> int:
        """Return how many threads a trial may use on a worker that asks for no number."""
        offer = self._offers.get(worker) or {}
        return max(1, int(offer.get(CORES, 0.0)) // self._slots.get(worker, 1))

    def provides(self, worker: str, asked: Resources) -> bool:
        """Tell whether what a trial asks for is there on a worker, free or not."""
        offer = self._offers.get(worker)
        return offer is None or covers(offer, asked)

    def has(self, worker: str, asked: Resources) -> bool:
        """Tell whether what a trial asks for is there on a worker, and free."""
        offer = self._offers.get(worker)
        if offer is None or not covers(offer, asked):
            return offer is None
        if self._slots[worker] == 1:  # of which nothing runs, where it is free
            return True
        used = dict(asked)
        for running in self._running.values():
            if running.worker == worker:
                for name, amount in running.asked.items():
                    used[name] = used.get(name, 0.0) + amount
        return covers(offer, used)

    def surplus(self, worker: str, asked: Resources) -> int:
        """Count the resources of a worker that a trial has no use for, and another one may have."""
        return surplus(self._offers.get(worker), asked)

    def somewhere(self, asked: Resources) -> bool:
        """Tell whether any worker has what a trial asks for, free or not."""
        return any(covers(offer, asked) for offer in self._offers.values())

    def take(self, worker: str, trial: int, now: float, asked: Resources = NOTHING) -> None:
        """Note that a trial's evaluation starts on a worker."""
        self._running[trial] = _Running(worker, now, asked)

    def give_back(self, trial: int) -> None:
        """Note that a trial's evaluation has ended."""
        self._running.pop(trial, None)

    def learn(self, duration: float) -> None:
        """Note how many seconds an evaluation took."""
        self._durations.append(duration)
        self.deadlines.learn(duration)

    def longest(self, now: float) -> float:
        """Return for how many seconds the longest trial has run that saves no checkpoints."""
        running = self._running.items()
        whole = (r.started for trial, r in running if not self.deadlines.in_pieces(trial))
        return max((now - started for started in whole), default=0.0)

    @property
    def running(self) -> int:
        """How many evaluations are running."""
        return len(self._running)

    def free(self) -> list[str]:
        """Return the worker of each free slot, those with the most free slots first."""
        left = {worker: n for worker, n in self._slots.items() if worker not in self._spent}
        for running in self._running.values():
            if running.worker in left:
                left[running.worker] -= 1
        closed = self.quarantine.closed
        free = [
            worker
            for worker, count in left.items()
            for _ in range(max(0, count))
            if not closed(worker)
        ]
        return sorted(free, key=lambda worker: -left[worker])

    def busy(self) -> dict[str, int]:
        """Return all workers that take trials, with how many evaluations run there."""
        running = Counter(running.worker for running in self._running.values())
        return {worker: running[worker] for worker in self._slots if worker not in self._spent}

    @property
    def duration(self) -> float | None:
        """What evaluations take at least, mostly: the lower quartile of recent durations, in s."""
        if not self._durations:
            return None
        if len(self._durations) == 1:
            return self._durations[0]
        return quantiles(self._durations, n=4)[0]

    @property
    def usual(self) -> float | None:
        """The median of recent durations, in s; None before there are some."""
        return median(self._durations) if len(self._durations) >= FEW else None

    def ending(self, now: float, lead: float) -> tuple[list[str], float | None]:
        """Return the workers of evaluations that are expected to end within `lead` seconds.

        Also returned is after how many seconds the next one will be added to them, or None where
        none will.
        """
        duration = self.duration
        if duration is None:
            return [], None
        due: list[str] = []
        waits: list[float] = []
        for running in self._running.values():
            wait = running.started + duration - lead - now
            if wait <= 0:
                due.append(running.worker)
            else:
                waits.append(wait)
        return due, min(waits, default=None)
