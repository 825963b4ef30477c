"""Trials whose process or worker was killed again and again: they run alone on another host.

Where a host has too little memory for all that runs on it, the system kills what it likes: a trial
that is innocent may die as often as one that is not. Alone, the one completes, and the other takes
nobody along.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

#: So many deaths by a kill, and a trial runs alone from then on.
DEATHS = 2

_ADDRESS = re.compile(r"(?:\w+://)?(.*?)(?::\d+)?")


@lru_cache(maxsize=4096)
def host_of(worker: str) -> str:
    """Return the host in a worker's address.

    Examples
    --------
    >>> host_of("tls://10.0.0.7:34567"), host_of("tcp://[::1]:34567"), host_of("w0")
    ('10.0.0.7', '[::1]', 'w0')
    """
    found = _ADDRESS.fullmatch(worker)
    return found[1] if found else worker


class Quarantine:
    """Says which trials have to run alone, and keeps a host for one of them.

    The others of its workers get no trial meanwhile; one host is kept at a time. Where there is
    only one host, all wait for the trial that runs alone.

    Examples
    --------
    >>> quarantine = Quarantine()
    >>> for worker in ("tls://a:1", "tls://a:2"):
    ...     quarantine.died(7, worker)
    >>> workers = {"tls://a:1": 0, "tls://a:2": 0, "tls://b:1": 1}
    >>> quarantine.holds(7), quarantine.place(7, workers, fits=lambda worker: True)
    (True, None)
    >>> quarantine.closed("tls://b:1"), quarantine.closed("tls://a:1")
    (True, False)
    >>> quarantine.place(7, workers | {"tls://b:1": 0}, fits=lambda worker: True)
    'tls://b:1'
    """

    def __init__(self) -> None:
        self._deaths: dict[int, list[str]] = {}  # hosts, by trial
        self._trial: int | None = None
        self._host: str | None = None

    def died(self, trial: int, worker: str) -> None:
        """Note that a trial was killed, or its worker."""
        self._deaths.setdefault(trial, []).append(host_of(worker))

    def holds(self, trial: int) -> bool:
        """Tell whether a trial has to run alone."""
        return len(self._deaths.get(trial, ())) >= DEATHS

    def closed(self, worker: str) -> bool:
        """Tell whether a worker's host is kept for a trial that runs alone."""
        return self._host is not None and host_of(worker) == self._host

    def place(
        self, trial: int, workers: Mapping[str, int], fits: Callable[[str], bool]
    ) -> str | None:
        """Return the worker on which a trial can run alone now, if there is one.

        Otherwise a host is kept for it, unless one is kept for another trial, until nothing runs
        there any more.

        Parameters
        ----------
        trial : int
        workers : mapping of str to int
            All workers, with how many evaluations run there.
        fits : callable
            Tells whether the trial may run on a worker that is free.
        """
        if self._trial not in (None, trial):
            return None
        hosts: dict[str, list[str]] = {}
        for worker in filter(fits, workers):
            hosts.setdefault(host_of(worker), []).append(worker)
        busy = dict.fromkeys(hosts, 0)
        for worker, running in workers.items():
            if host_of(worker) in busy:
                busy[host_of(worker)] += running
        if self._host not in hosts:
            self._trial, self._host = self._best(trial, busy)
        if self._host is None or busy[self._host]:
            return None
        return hosts[self._host][0]

    def _best(self, trial: int, busy: Mapping[str, int]) -> tuple[int | None, str | None]:
        """Return the host that is soonest free of those on which the trial has not died."""
        died: Sequence[str] = self._deaths.get(trial, ())
        order = sorted(busy, key=lambda host: (host in died, busy[host]))
        return (trial, order[0]) if order else (None, None)

    def ended(self, trial: int) -> None:
        """Give the host back that was kept for a trial."""
        if self._trial == trial:
            self._trial = self._host = None

    def forget(self, trial: int) -> None:
        """Let go of a trial that has ended for good."""
        self.ended(trial)
        self._deaths.pop(trial, None)
