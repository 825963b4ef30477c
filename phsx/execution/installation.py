"""One run on a worker: its target, and the children that run its trials."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from phsx.execution.children import Child
from phsx.execution.devices import Devices
from phsx.execution.evaluation import Job, Outcome, cannot_load, evaluate_here
from phsx.execution.handle import Notify
from phsx.execution.output import FILES, tail
from phsx.execution.parcel import read_parcel, write_parcel
from phsx.execution.spawner import Spawner
from phsx.scratch import Scratch
from phsx.targets.calling import BoundTarget
from phsx.targets.package import Package

#: A run that evaluates nothing for so many seconds is uninstalled: its master is gone.
IDLE_LIMIT = 900.0

_SPAWN_TRIES = 3
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


class _Asked(NamedTuple):
    """What a trial in this process is asked for."""

    stop: threading.Event
    save: threading.Event


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
    expired : callable
        Called with the run's id when nothing has been evaluated for `IDLE_LIMIT` seconds.
    """

    def __init__(
        self, run: str, package: Package, spawner: Spawner, expired: Callable[[str], None]
    ) -> None:
        self.run = run
        self.digest = package.digest
        self._spawner = spawner
        self._expired = expired
        self._scratch = Scratch()
        spawner.guard.add("directory", self._scratch.path)
        self._sources: str | None = None
        if package.sources:
            self._sources = str(Path(self._scratch.path, "sources"))
            package.write_sources(self._sources)
        self._parcel = write_parcel(package)
        self._cwd = package.cwd if Path(package.cwd).is_dir() else None
        self._bound: BoundTarget | None = None
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._busy: list[tuple[Job, Child | _Asked]] = []
        self._closed = False
        self._used = time.monotonic()
        self._timer = self._arm(IDLE_LIMIT)

    def evaluate(self, job: Job, notify: Notify | None, devices: Devices | None) -> Outcome:
        """Run a job to its end; on some of the `devices` that this process has."""
        directory, private = self._directory(job)
        local = replace(job, directory=directory, lasting=not private)
        if job.isolate:
            given: AbstractContextManager[dict[str, str]] = nullcontext({})
            with given if devices is None else devices.given(job.gpus) as variables:
                outcome = self._in_child(local, notify, _threads(job.cores) | variables)
        else:
            outcome = self._in_thread(local, notify)
        if private:
            outcome = _with_tails(outcome, directory)
            shutil.rmtree(directory, ignore_errors=True)
        return outcome

    def running(self) -> list[tuple[int, int]]:
        """Return trial and attempt of what runs."""
        with self._lock:
            return [(job.trial, job.attempt) for job, _ in self._busy]

    def stop(self, trial: int, attempt: int | None = None, *, force: bool) -> bool:
        """Stop the evaluations of a trial, or one of its attempts; False where there is none."""
        found = self._runners(trial, attempt)
        for runner in found:
            if isinstance(runner, _Asked):
                runner.stop.set()
            elif force:
                # The grace before SIGKILL must not hold up the caller, which may be an event loop.
                threading.Thread(target=runner.kill, args=("stopped",), daemon=True).start()
            else:
                runner.ask("stop", trial)
        return bool(found)

    def save(self, trial: int, attempt: int) -> None:
        """Ask an attempt of a trial to save itself, and to end by that."""
        for runner in self._runners(trial, attempt):
            if isinstance(runner, _Asked):
                runner.save.set()
            else:
                runner.ask("save", trial)

    def _runners(self, trial: int, attempt: int | None) -> list[Child | _Asked]:
        with self._lock:
            return [
                runner
                for job, runner in self._busy
                if job.trial == trial and attempt in (None, job.attempt)
            ]

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
            if isinstance(runner, _Asked):
                runner.stop.set()
            else:
                runner.kill("stopped")
        for child in idle:
            child.close()
        self._parcel.close()
        self._scratch.remove()
        self._spawner.guard.remove("directory", self._scratch.path)

    def _in_child(self, job: Job, notify: Notify | None, variables: dict[str, str]) -> Outcome:
        epitaph = ""
        for _ in range(_SPAWN_TRIES):
            child = self._take(job, variables)
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
            epitaph = child.epitaph
        text = (
            f"the process that was to run the trial died {_SPAWN_TRIES} times before it could "
            f"start, while it loaded the target; at last it {epitaph}"
        )
        return replace(cannot_load(job, RuntimeError(text)), state="crashed", error=text)

    def _take(self, job: Job, variables: dict[str, str]) -> Child | None:
        """Return a child for the job; None where the run was uninstalled."""
        unfit: list[Child] = []
        with self._lock:
            if self._closed:
                return None
            fit = (one for one in self._idle if one.variables == variables and one.alive())
            child = next(fit, None)
            if child is None:
                unfit, self._idle = self._idle, []
                child = self._child(variables)
            else:
                self._idle.remove(child)
            self._busy.append((job, child))
        for other in unfit:
            other.close()
        return child

    def _child(self, variables: dict[str, str]) -> Child:
        return Child(self._spawner, self._parcel.fileno(), self._sources, self._cwd, variables)

    def _give_back(self, job: Job, child: Child) -> None:
        with self._lock:
            self._busy.remove((job, child))
            self._used = time.monotonic()
            keep = not self._closed and not child.ended and child.fit_for_more(job)
            if keep:
                self._idle.append(child)
        if not keep:
            child.close()

    def _in_thread(self, job: Job, notify: Notify | None) -> Outcome:
        asked = _Asked(threading.Event(), threading.Event())
        with self._lock:
            if self._closed:
                return Outcome(job.trial, job.attempt, "not_installed")
            self._busy.append((job, asked))
        try:
            with self._lock:
                if self._bound is None:
                    self._bound = read_parcel(self._parcel.fileno(), self._sources)
            return evaluate_here(self._bound, job, notify, asked.stop, asked.save)
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
        self._expired(self.run)

    def _directory(self, job: Job) -> tuple[str, bool]:
        """Return a directory for the trial, and whether it is one that only this host knows.

        The experiment's own directory is never made here: where it does not exist, this host does
        not see the master's file system, and nobody would find what is written.
        """
        try:
            if _make_directory(job.directory):
                return job.directory, False
        except OSError:
            pass
        return tempfile.mkdtemp(prefix=f"trial-{job.trial}-", dir=self._scratch.path), True


def _threads(cores: int | None) -> dict[str, str]:
    """Return the variables that tell numerical libraries how many threads to use."""
    return {} if cores is None else dict.fromkeys(_THREADS, str(cores))


def _make_directory(path: str) -> bool:
    """Make a trial's directory within an experiment's; tell whether it can be written."""
    try:
        os.mkdir(path)  # noqa: PTH102 - pathlib takes a multiple of the time
    except FileNotFoundError:
        parent = Path(path).parent
        if not parent.parent.is_dir():
            return False
        parent.mkdir(exist_ok=True)
        Path(path).mkdir(exist_ok=True)
    except FileExistsError:
        return os.access(path, os.W_OK | os.X_OK)
    return True


def _with_tails(outcome: Outcome, directory: str) -> Outcome:
    stdout, stderr = (tail(str(Path(directory, FILES[descriptor]))) for descriptor in (1, 2))
    return replace(outcome, stdout=stdout, stderr=stderr)
