"""SIGINT and SIGTERM while a run blocks: the first drains it, the second ends it at once."""

from __future__ import annotations

import queue
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

from phsx.execution.evaluation import Interrupt

HANDLED = (signal.SIGINT, signal.SIGTERM)


class Signals:
    """Handles the signals within a `with` block; elsewhere than in the main thread, none.

    A handler comes in the middle of anything, also of code that holds a lock or writes, and of
    another handler. So it takes no lock and writes nothing: a thread does what it asks for, and
    the second signal raises `Interrupt`.

    Parameters
    ----------
    stop : callable
        Gets a reason, and the seconds that are left to what runs (None: as the run was told).
    resume : str
        How to go on later.

    Attributes
    ----------
    number : int or None
        The first signal that came.
    """

    def __init__(self, stop: Callable[[str, float | None], object], resume: str) -> None:
        self.number: int | None = None
        self._stop = stop
        self._resume = resume
        self._asked: queue.SimpleQueue[str | None] = queue.SimpleQueue()  # its put is reentrant
        self._thread = threading.Thread(target=self._work, name="phsx-signals", daemon=True)
        self._old: dict[int, object] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self._thread.start()
            self._old = {number: signal.signal(number, self._handle) for number in HANDLED}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._old:
            for number, handler in self._old.items():
                signal.signal(number, handler)  # type: ignore[arg-type]
            self._asked.put(None)
            self._thread.join()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.number is not None:
            self._asked.put("interrupted twice")
            raise Interrupt
        self.number = number
        self._asked.put(signal.Signals(number).name)

    def _work(self) -> None:
        first = True
        while (reason := self._asked.get()) is not None:
            if first:
                sys.stderr.write(
                    f"\n{reason}: no new trials; running ones have a little time to finish. "
                    f"Once more to end at once. To go on later: {self._resume}\n"
                )
            self._stop(reason, None if first else 0.0)
            first = False
