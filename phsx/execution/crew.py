"""The workers of a Dask cluster: which are there, and which of them have the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from phsx.execution.base import Event, WorkerJoined, WorkerLeft
from phsx.execution.connection import Connection
from phsx.execution.installer import Installer
from phsx.execution.versions import Versions
from phsx.targets.package import Package


class Crew:
    """Workers that come, get the target, and go.

    Parameters
    ----------
    connection : Connection
    run : str
        The run's id.
    topic : str
        Begins the keys of installations.
    package : Package
        The target.
    clock : callable
        Returns the time, in s since the epoch.
    put : callable
        Told, in a thread of the client's, of each installation that has ended: arguments of
        `installed`.
    """

    def __init__(
        self,
        connection: Connection,
        run: str,
        topic: str,
        package: Package,
        clock: Callable[[], float],
        put: Callable[[int, int], object],
    ) -> None:
        self._connection = connection
        self._run = run
        self._topic = topic
        self._package = package
        self._clock = clock
        self._put = put
        self._versions = Versions(package.requires)
        self._workers: dict[str, int] = {}
        self._ready: set[str] = set()
        self._generation = 0  # of clients
        self._installer = self._another_installer()

    def _another_installer(self) -> Installer:
        self._generation += 1
        return Installer(
            self._connection.client,
            self._run,
            f"{self._topic}-{self._generation}",
            self._package,
            partial(self._put, self._generation),
        )

    def __contains__(self, worker: str) -> bool:
        """Whether a worker is there."""
        return worker in self._workers

    @property
    def workers(self) -> frozenset[str]:
        """The workers that are there."""
        return frozenset(self._workers)

    @property
    def ready(self) -> int:
        """How many of them have the target."""
        return len(self._ready)

    def meet(self, now: Mapping[str, int]) -> None:
        """Begin to install the target on workers that are new; `now` has all, with their slots."""
        for worker in now.keys() - self._workers.keys():
            self._workers[worker] = now[worker]
            self._installer.install(worker)

    def installed(self, generation: int, number: int) -> list[Event]:
        """Take up a worker that has the target."""
        if generation != self._generation:
            return []
        installed = self._installer.conclude(number)
        if installed is None or installed.worker not in self._workers:
            return []
        if installed.offer is None:
            del self._workers[installed.worker]  # if it is still there, the next look finds it
            return []
        self._ready.add(installed.worker)
        left, resources, packages = installed.offer
        self._versions.compare(installed.worker, packages)
        deadline = None if left is None else self._clock() + left
        slots = self._workers[installed.worker]
        return [WorkerJoined(installed.worker, slots, deadline, resources)]

    def leave(self, worker: str) -> list[Event]:
        """Give up a worker; if there is one with its address, the next look finds it."""
        self._workers.pop(worker, None)
        self._installer.drop(worker)
        if worker not in self._ready:
            return []
        self._ready.discard(worker)
        return [WorkerLeft(worker)]

    def disconnected(self) -> list[Event]:
        """Give up all workers, and begin with another client."""
        events: list[Event] = [WorkerLeft(worker) for worker in sorted(self._ready)]
        self._workers.clear()
        self._ready.clear()
        self._installer = self._another_installer()
        return events

    def settle(self, timeout: float) -> None:
        """Wait until no installation is on its way, at most `timeout` seconds."""
        self._installer.settle(timeout)


__all__ = ["Crew"]
