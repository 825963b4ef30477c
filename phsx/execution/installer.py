"""Gives the workers of a Dask cluster a run's target, and says why they cannot take it.

A worker of Dask dies of a task that it cannot unpickle, such as one of phsx where it has no phsx.
So the target travels as bytes, and `pickle.loads` is the task that installs it.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import dask
import distributed

from phsx._version import __version__
from phsx.exceptions import ClusterError
from phsx.execution import worker as on_worker
from phsx.execution.evaluation import describe_error
from phsx.execution.offer import Offer, offer_here
from phsx.targets.package import Package
from phsx.targets.requirements import differences

logger = logging.getLogger(__name__)

#: Seconds that may pass between a future's end and its result's arrival.
GATHER_TIMEOUT = 10.0
#: So many installations may be lost before the first that succeeds.
MAX_LOST = 10


class Installed(NamedTuple):
    """How an installation ended: the worker has the target, or it is to be tried again.

    Attributes
    ----------
    worker : str
        Its address.
    offer : Offer or None
        What it has for trials; None where it is to be tried again.
    """

    worker: str
    offer: Offer | None


class Installer:
    """Installs one run's package on workers, by tasks.

    Parameters
    ----------
    client : distributed.Client
    run : str
        The run's id.
    topic : str
        Begins the key of every task.
    package : Package
    done : callable
        Called, in a thread of the client's, with the number of each installation that has ended.
    """

    def __init__(
        self,
        client: distributed.Client,
        run: str,
        topic: str,
        package: Package,
        done: Callable[[int], object],
    ) -> None:
        self._client = client
        self._run = run
        self._topic = topic
        self._package = package
        self._done = done
        self._pending: dict[int, tuple[str, distributed.Future]] = {}
        self._carried: distributed.Future | None = None
        self._count = self._lost = self._succeeded = 0

    def install(self, worker: str) -> None:
        """Begin to install on a worker."""
        carried = self._carry()
        self._count += 1
        number = self._count
        placed: dict[str, Any] = {"pure": False, "workers": [worker], "priority": 20}
        key = f"{self._topic}-install-{number}"
        loaded = self._client.submit(pickle.loads, carried, key=f"{key}-load", **placed)
        future = self._client.submit(confirm, loaded, key=key, **placed)
        self._pending[number] = (worker, future)
        future.add_done_callback(lambda _: self._done(number))

    def _carry(self) -> distributed.Future:
        """Return the packed target as a task's result, for workers to fetch from one another.

        It is a literal of a task and not scattered data, so that it can be had again when workers
        are lost, and let go of when all have it.
        """
        if self._carried is None or self._carried.status not in ("pending", "finished"):
            self._count += 1
            installation = pickle.dumps(_Installation(self._run, self._package), protocol=5)
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
                self._carried = self._client.submit(
                    bytes, installation, key=f"{self._topic}-target-{self._count}", pure=False
                )
        return self._carried

    def conclude(self, number: int) -> Installed | None:
        """Tell how an installation ended; None where its worker is not to be used.

        Raises
        ------
        ClusterError
            No worker has taken the target yet, and this one cannot, or too many were lost.
        """
        worker, future = self._pending.pop(number, ("", None))
        if future is None:
            return None  # it has left, and was dropped
        error = _error(future)
        offer = _result(future)
        if not self._pending:
            self._carried = None
        if offer is not None:
            self._succeeded += 1
            return Installed(worker, offer)
        if error is not None and not isinstance(error, distributed.KilledWorker):
            self._refused(worker, error)
            return None
        self._lose(worker)
        return Installed(worker, None)

    def _lose(self, worker: str) -> None:
        self._lost += 1
        if not self._succeeded and self._lost >= MAX_LOST:
            raise ClusterError(
                f"no worker could take the target: {self._lost} were lost while they did, at "
                f"last {worker}; their logs may say why"
            )

    def _refused(self, worker: str, error: BaseException) -> None:
        text = (
            f"worker {worker} cannot take the target: {describe_error(_root(error))}. The "
            f"scheduler and all workers need phsx {__version__}, Python "
            f"{sys.version_info.major}.{sys.version_info.minor} and what the target imports, as "
            f"this process has them"
        )
        if not self._succeeded:
            raise ClusterError(text) from error
        logger.warning("%s; the search goes on without it", text)

    def drop(self, worker: str) -> None:
        """Forget what is being installed on a worker that has left.

        Raises
        ------
        ClusterError
            No worker has taken the target yet, and too many were lost.
        """
        for number, (address, future) in list(self._pending.items()):
            if address == worker:
                del self._pending[number]
                future.cancel()
                self._lose(worker)

    def settle(self, timeout: float) -> None:
        """Wait until no installation is on its way, at most `timeout` seconds, and let go of all.

        Else one might come after what takes it back.
        """
        deadline = time.monotonic() + timeout
        for _, future in self._pending.values():
            with contextlib.suppress(Exception):
                future.exception(timeout=max(0.0, deadline - time.monotonic()))
            future.release()
        self._pending.clear()
        self._carried = None


class _Installation:
    """An installation as a value: whoever unpickles it has the target installed."""

    def __init__(self, run: str, package: Package) -> None:
        self._arguments = (run, package, __version__)

    def __reduce__(self) -> Any:
        return (install, self._arguments)


def install(run: str, package: Package, version: str) -> dict[str, str | None]:
    """Make a run's target known to this worker.

    Returns
    -------
    dict
        The packages that are not here as the master has them.

    Raises
    ------
    ClusterError
        The worker has another version of phsx or Python than the master.
    """
    if version != __version__:
        raise ClusterError(f"it has phsx {__version__}, and the master has {version}")
    python = sys.version_info[:2]
    if package.python != python:
        raise ClusterError(f"it runs Python {python}, and the master {package.python}")
    on_worker.install(run, package)
    return differences(package.requires)


def confirm(found: dict[str, str | None]) -> Offer:
    """Tell what a worker has: a task of phsx, which the scheduler must know to pass on.

    `found` are the packages that are not there as the master has them.
    """
    return offer_here(found)


def _error(future: distributed.Future | None) -> BaseException | None:
    """Return what a future that has failed has raised."""
    if future is None or future.status != "error":
        return None
    error: BaseException | None = future.exception()
    return error


def _result(future: distributed.Future) -> Offer | None:
    """Return what a worker has said; None where it could not, or is gone with it."""
    if future.status != "finished":
        return None
    try:
        offer: Offer = future.result(timeout=GATHER_TIMEOUT)
    except Exception:  # whatever a worker raises that is leaving
        return None
    return offer


def _root(error: BaseException) -> BaseException:
    """Return what an exception came from at first; Dask's own words on it help nobody."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error


__all__ = ["Installed", "Installer", "confirm", "install"]
