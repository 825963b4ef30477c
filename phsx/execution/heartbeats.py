"""Workers that say nothing any more, though their scheduler still counts on them.

Dask gives such a worker up after 5 to 10 minutes (its setting ``distributed.scheduler.worker-ttl``,
by default); a search need not wait for that.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import distributed

#: Seconds of silence after which a worker is given up; where targets run in the worker itself and
#: may hold its interpreter for long, and else.
PATIENCE, PATIENCE_IN_THREAD = 60.0, 600.0
#: Seconds between two looks.
EVERY = 5.0


class Heartbeats:
    """Tells silent workers from what the scheduler knows of when it heard of each.

    Clocks differ between hosts, so a time says nothing by itself, only that it has not changed.
    And where this process, or the scheduler's, stood still itself, nothing could be heard: what
    passes between two looks counts for little more than what should have passed.

    Parameters
    ----------
    patience : float
        Seconds.

    Examples
    --------
    >>> heartbeats = Heartbeats(patience=10.0)
    >>> for now in range(0, 20, 5):
    ...     heartbeats.hear({"a": 100.0 + now, "b": 103.0}, now)
    >>> heartbeats.silent
    {'b'}
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._seen: dict[str, float] = {}
        self._silence: dict[str, float] = {}
        self._looked: float | None = None

    def look(self, client: distributed.Client) -> None:
        """Ask the scheduler when it has heard of each worker, if it is time for another look."""
        now = time.monotonic()
        if self._looked is None or now - self._looked >= EVERY:
            workers = client.scheduler_info(n_workers=-1)["workers"]
            self.hear({worker: workers[worker]["last_seen"] for worker in workers}, now)

    def hear(self, seen: Mapping[str, float], now: float) -> None:
        """Note when the scheduler has heard of each worker, by its clock; `now` is by any other."""
        passed = 0.0 if self._looked is None else min(now - self._looked, 2 * EVERY)
        self._looked = now
        self._silence = {
            worker: self._silence.get(worker, 0.0) + passed
            if self._seen.get(worker) == when
            else 0.0
            for worker, when in seen.items()
        }
        self._seen = dict(seen)

    @property
    def silent(self) -> set[str]:
        """The workers that have said nothing for too long."""
        return {worker for worker, long in self._silence.items() if long > self._patience}
