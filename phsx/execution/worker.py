"""What a worker process knows of runs: their packages, and the children that run their trials.

One registry per process, for all threads. It knows nothing of Dask: an executor installs a run's
package once, and then evaluates jobs in as many threads as the worker has slots.
"""

from __future__ import annotations

import atexit
import os
import threading

from phsx.execution.devices import Devices
from phsx.execution.evaluation import Job, Outcome
from phsx.execution.handle import Notify
from phsx.execution.installation import Installation
from phsx.execution.spawner import Spawner
from phsx.targets.package import Package

_lock = threading.RLock()
_runs: dict[str, Installation] = {}
_spawner: Spawner | None = None
_users = 0
_devices: Devices | None = None
_inherited: dict[str, Installation] = {}


def install(run: str, package: Package) -> None:
    """Make a run's target known to this process. Installing the same again does nothing.

    Parameters
    ----------
    run : str
        The run's id.
    package : Package
        The target; its payload is written to a file in memory that all children of the run read.
    """
    global _spawner, _users
    with _lock:
        old = _runs.get(run)
        if old is not None and old.digest == package.digest:
            return
        if _spawner is None:
            _spawner = Spawner()
        _runs[run] = Installation(run, package, _spawner, uninstall)
        _users += 1
    if old is not None:
        _end(old)


def installed(run: str) -> bool:
    """Tell whether a run's target is known here."""
    return run in _runs


def evaluate(job: Job, notify: Notify | None = None, devices: Devices | None = None) -> Outcome:
    """Run a job in an idle child of its run, or in a new one, and wait for its end.

    Parameters
    ----------
    job : Job
    notify : callable, optional
        Called with what the target says while it runs.
    devices : Devices, optional
        Those of which the trial gets some.

    Returns
    -------
    Outcome
        With the state ``"not_installed"`` where the run is unknown here: install it and try again.
    """
    known = _runs.get(job.run)
    if known is None:
        return Outcome(job.trial, job.attempt, "not_installed")
    return known.evaluate(job, notify, devices)


def devices(name: str, declared: float) -> Devices:
    """Return the devices of this process, which all that run here share.

    `name` is that of the worker, and `declared` the GPUs that it says it has.
    """
    global _devices
    with _lock:
        if _devices is None:
            _devices = Devices(os.environ, name, declared)
        return _devices


def running(run: str) -> list[tuple[int, int]]:
    """Return trial and attempt of the evaluations of a run that go on in this process."""
    known = _runs.get(run)
    return [] if known is None else known.running()


def stop(run: str, trial: int, attempt: int | None = None, *, force: bool = False) -> bool:
    """Ask a running trial to end by itself; with `force`, end its process. Does not wait for it.

    With `attempt`, only where that is the one that runs.

    Returns
    -------
    bool
        Whether the trial runs here.
    """
    known = _runs.get(run)
    return known is not None and known.stop(trial, attempt, force=force)


def save(run: str, trial: int, attempt: int) -> None:
    """Ask a running attempt to save itself and to end by that, if its target can."""
    known = _runs.get(run)
    if known is not None:
        known.save(trial, attempt)


def uninstall(run: str) -> None:
    """Forget a run: its children end, the ones that run a trial are killed.

    Waits until they are gone: some hundredths of a second, and seconds where they resist.
    """
    with _lock:
        known = _runs.pop(run, None)
    if known is not None:
        _end(known)


def _end(known: Installation) -> None:
    global _spawner, _users
    known.close()
    with _lock:
        _users -= 1
        unused = None
        if _users == 0:
            unused, _spawner = _spawner, None
    if unused is not None:
        unused.close()


def uninstall_all() -> None:
    """Forget all runs of this process."""
    for run in list(_runs):
        uninstall(run)


def _forget() -> None:
    """Leave everything to the original, in a copy of this process made by fork."""
    global _runs, _inherited, _spawner, _users, _lock
    # Kept, since what is collected would try to end its processes.
    _inherited, _runs = _runs, {}
    _lock = threading.RLock()
    _users = 0
    if _spawner is not None:
        _spawner.guard.forked()
    _spawner = None


atexit.register(uninstall_all)
os.register_at_fork(after_in_child=_forget)
