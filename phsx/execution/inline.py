"""Everything in this process and thread, so that a debugger stops inside the target."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from phsx.execution.base import (
    Errored,
    Event,
    Executor,
    Finished,
    Message,
    Ref,
    Setting,
    Task,
    WorkerJoined,
)
from phsx.execution.evaluation import Job, evaluate_here
from phsx.execution.handle import Report, Saved
from phsx.targets.calling import BoundTarget


class InlineExecutor(Executor):
    """Runs one task after the other, in the order of submission, whenever `wait` is called.

    What the target prints goes to the terminal, and a timeout cannot be enforced, since nobody
    else is there to end the target.
    """

    concurrent = False

    def __init__(self) -> None:
        self._queue: deque[tuple[str, Callable[[], Any], bool]] = deque()
        self._results: dict[str, Any] = {}
        self._events: list[Event] = []
        self._woken = threading.Event()
        self._target: BoundTarget | None = None

    def start(self, setting: Setting) -> None:
        """Announce the one slot there is."""
        self._target = setting.target
        self._events.append(WorkerJoined("inline", 1))

    def submit(self, task: Task) -> None:
        """Queue a task."""

        def call() -> Any:
            args = [self._results[arg.key] if isinstance(arg, Ref) else arg for arg in task.args]
            return task.function(*args)

        self._queue.append((task.key, call, task.keep))

    def evaluate(self, key: str, job: Job, worker: str) -> None:
        """Queue an evaluation."""

        def call() -> Any:
            if self._target is None:
                raise RuntimeError("start() comes before evaluate()")
            return evaluate_here(self._target, job, self._say)

        self._queue.append((key, call, False))

    def _say(self, said: Report | Saved) -> None:
        self._events.append(Message.of(said))

    def wait(self, timeout: float | None) -> list[Event]:
        """Run the oldest task, unless there are events already."""
        if not self._events:
            if self._queue:
                self._run(*self._queue.popleft())
            else:
                self._woken.wait(timeout)
        self._woken.clear()
        events, self._events = self._events, []
        return events

    def _run(self, key: str, call: Callable[[], Any], keep: bool) -> None:
        try:
            value = call()
        except Exception as error:
            self._events.append(Errored(key, error))
            return
        if keep:
            self._results[key] = value
        else:
            self._events.append(Finished(key, value))

    def cancel(self, key: str) -> None:
        """Take a task out of the queue, or let go of its result."""
        self._queue = deque(entry for entry in self._queue if entry[0] != key)
        self._results.pop(key, None)

    def wake(self) -> None:
        """Make `wait` return."""
        self._woken.set()

    def clock(self) -> float:
        """Return the time of this machine."""
        return time.time()

    def close(self) -> None:
        """Let go of everything."""
        self._queue.clear()
        self._results.clear()
