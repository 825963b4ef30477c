"""A run of an experiment: in this thread or in one of its own, with signals and a handle."""

from __future__ import annotations

import logging
import queue
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from phsx.exceptions import PhsxError, PhsxWarning
from phsx.experiment.signals import Signals
from phsx.master.master import Master
from phsx.state import SearchState
from phsx.trial import Trial, TrialState

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """How far a search is.

    Attributes
    ----------
    total : int or None
        Trials in all; None where that is not known yet.
    ended, running, failed : int
        How many trials have ended (failed ones included), are being evaluated, have failed.
    best : Trial or None
    """

    total: int | None
    ended: int
    running: int
    failed: int
    best: Trial | None


def progress_of(state: SearchState, total: int | None, *, maximize: bool) -> Progress:
    """Sum up a search's state."""
    ended = len(state.finished)
    return Progress(
        total,
        ended,
        state.count(TrialState.RUNNING),
        ended - state.count(TrialState.COMPLETED),
        state.best(maximize=maximize),
    )


class Callbacks:
    """Calls the user's functions with every finished trial, in a thread of their own.

    So the master never waits for them; what they raise is reported once each and does no harm.
    """

    def __init__(self, functions: Iterable[Callable[[Trial], object]]) -> None:
        self._functions = tuple(functions)
        self._queue: queue.SimpleQueue[Trial | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def __call__(self, trial: Trial) -> None:
        """Hand a trial over."""
        if not self._functions:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="phsx-callbacks", daemon=True)
            self._thread.start()
        self._queue.put(trial)

    def _work(self) -> None:
        while (trial := self._queue.get()) is not None:
            for function in self._functions:
                try:
                    function(trial)
                except Exception:
                    sys.excepthook(*sys.exc_info())

    def close(self) -> None:
        """Wait until all calls are made."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None


class Run:
    """A handle on a run in the background, as `Experiment.run(background=True)` returns it."""

    def __init__(
        self,
        master: Master,
        state: SearchState,
        *,
        maximize: bool,
        here: bool,
        resume: str,
        finish: Callable[[], None],
    ) -> None:
        self._master = master
        self.state = state
        self._maximize = maximize
        self._here = here
        self._resume = resume
        self._finish = finish
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._awaited = 0  # how many wait for the end, and will be told of an error
        self._ended = threading.Event()
        self._unseen = False

    # ------------------------------------------------------------ for the user

    @property
    def progress(self) -> Progress:
        """How far the search is."""
        return progress_of(self.state, self._master.supply.total, maximize=self._maximize)

    @property
    def running(self) -> bool:
        """Whether the run has not ended."""
        return not self._ended.is_set()

    def stop(self, grace: float | None = None) -> None:
        """Begin nothing new, give running trials `grace` seconds, and return when it has ended."""
        self._master.stop("asked to stop", grace)
        self.wait()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the run has ended; tell whether it has. Raises what ended it, if it failed."""
        self._awaited += 1
        ended = self._ended.wait(timeout)
        self._awaited -= 1
        if ended and self._thread is not None:
            self._thread.join()
        if ended and self._error is not None:
            error, self._error, self._unseen = self._error, None, False
            raise error
        return ended

    def mention(self) -> None:
        """Warn, once, of an error that has ended the run while nobody waited for it."""
        if self._unseen:
            self._unseen = False
            warnings.warn(self._lament(), PhsxWarning, stacklevel=4)

    def __repr__(self) -> str:
        progress = self.progress
        total = "?" if progress.total is None else progress.total
        word = "running" if self.running else "ended"
        return f"<phsx run, {word}: {progress.ended} of {total} trials, {progress.failed} failed>"

    # ------------------------------------------------------------ for the experiment

    def start(self) -> Run:
        """Run in a thread, and return the handle itself."""
        self._thread = threading.Thread(target=self._work, name="phsx-master", daemon=True)
        self._thread.start()
        return self

    def block(self) -> None:
        """Run and return when it has ended; in this very thread where targets run here."""
        self._awaited += 1
        with Signals(self._master.stop, self._resume) as signals:
            try:
                if self._here:
                    self._work()
                else:
                    self.start()
                    while not self._ended.wait(0.5):
                        pass
                self.wait()
            except KeyboardInterrupt:
                # The second signal: the master ends what runs, which takes a moment at most.
                with suppress(KeyboardInterrupt):
                    self._ended.wait(10.0)
                if signals.number is None:
                    raise
        if signals.number == signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)
        if signals.number is not None:
            raise KeyboardInterrupt(f"stopped; {self._resume}")

    def _work(self) -> None:
        try:
            try:
                self._master.run()
            finally:
                self._finish()
        except BaseException as error:
            self._error = error
            if isinstance(error, PhsxError):
                error.add_note(self._resume)
            if not self._awaited:
                self._unseen = True
                logger.error(self._lament())
        finally:
            self._ended.set()

    def _lament(self) -> str:
        kind, text = type(self._error).__name__, str(self._error)
        return f"the run in the background was ended by {kind}: {text}. To go on: {self._resume}"
