"""Looks at the queue: not too often, and sooner where something may have happened."""

from __future__ import annotations

import time
from collections.abc import Mapping

from phsx.clusters.queue import Look, Queue

#: Seconds at least between two looks.
SOON = 1.0


class Watch:
    """Looks at the queue for all jobs of a run, and knows in which job each worker is, or was.

    Parameters
    ----------
    queue : Queue
    every : float
        Seconds between two looks, where nothing seems to have happened.

    Attributes
    ----------
    soon : bool
        Whether something may have happened.
    """

    def __init__(self, queue: Queue, every: float) -> None:
        self._queue = queue
        self._every = every
        self.soon = True
        self._looked = -1e9
        self._last: Look | None = None
        self._jobs: dict[str, str] = {}
        self._here: set[str] = set()

    def see(self, jobs: Mapping[str, str]) -> None:
        """Note which workers there are, and the ids of their jobs."""
        if self._here - jobs.keys():
            self.soon = True  # a worker has left: is its job there?
        self._here = set(jobs)
        for worker, number in jobs.items():
            self._jobs.setdefault(worker, number)

    def look(self) -> Look | None:
        """Look at the queue, if that is due."""
        now = time.monotonic()
        if now - self._looked < (SOON if self.soon else self._every):
            return None
        self._looked, self.soon = now, False
        look = self._queue.look(now)
        self._last = look or self._last
        return look

    def ended_from_outside(self, worker: str, since: float) -> bool | None:
        """Tell whether a worker died because its job was ended, by nobody's fault in the search.

        Parameters
        ----------
        worker : str
            Its address.
        since : float
            When its death was noticed, by the monotonic clock.

        Returns
        -------
        bool or None
            None where that is not known: the queue has not been looked at since then, or cannot.
        """
        number = self._jobs.get(worker)
        if number is None:
            return None
        look = self._last
        verdict = None
        if look is not None and look.asked > since:
            verdict = look.ended_from_outside(number)
        if verdict is None:
            self.soon = True
        return verdict
