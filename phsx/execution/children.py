"""The worker's side of its child processes: start, run a trial, notice death, kill."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Literal

from phsx.execution.channel import Channel
from phsx.execution.evaluation import Job, Outcome, State, host_name
from phsx.execution.guard import end_marked
from phsx.execution.handle import Notify
from phsx.execution.memory import memory_file, out_of_memory_kills, spelled, used_by
from phsx.execution.output import FILES, tail
from phsx.execution.spawner import Files, Spawner

#: Milliseconds that `poll` can count, 24 days: what takes longer has no limit.
LONGEST_POLL = 2**31 - 1
#: Seconds between SIGTERM and SIGKILL, for targets that save something when they are ended.
GRACE = 0.5

#: Seconds for an idle child to end by itself, its exit handlers included.
FAREWELL = 2.0

#: A timeout covers the call alone; to start and load the target a child has at least this long.
LOAD_LIMIT = 60.0

#: Seconds between looks at how much memory a trial takes, where that is limited.
MEMORY_LOOK = 0.1

_Event = Literal["message", "death", "timeout", "nothing"]


class Child:
    """A process that runs the trials of one run, one after the other.

    Parameters
    ----------
    spawner : Spawner
        Starts the process.
    parcel : int
        Descriptor of the file that holds the package.
    sources : str or None
        Directory with the package's source files.
    cwd : str or None
        Where to run; None: where this process runs.
    variables : mapping of str to str
        Of its environment, beside what this process has.

    Attributes
    ----------
    ended : bool
        Whether the process is gone.
    epitaph : str
        How it ended, where it ended while it was to run a job.
    """

    def __init__(
        self,
        spawner: Spawner,
        parcel: int,
        sources: str | None,
        cwd: str | None,
        variables: Mapping[str, str],
    ) -> None:
        self.variables = dict(variables)
        self._spawner = spawner
        self._mark = uuid.uuid4().hex
        self._begun = memory_file("phsx-begun")
        ours, theirs = socket.socketpair()
        with theirs:
            self._channel = Channel(ours.detach())
            files = Files(theirs.fileno(), parcel, self._begun.fileno())
            try:
                self._process = spawner.start(files, sources, cwd, self.variables, self._mark)
            except BaseException:
                self._channel.close()
                self._begun.close()
                raise
        self.pid = self._process.pid
        self._death = _open_process(self.pid)
        self._lock = threading.Lock()
        self._cause: State | None = None
        self._ready = False
        self._sent = 0
        self._kills = out_of_memory_kills()  # once per process, since it takes a quarter of a ms
        self._started = 0.0
        self._looked = 0.0
        self._used = 0
        self.ended = False
        self.epitaph = ""

    def run(self, job: Job, notify: Notify | None = None) -> Outcome | None:
        """Run a job and wait for its end, without polling and without holding the GIL.

        Returns
        -------
        Outcome or None
            None: the process was dead before the trial could start, another one may run it.
            The process has ended wherever `ended` is true afterwards.
        """
        self._started = time.time()
        self._sent += 1
        try:
            self._channel.send(("run", job))
        except OSError:
            return self._bury(job)
        limit = self._limit(job)
        watched = job.memory is not None
        while True:
            event = self._wait(limit, MEMORY_LOOK if watched else None)
            if watched and self._takes_too_much(job):
                watched = False
                limit = None
                self.kill("out_of_memory")
            if event == "nothing":
                continue
            if event == "timeout":
                limit = None
                self.kill("timed_out")
                continue
            if event == "death":
                return self._bury(job)
            try:
                messages = self._channel.receive()
            except (EOFError, OSError):
                self._await_death(FAREWELL)
                return self._bury(job)
            for kind, content in messages:
                if kind == "done":
                    return self._done(content)
                if kind == "report" and notify is not None and content.trial == job.trial:
                    notify(content)
                elif kind == "ready":
                    self._ready = True
                    self._started = time.time()
                    limit = self._limit(job)

    def _limit(self, job: Job) -> float | None:
        """Return the moment, in monotonic time, at which the job has taken too long."""
        if job.timeout is None:
            return None
        patience = job.timeout if self._ready else max(job.timeout, LOAD_LIMIT)
        return time.monotonic() + patience

    def _takes_too_much(self, job: Job) -> bool:
        now = time.monotonic()
        if job.memory is None or now < self._looked + MEMORY_LOOK:
            return False
        self._looked = now
        self._used = used_by(self.pid, job.memory)
        return self._used > job.memory

    def fit_for_more(self, job: Job) -> bool:
        """Tell whether what is left in the process of its trials leaves enough to the next."""
        return job.memory is None or used_by(self.pid, job.memory) <= job.memory / 2

    def ask(self, what: Literal["stop", "save"], trial: int) -> None:
        """Let `trial.should_stop()`, or `trial.should_checkpoint()`, be true from now on."""
        try:
            self._channel.send((what, trial))
        except OSError:
            return  # it is gone, and whoever waits for it knows

    def kill(self, cause: State) -> None:
        """End the process and all that it has started: SIGTERM, and soon after it SIGKILL.

        Lack of memory does not wait.

        The trial that runs, if any, gets the state `cause`.
        """
        with self._lock:
            if self.ended:
                return
            self._cause = self._cause or cause
        if cause == "out_of_memory":
            self._signal(signal.SIGKILL)
        elif self._signal(signal.SIGTERM):
            self._await_death(GRACE)
            self._signal(signal.SIGKILL)

    def dismiss(self) -> None:
        """Ask an idle process to end; `close` waits for it."""
        try:
            self._channel.send(("end", None))
        except OSError:
            return

    def close(self) -> None:
        """End an idle process."""
        self.dismiss()
        self._await_death(FAREWELL)
        self._reap()

    def alive(self) -> bool:
        """Tell whether the process can take a job."""
        if self.ended or self._death is None:
            return not self.ended and self._process.poll() is None
        poll = select.poll()
        poll.register(self._death, select.POLLIN)
        return not poll.poll(0)

    def _wait(self, until: float | None, longest: float | None) -> _Event:
        poll = select.poll()
        poll.register(self._channel.descriptor, select.POLLIN)
        if self._death is not None:
            poll.register(self._death, select.POLLIN)
        timeout = None if until is None else max(0.0, until - time.monotonic()) * 1000
        if timeout is not None and timeout > LONGEST_POLL:
            timeout = None
        if longest is not None and (timeout is None or timeout > longest * 1000):
            timeout = longest * 1000
            until = None
        ready = {descriptor for descriptor, _ in poll.poll(timeout)}
        if self._channel.descriptor in ready:
            return "message"  # also what a process has sent before it died
        if ready:
            return "death"
        return "nothing" if until is None else "timeout"

    def _await_death(self, timeout: float) -> None:
        with self._lock:
            if self.ended:
                return
            watch = None if self._death is None else os.dup(self._death)
        if watch is None:
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                return
        else:
            poll = select.poll()
            poll.register(watch, select.POLLIN)
            poll.poll(timeout * 1000)
            os.close(watch)

    def _signal(self, number: signal.Signals) -> bool:
        """Send a signal to the process group; False where it has ended."""
        with self._lock:  # not reaped: the number still belongs to this group
            if self.ended:
                return False
            try:
                os.killpg(self.pid, number)
            except (ProcessLookupError, PermissionError):
                return False
            return True

    def _reap(self) -> int:
        """Kill what is left of the group, and return the exit status."""
        self._signal(signal.SIGKILL)
        with self._lock:
            if not self.ended:
                self._process.wait()
                self.ended = True
                self._channel.close()
                self._begun.close()
                if self._death is not None:
                    os.close(self._death)
                self._spawner.guard.remove("group", str(self.pid))
                self._spawner.guard.remove("mark", self._mark)
        return self._process.returncode

    def _bury(self, job: Job) -> Outcome | None:
        """Make an outcome of a death, or None where the trial had not started."""
        begun = int.from_bytes(os.pread(self._begun.fileno(), 8, 0), "little") == self._sent
        status = self._reap()
        self.epitaph = _death_text(status)
        if status == -signal.SIGKILL and self._cause is None:
            self.epitaph += _reason_of_kill(out_of_memory_kills() > self._kills)
        end_marked([self._mark])  # what has left the group: a daemon, a program in its own session
        if self._cause is None and not begun:
            return None
        if self._cause == "timed_out":
            doing = "trial" if begun else "loading of the target"
            text = f"the {doing} took longer than timeout={job.timeout:g} s and was ended"
        elif self._cause == "out_of_memory" and job.memory is not None:
            text = (
                f"out of memory: the trial, with what it had started, took {spelled(self._used)}, "
                f"more than memory_per_trial={spelled(job.memory)}, and was ended"
            )
        elif self._cause is not None:
            text = "the trial was ended on request"
        else:
            text = f"the process that ran the trial {self.epitaph}"
        return self._outcome(job, self._cause or "crashed", text, _fatal_error(job))

    def _done(self, outcome: Outcome) -> Outcome:
        if self._cause is not None:  # it was being killed, and was faster
            self._await_death(FAREWELL)
            self._reap()
        return outcome

    def _outcome(self, job: Job, state: State, error: str, traceback: str | None) -> Outcome:
        now = time.time()
        return Outcome(
            job.trial,
            job.attempt,
            state,
            error=error,
            traceback=traceback,
            started=self._started,
            ended=now,
            host=host_name(),
            pid=self.pid,
        )


def _open_process(pid: int) -> int | None:
    """Return a descriptor that becomes readable at the process's death, where there is such."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None  # not Linux, or forbidden: the end of the channel tells as well


def _death_text(status: int) -> str:
    if status >= 0:
        return f"exited with code {status} before the trial was done (os._exit, or C code's exit)"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = "unknown"
    return f"died of signal {-status} ({name}: {signal.strsignal(-status)})"


def _reason_of_kill(out_of_memory: bool) -> str:
    if out_of_memory:
        return (
            ", out of memory: since it was started, this host has ended a process for that. Give "
            "the trials more memory, or run fewer on a host"
        )
    return "; somebody killed it, or it was out of memory in a way that the system does not tell"


def _fatal_error(job: Job) -> str | None:
    """Return Python's last words on a segfault and the like."""
    text = tail(os.path.join(job.directory, FILES[2])) or ""  # noqa: PTH118
    at = text.rfind("Fatal Python error")
    return text[at:] if at >= 0 else None
