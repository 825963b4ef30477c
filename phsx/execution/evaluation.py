"""One evaluation: the job that is sent, the outcome that comes back, and the call in between."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from phsx.execution.handle import Notify, TrialHandle
from phsx.targets.calling import BoundTarget
from phsx.targets.package import Package
from phsx.targets.result import read_result

State = Literal[
    "completed",
    "failed",
    "timed_out",
    "out_of_memory",
    "crashed",
    "stopped",
    "interrupted",
    "not_installed",
]

#: A traceback's text is cut in the middle beyond this many characters.
TRACEBACK_LIMIT = 20_000

_OWN = str(Path(__file__).resolve().parent.parent) + os.sep


@dataclass(frozen=True)
class Job:
    """What a worker has to know to run one attempt of one trial.

    Attributes
    ----------
    run : str
        Id of the run, under which the target was installed.
    trial : int
        The trial's number.
    params : mapping
        Its parameters: active ones, constants and computed ones.
    directory : str
        The trial's directory, absolute.
    attempt : int
        From 1.
    seed : int
        The trial's seed.
    timeout : float or None
        Seconds that the call of the target may take; then the trial's process is ended.
    memory : int or None
        Bytes that the trial's process and all that it starts may take.
    cores : int or None
        Threads that numerical libraries may use. None: as the worker's environment says.
    gpus : float or None
        How many GPUs it may see, or the share of one; None: all that its slot has.
    objective : str or None
        The objective's name in a returned mapping.
    isolate : bool
        Whether the target runs in a process of its own.
    lasting : bool
        Whether another attempt will find what this one leaves in `directory`.
    """

    run: str
    trial: int
    params: Mapping[str, Any]
    directory: str
    attempt: int = 1
    seed: int = 0
    timeout: float | None = None
    memory: int | None = None
    cores: int | None = None
    gpus: float | None = None
    objective: str | None = None
    isolate: bool = True
    lasting: bool = True


@dataclass(frozen=True)
class Outcome:
    """What became of one attempt.

    Attributes
    ----------
    trial, attempt : int
        Which one.
    state : str
        ``"completed"``; ``"failed"``: an exception, or no usable result; ``"timed_out"``;
        ``"out_of_memory"``: it took more than it may;
        ``"crashed"``: its process died; ``"stopped"``: its process was ended on request;
        ``"interrupted"``: it has saved a checkpoint, to go on elsewhere;
        ``"not_installed"``: the worker does not know the run, nothing was done.
    value : float or None
        The objective, where completed.
    extras : dict
        Further entries of a returned mapping, as JSON.
    error : str or None
        One paragraph on what went wrong.
    traceback : str or None
        Text of the traceback, from the target's own frames on.
    started, ended : float
        Unix seconds, by the clock of `host`, of the call alone.
    host : str
        Where it ran.
    pid : int
        The process that it ran in.
    stdout, stderr : str or None
        The end of what was written, only where the trial's directory cannot be written there.
    checkpoint : int or None
        Step of the checkpoint from which an interrupted trial goes on.
    """

    trial: int
    attempt: int
    state: State
    value: float | None = None
    extras: dict[str, Any] = field(default_factory=dict)
    error: str | None = None
    traceback: str | None = None
    started: float = 0.0
    ended: float = 0.0
    host: str = ""
    pid: int = 0
    stdout: str | None = None
    stderr: str | None = None
    checkpoint: int | None = None


def evaluate_here(
    target: BoundTarget | Package,
    job: Job,
    notify: Notify | None = None,
    stop: threading.Event | None = None,
    save: threading.Event | None = None,
) -> Outcome:
    """Evaluate a job in this process and thread, so that a debugger stops inside the target.

    Parameters
    ----------
    target : BoundTarget or Package
        What to call.
    job : Job
        `timeout`, `memory` and `cores` have no effect here, and output goes where it always goes.
    notify : callable, optional
        Called with every `Report`.
    stop : threading.Event, optional
        Set by another thread to make `trial.should_stop()` true.
    save : threading.Event, optional
        Set by another thread to make `trial.should_checkpoint()` true.

    Returns
    -------
    Outcome
        Exceptions of the target, `SystemExit` included, are the state ``"failed"``. An interrupt
        from the keyboard is not: it is raised.
    """
    bound = target.load() if isinstance(target, Package) else target
    directory = Path(job.directory)
    directory.mkdir(parents=True, exist_ok=True)
    handle = make_handle(job, directory, notify, stop, save)
    return call_target(bound, job, handle, escapes=_from_keyboard)


def make_handle(
    job: Job,
    directory: Path,
    notify: Notify | None,
    stop: threading.Event | None,
    save: threading.Event | None,
) -> TrialHandle:
    """Return the handle for a job, with the directory that the trial has on this host."""
    return TrialHandle(
        run=job.run,
        id=job.trial,
        attempt=job.attempt,
        seed=job.seed,
        directory=directory,
        params=job.params,
        notify=notify,
        stop=stop,
        save=save,
        lasting=job.lasting,
    )


def call_target(
    bound: BoundTarget,
    job: Job,
    handle: TrialHandle,
    escapes: Callable[[BaseException], bool] = lambda error: False,
) -> Outcome:
    """Call the target and make an outcome of whatever happens.

    `escapes` tells which exceptions are not the target's own and are to be raised.
    """
    started = time.time()
    try:
        returned = bound.call(job.params, handle)
    except BaseException as error:
        ended = time.time()
        if escapes(error):
            raise
        # Also where a library of the target's has made another exception of it.
        interrupted = handle.interrupted
        return Outcome(
            job.trial,
            job.attempt,
            "interrupted" if interrupted else "failed",
            error=describe_error(error),
            traceback=None if interrupted else format_traceback(error),
            started=started,
            ended=ended,
            host=host_name(),
            pid=os.getpid(),
            checkpoint=handle.saved,
        )
    ended = time.time()
    result = read_result(returned, job.objective)
    return Outcome(
        job.trial,
        job.attempt,
        "completed" if result.reason is None else "failed",
        value=result.value,
        extras=result.extras,
        error=result.reason,
        started=started,
        ended=ended,
        host=host_name(),
        pid=os.getpid(),
    )


def cannot_load(job: Job, error: BaseException) -> Outcome:
    """Return the outcome of a job whose target this process cannot load."""
    return Outcome(
        job.trial,
        job.attempt,
        "failed",
        error=f"the target could not be loaded on {host_name()}: {describe_error(error)}",
        traceback=format_traceback(error),
        started=time.time(),
        ended=time.time(),
        host=host_name(),
        pid=os.getpid(),
    )


def host_name() -> str:
    """Return this host's name."""
    return os.uname().nodename


def describe_error(error: BaseException) -> str:
    """Return the kind and the message of an exception on one short line."""
    try:
        message = str(error)
    except Exception as inner:
        message = f"<its message cannot be had: {type(inner).__name__}>"
    text = f"{type(error).__name__}: {message}" if message else type(error).__name__
    return text if len(text) <= 1_000 else f"{text[:997]}..."


def format_traceback(error: BaseException) -> str:
    """Return an exception's traceback as text, from the first frame outside of phsx on."""
    import traceback

    frames = _skip_own(error.__traceback__)
    try:
        lines = traceback.format_exception(type(error), error, frames)
    except Exception as inner:  # a broken __str__, __cause__ or source file of the target's
        lines = [*traceback.format_tb(frames), f"{type(error).__name__} ({type(inner).__name__})\n"]
    text = "".join(lines)
    if len(text) <= TRACEBACK_LIMIT:
        return text
    half = TRACEBACK_LIMIT // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"


def _skip_own(frames: TracebackType | None) -> TracebackType | None:
    first = frames
    while first is not None and first.tb_frame.f_code.co_filename.startswith(_OWN):
        first = first.tb_next
    return first if first is not None else frames


class Interrupt(KeyboardInterrupt):
    """An interrupt that a run's own signal handler raises: surely from the user."""


def _from_keyboard(error: BaseException) -> bool:
    """Tell whether this comes from the user at the terminal and not from the target."""
    if isinstance(error, Interrupt):
        return True
    debugger = sys.modules.get("bdb")
    if debugger is not None and isinstance(error, debugger.BdbQuit):
        return True
    if not isinstance(error, KeyboardInterrupt):
        return False
    if threading.current_thread() is not threading.main_thread():
        return False
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler
