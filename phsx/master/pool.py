"""The evaluation slots of all workers: which are free, which will be soon."""

from __future__ import annotations

from collections import deque
from statistics import median, quantiles

from phsx.master.deadlines import Deadlines

#: How many of the newest durations are looked at to foretell the next.
RECENT = 50
#: How few durations say nothing about what is usual.
FEW = 3


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
        self._running: dict[int, tuple[str, float]] = {}
        self._durations: deque[float] = deque(maxlen=RECENT)
        self._spent: set[str] = set()
        self.deadlines = Deadlines(expected, notice)

    def __len__(self) -> int:
        """Return the number of slots, free and taken."""
        return sum(self._slots.values())

    def join(
        self, worker: str, slots: int, deadline: float | None = None, now: float = 0.0
    ) -> None:
        """Add a worker, and say when it ends where that is known."""
        self._slots[worker] = slots
        self._spent.discard(worker)
        self.deadlines.join(worker, deadline, now)

    def leave(self, worker: str) -> None:
        """Remove a worker with its slots."""
        self._slots.pop(worker, None)
        self._spent.discard(worker)

    def retire(self, now: float) -> list[str]:
        """Take no more trials for workers on which none fits; return those that run none."""
        self._spent |= {worker for worker in self._slots if self.deadlines.spent(worker, now)}
        busy = {worker for worker, _ in self._running.values()}
        return sorted(self._spent - busy)

    def take(self, worker: str, trial: int, now: float) -> None:
        """Note that a trial's evaluation starts on a worker."""
        self._running[trial] = (worker, now)

    def give_back(self, trial: int) -> None:
        """Note that a trial's evaluation has ended."""
        self._running.pop(trial, None)

    def learn(self, duration: float) -> None:
        """Note how many seconds an evaluation took."""
        self._durations.append(duration)
        self.deadlines.learn(duration)

    @property
    def running(self) -> int:
        """How many evaluations are running."""
        return len(self._running)

    def free(self) -> list[str]:
        """Return the worker of each free slot, those with the most free slots first."""
        left = {worker: n for worker, n in self._slots.items() if worker not in self._spent}
        for worker, _ in self._running.values():
            if worker in left:
                left[worker] -= 1
        free = [worker for worker, count in left.items() for _ in range(max(0, count))]
        return sorted(free, key=lambda worker: -left[worker])

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
        for worker, started in self._running.values():
            wait = started + duration - lead - now
            if wait <= 0:
                due.append(worker)
            else:
                waits.append(wait)
        return due, min(waits, default=None)
