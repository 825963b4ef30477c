"""What a running trial may ask for: the handle that a target gets as its argument `trial`."""

from __future__ import annotations

import operator
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from phsx.exceptions import TrialInterrupted

if TYPE_CHECKING:
    from phsx.execution.checkpoints import Checkpoint, Checkpoints


@dataclass(frozen=True)
class Report:
    """An intermediate result of a running trial.

    Attributes
    ----------
    run, trial, attempt :
        Which trial of which run.
    step : int
        How far the trial is, in the target's own unit (epochs, iterations).
    value : float
        The objective so far; may be NaN or infinite.
    time : float
        When it was reported, in Unix seconds.
    """

    run: str
    trial: int
    attempt: int
    step: int
    value: float
    time: float


@dataclass(frozen=True)
class Saved:
    """A running trial has saved a checkpoint, or has said that it can.

    Attributes
    ----------
    run, trial, attempt :
        Which trial of which run.
    step : int or None
        Of the checkpoint; None where there is none yet.
    """

    run: str
    trial: int
    attempt: int
    step: int | None


Notify = Callable[["Report | Saved"], None]


class TrialHandle:
    """A trial as its target sees it. Valid in the process of the trial, until the trial ends.

    Attributes
    ----------
    run : str
        Id of the run.
    id : int
        The trial's number.
    attempt : int
        1 at first, 2 when the trial is run again after its process died.
    seed : int
        A seed of the trial's own, the same in every attempt and every repetition of the search.
    directory : pathlib.Path
        The trial's own directory. It exists, and holds ``stdout.txt`` and ``stderr.txt``.
    params : mapping
        The parameters, read-only.

    Examples
    --------
    A target that reports and lets itself be stopped::

        def train(lr, trial):
            for epoch in range(100):
                loss = one_epoch(lr, seed=trial.seed)
                trial.report(epoch, loss)
                if trial.should_stop():
                    break
            return loss

    A target that goes on where an earlier attempt was interrupted::

        def train(lr, trial):
            model, first = Model(lr), 0
            saved = trial.restore()
            if saved is not None:
                model.load(saved.directory / "model.bin")
                first = saved.step
            for epoch in range(first, 100):
                loss = model.train_one_epoch()
                with trial.checkpoint(epoch + 1) as directory:
                    model.save(directory / "model.bin")
            return loss
    """

    def __init__(
        self,
        *,
        run: str,
        id: int,
        attempt: int,
        seed: int,
        directory: Path,
        params: Mapping[str, Any],
        notify: Notify | None = None,
        stop: threading.Event | None = None,
        save: threading.Event | None = None,
        lasting: bool = True,
    ) -> None:
        self.run = run
        self.id = id
        self.attempt = attempt
        self.seed = seed
        self.directory = directory
        self.params: Mapping[str, Any] = MappingProxyType(dict(params))
        self._notify = notify
        self._stop = stop if stop is not None else threading.Event()
        self._save = save if save is not None else threading.Event()
        self._lasting = lasting  # whether another attempt will find what this one saves
        self._store: Checkpoints | None = None
        #: Whether the attempt was ended by `checkpoint`.
        self.interrupted = False
        #: Step of the newest checkpoint that this attempt knows of.
        self.saved: int | None = None

    @property
    def checkpoint_directory(self) -> Path:
        """A directory for checkpoints, made when it is first asked for.

        It outlives the attempt: a later attempt of the trial finds here what an earlier one wrote.
        What `checkpoint` makes is here too, in directories called ``step-...``.
        """
        path = self.directory / "checkpoints"
        path.mkdir(exist_ok=True)
        return path

    def restore(self) -> Checkpoint | None:
        """Return the newest whole checkpoint of this trial; None where there is none.

        It has a `step`, and a `directory` with what was saved. One that is damaged is left out,
        with a line in the trial's ``stderr.txt``, and the one before is taken.
        """
        newest = self._checkpoints().newest()
        self.saved = None if newest is None else newest.step
        return newest

    def should_checkpoint(self) -> bool:
        """Tell whether to save now: the worker's time is nearly over, or the run is ending.

        For targets that would not save after every step. `checkpoint` then ends the attempt, and
        the trial goes on from there on another worker.
        """
        self._checkpoints()
        return self._lasting and self._save.is_set()

    def checkpoint(self, step: int) -> AbstractContextManager[Path]:
        """Give a directory to save in how far the trial is, for an attempt that goes on from there.

        What is written there becomes a checkpoint when the ``with`` block ends: all of it, durable,
        or nothing. The newest two are kept. Where the worker's time is nearly over, or the run is
        ending, so does the attempt then.

        Parameters
        ----------
        step : int
            How far the trial is; not negative.

        Returns
        -------
        context manager of pathlib.Path
            It raises `phsx.exceptions.TrialInterrupted` where the trial is saved, and is to go on
            elsewhere: let that pass. It raises OSError where nothing can be kept, and ValueError
            where nothing was written; earlier checkpoints are still there.

        Raises
        ------
        TypeError, ValueError
            `step` is no such number.

        Examples
        --------
        ::

            with trial.checkpoint(epoch) as directory:
                model.save(directory / "model.bin")
        """
        return self._saving(_step("trial.checkpoint(step)", step))

    @contextmanager
    def _saving(self, step: int) -> Iterator[Path]:
        try:
            with self._checkpoints().saving(step) as directory:
                yield directory
        except TrialInterrupted:
            self.interrupted = True
            raise
        self.saved = step
        self._tell(step)
        if self.should_checkpoint():
            self.interrupted = True
            raise TrialInterrupted(f"trial {self.id} is saved at step {step}")

    def _checkpoints(self) -> Checkpoints:
        """Return the checkpoints; at first, let it be known that this trial can save itself."""
        if self._store is None:
            from phsx.execution.checkpoints import Checkpoints  # most trials have no use for it

            self._store = Checkpoints(self.directory / "checkpoints", self.attempt)
            self._tell(None)
        return self._store

    def _tell(self, step: int | None) -> None:
        if self._notify is not None and self._lasting:
            self._notify(Saved(self.run, self.id, self.attempt, step))

    def report(self, step: int, value: float) -> None:
        """Report an intermediate result, such as the loss after an epoch.

        Parameters
        ----------
        step : int
            How far the trial is; not negative.
        value : float
            The objective so far. NaN and infinities are passed on as they are.

        Raises
        ------
        TypeError
            `step` is no integer or `value` no number.
        ValueError
            `step` is negative.
        """
        number = _step("trial.report(step, value)", step)
        try:
            result = float(value)
        except (TypeError, ValueError):
            raise TypeError(
                f"trial.report(step, value): value must be a number, not {value!r}"
            ) from None
        if self._notify is not None:
            self._notify(Report(self.run, self.id, self.attempt, number, result, time.time()))

    def should_stop(self) -> bool:
        """Tell whether the trial was asked to end. What it then returns is still its result."""
        return self._stop.is_set()

    def __reduce__(self) -> Any:
        raise TypeError(
            "a trial's handle works only in the trial's own process: pass on what is needed of it, "
            "such as trial.seed or trial.directory"
        )

    def __repr__(self) -> str:
        return (
            f"TrialHandle(id={self.id}, attempt={self.attempt}, directory={str(self.directory)!r})"
        )


def _step(call: str, step: Any) -> int:
    try:
        number = operator.index(step)
    except TypeError:
        raise TypeError(f"{call}: step must be an int, not {step!r}") from None
    if number < 0:
        raise ValueError(f"{call}: step must not be negative, not {number}")
    return number
