"""The process that runs targets: started by a worker, kept between trials, dies with the worker.

Started as ``python -c`` with `main`, see `phsx.execution.children`. It imports little, since a
process that was killed must be replaced within a fraction of a second.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from phsx.execution.channel import Channel
from phsx.execution.evaluation import (
    Job,
    Outcome,
    call_target,
    cannot_load,
    make_handle,
)
from phsx.execution.handle import Report, Saved
from phsx.execution.output import Output
from phsx.execution.parcel import read_parcel
from phsx.targets.calling import BoundTarget

_PR_SET_PDEATHSIG = 1


def main(files: tuple[int, int, int], parent: int, sources: str | None) -> None:
    """Run trials until told to end.

    Parameters
    ----------
    files : tuple of int
        Inherited descriptors, see `phsx.execution.spawner.Files`.
    parent : int
        The worker's process id.
    sources : str or None
        Directory with the sources that the package brought.
    """
    _die_with_parent(parent)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a worker may ignore it, which is inherited
    for descriptor in files:
        os.set_inheritable(descriptor, False)
    control, parcel, begun = files
    Runner(Channel(control), begun).serve(parcel, sources)


class Runner:
    """Runs the trials: the child's side of the channel.

    Parameters
    ----------
    channel : Channel
        To the worker.
    begun : int
        Descriptor of the file that counts the jobs begun, which tells a worker whose child died
        whether the trial had a part in it.
    """

    def __init__(self, channel: Channel, begun: int) -> None:
        self.channel = channel
        self.begun = begun
        self.count = 0
        self.pid = os.getpid()
        self.jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self.stop = threading.Event()
        self.save = threading.Event()
        self.current: int | None = None
        self.cwd = _working_directory()

    def serve(self, parcel: int, sources: str | None) -> None:
        """Load the target from the file `parcel`, then run one job after the other."""
        # A copy of this process must not keep the channel open, nor speak on it.
        os.register_at_fork(after_in_child=self.channel.drop)
        threading.Thread(target=self._listen, name="phsx-control", daemon=True).start()
        faulthandler.enable(file=2)
        output = Output()
        loaded: BoundTarget | BaseException
        try:
            loaded = read_parcel(parcel, sources)
            os.close(parcel)
            _furnish_main(loaded)
        except BaseException as error:
            loaded = error
        self.channel.send(("ready", None))
        while (job := self.jobs.get()) is not None:
            self.count += 1
            os.pwrite(self.begun, self.count.to_bytes(8, "little"), 0)
            outcome = self._run(loaded, job, output)
            if os.getpid() != self.pid:  # a target that forked and returned twice
                os._exit(0)
            self.channel.send(("done", outcome))

    def _run(self, loaded: BoundTarget | BaseException, job: Job, output: Output) -> Outcome:
        if isinstance(loaded, BaseException):
            return cannot_load(job, loaded)
        if os.path.isdir(self.cwd):  # noqa: PTH112 - an earlier trial may have gone elsewhere
            os.chdir(self.cwd)
        try:
            output.begin(job.directory, job.attempt)
        except OSError as error:
            text = f"the trial's output cannot be written: {error}"
            return Outcome(job.trial, job.attempt, "failed", error=text)
        directory = Path(job.directory)
        handle = make_handle(job, directory, self._report, self.stop, self.save)
        try:
            return call_target(loaded, job, handle)
        finally:
            self.current = None
            output.end()

    def _report(self, report: Report | Saved) -> None:
        try:
            self.channel.send(("report", report))
        except OSError:
            raise RuntimeError(
                "trial.report and trial.checkpoint work only in the trial's own process, not "
                "in a copy made by fork"
            ) from None

    def _listen(self) -> None:
        """Take messages as they come, also while a trial runs."""
        while True:
            try:
                messages = self.channel.receive()
            except (EOFError, OSError):
                self._abandon()
            for kind, content in messages:
                if kind == "run":
                    self.stop.clear()
                    self.save.clear()
                    self.current = content.trial
                    self.jobs.put(content)
                elif kind == "stop" and content == self.current:
                    self.stop.set()
                elif kind == "save" and content == self.current:
                    self.save.set()
                elif kind == "end":
                    self.jobs.put(None)
                    return

    def _abandon(self) -> NoReturn:
        """End at once, with all processes that trials have started: the worker is gone."""
        if os.getpgrp() == self.pid:
            os.killpg(self.pid, signal.SIGKILL)
        os._exit(1)


def _working_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109
    except FileNotFoundError:  # the worker's was removed
        return "/"


def _furnish_main(bound: BoundTarget) -> None:
    """Give this process's `__main__` what the target knew in the master's.

    A target from a script may hand functions and classes of the script to a pool of processes;
    pickle then looks for them in `__main__`.
    """
    target: Any = bound.target
    while hasattr(target, "func"):
        target = target.func
    target = getattr(target, "__func__", target)
    if getattr(target, "__module__", None) != "__main__":
        return
    main = vars(sys.modules["__main__"])
    function = target if hasattr(target, "__globals__") else type(target).__call__
    for name, value in getattr(function, "__globals__", {}).items():
        main.setdefault(name, value)
    main.setdefault(getattr(target, "__name__", type(target).__name__), target)


def _die_with_parent(parent: int) -> None:
    """Let the kernel kill this process when the worker's thread that started it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
