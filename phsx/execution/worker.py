"""What a worker process knows of runs: their packages, and the children that run their trials.

One registry per process, for all threads. It knows nothing of Dask: an executor installs a run's
package once, and then evaluates jobs in as many threads as the worker has slots.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

from phsx.execution.children import Child
from phsx.execution.evaluation import (
    Job,
    Outcome,
    cannot_load,
    evaluate_here,
)
from phsx.execution.handle import Notify
from phsx.execution.output import FILES, tail
from phsx.execution.parcel import read_parcel, write_parcel
from phsx.execution.spawner import Spawner
from phsx.targets.calling import BoundTarget
from phsx.targets.package import Package

#: A run that evaluates nothing for so many seconds is uninstalled: its master is gone.
IDLE_LIMIT = 900.0

_SPAWN_TRIES = 3

_lock = threading.RLock()
_runs: dict[str, Installation] = {}
_spawner: Spawner | None = None
_users = 0


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
        _runs[run] = Installation(run, package, _spawner)
        _users += 1
    if old is not None:
        _end(old)


def installed(run: str) -> bool:
    """Tell whether a run's target is known here."""
    return run in _runs


def evaluate(job: Job, notify: Notify | None = None) -> Outcome:
    """Run a job in an idle child of its run, or in a new one, and wait for its end.

    Returns
    -------
    Outcome
        With the state ``"not_installed"`` where the run is unknown here: install it and try again.
    """
    known = _runs.get(job.run)
    if known is None:
        return Outcome(job.trial, job.attempt, "not_installed")
    return known.evaluate(job, notify)


def running(run: str) -> list[tuple[int, int]]:
    """Return trial and attempt of the evaluations of a run that go on in this process."""
    known = _runs.get(run)
    return [] if known is None else known.running()


def stop(run: str, trial: int, *, force: bool = False) -> bool:
    """Ask a running trial to end by itself; with `force`, end its process.

    Returns
    -------
    bool
        Whether the trial runs here.
    """
    known = _runs.get(run)
    return known is not None and known.stop(trial, force=force)


def uninstall(run: str) -> None:
    """Forget a run: its children end, the ones that run a trial are killed."""
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


class Installation:
    """One run on this worker.

    Parameters
    ----------
    run : str
        The run's id.
    package : Package
        Its target.
    spawner : Spawner
        Starts its children.
    """

    def __init__(self, run: str, package: Package, spawner: Spawner) -> None:
        self.run = run
        self.digest = package.digest
        self._spawner = spawner
        self._scratch = tempfile.mkdtemp(prefix="phsx-")
        spawner.guard.add("directory", self._scratch)
        self._sources: str | None = None
        if package.sources:
            self._sources = str(Path(self._scratch, "sources"))
            package.write_sources(self._sources)
        self._parcel = write_parcel(package)
        self._cwd = package.cwd if Path(package.cwd).is_dir() else None
        self._bound: BoundTarget | None = None
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._busy: list[tuple[Job, Child | threading.Event]] = []
        self._closed = False
        self._used = time.monotonic()
        self._timer = self._arm(IDLE_LIMIT)

    def evaluate(self, job: Job, notify: Notify | None) -> Outcome:
        """Run a job to its end."""
        directory, private = self._directory(job)
        local = replace(job, directory=directory)
        run = self._in_child if job.isolate else self._in_thread
        outcome = run(local, notify)
        if private:
            outcome = _with_tails(outcome, directory)
            shutil.rmtree(directory, ignore_errors=True)
        return outcome

    def running(self) -> list[tuple[int, int]]:
        """Return trial and attempt of what runs."""
        with self._lock:
            return [(job.trial, job.attempt) for job, _ in self._busy]

    def stop(self, trial: int, *, force: bool) -> bool:
        """Stop the evaluations of a trial; False where there is none."""
        with self._lock:
            found = [runner for job, runner in self._busy if job.trial == trial]
        for runner in found:
            if isinstance(runner, threading.Event):
                runner.set()
            elif force:
                runner.kill("stopped")
            else:
                runner.stop(trial)
        return bool(found)

    def close(self) -> None:
        """End all children and remove what was written."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = [runner for _, runner in self._busy]
        self._timer.cancel()
        for child in idle:
            child.dismiss()
        for runner in busy:
            if isinstance(runner, threading.Event):
                runner.set()
            else:
                runner.kill("stopped")
        for child in idle:
            child.close()
        self._parcel.close()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._spawner.guard.remove("directory", self._scratch)

    def _in_child(self, job: Job, notify: Notify | None) -> Outcome:
        for _ in range(_SPAWN_TRIES):
            child = self._take(job)
            if child is None:
                return Outcome(job.trial, job.attempt, "not_installed")
            try:
                outcome = child.run(job, notify)
            except BaseException:
                child.kill("stopped")
                child.close()
                raise
            finally:
                self._give_back(job, child)
            if outcome is not None:
                return outcome
        text = f"the process that was to run the trial died {_SPAWN_TRIES} times while it started"
        return Outcome(job.trial, job.attempt, "crashed", error=text)

    def _take(self, job: Job) -> Child | None:
        """Return a child for the job; None where the run was uninstalled."""
        unfit: list[Child] = []
        with self._lock:
            if self._closed:
                return None
            child = None
            while self._idle and child is None:
                child = self._idle.pop()
                if child.cores != job.cores or not child.alive():
                    unfit.append(child)
                    child = None
            if child is None:
                child = self._child(job.cores)
            self._busy.append((job, child))
        for other in unfit:
            other.close()
        return child

    def _child(self, cores: int | None) -> Child:
        return Child(self._spawner, self._parcel.fileno(), self._sources, self._cwd, cores)

    def _give_back(self, job: Job, child: Child) -> None:
        with self._lock:
            self._busy.remove((job, child))
            self._used = time.monotonic()
            keep = not self._closed and not child.ended
            if keep:
                self._idle.append(child)
        if not keep:
            child.close()

    def _in_thread(self, job: Job, notify: Notify | None) -> Outcome:
        asked = threading.Event()
        with self._lock:
            if self._closed:
                return Outcome(job.trial, job.attempt, "not_installed")
            self._busy.append((job, asked))
        try:
            with self._lock:
                if self._bound is None:
                    self._bound = read_parcel(self._parcel.fileno(), self._sources)
            return evaluate_here(self._bound, job, notify, asked)
        except Exception as error:
            return cannot_load(job, error)
        finally:
            with self._lock:
                self._busy.remove((job, asked))
                self._used = time.monotonic()

    def _arm(self, delay: float) -> threading.Timer:
        timer = threading.Timer(delay, self._expire)
        timer.daemon = True
        timer.start()
        return timer

    def _expire(self) -> None:
        """Uninstall the run where nothing has happened for long."""
        with self._lock:
            unused = time.monotonic() - self._used
            if self._closed:
                return
            if self._busy or unused < IDLE_LIMIT:
                self._timer = self._arm(IDLE_LIMIT if self._busy else IDLE_LIMIT - unused)
                return
        uninstall(self.run)

    def _directory(self, job: Job) -> tuple[str, bool]:
        """Return a directory for the trial, and whether it is one that only this host knows.

        The experiment's own directory is never made here: where it does not exist, this host does
        not see the master's file system, and nobody would find what is written.
        """
        path = Path(job.directory)
        try:
            if path.parent.parent.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                if os.access(path, os.W_OK | os.X_OK):
                    return job.directory, False
        except OSError:
            pass
        return tempfile.mkdtemp(prefix=f"trial-{job.trial}-", dir=self._scratch), True


def _with_tails(outcome: Outcome, directory: str) -> Outcome:
    stdout, stderr = (tail(str(Path(directory, FILES[descriptor]))) for descriptor in (1, 2))
    return replace(outcome, stdout=stdout, stderr=stderr)


def _uninstall_all() -> None:
    for run in list(_runs):
        uninstall(run)


def _forget() -> None:
    """Leave everything to the original, in a copy of this process."""
    global _spawner, _users, _lock
    _lock = threading.RLock()
    _runs.clear()
    _users = 0
    if _spawner is not None:
        _spawner.guard.forked()
    _spawner = None


atexit.register(_uninstall_all)
os.register_at_fork(after_in_child=_forget)
