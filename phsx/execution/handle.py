"""What a running trial may ask for: the handle that a target gets as its argument `trial`."""

from __future__ import annotations

import operator
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

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


Notify = Callable[[Report], None]


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
    ) -> None:
        self.run = run
        self.id = id
        self.attempt = attempt
        self.seed = seed
        self.directory = directory
        self.params: Mapping[str, Any] = MappingProxyType(dict(params))
        self._notify = notify
        self._stop = stop if stop is not None else threading.Event()

    @property
    def checkpoint_directory(self) -> Path:
        """A directory for checkpoints, made when it is first asked for.

        It outlives the attempt: a later attempt of the trial finds here what an earlier one wrote.
        """
        path = self.directory / "checkpoints"
        path.mkdir(exist_ok=True)
        return path

    def checkpoint(self, step: int) -> AbstractContextManager[Path]:
        """Give a directory to save the trial's progress in.

        What is written there counts when the ``with`` block has ended without an exception, and is
        whole then; a trial that is killed meanwhile finds the checkpoint before. The newest two
        are kept.

        Parameters
        ----------
        step : int
            How far the trial is; not negative.

        Returns
        -------
        context manager of Path

        Examples
        --------
        ::

            def train(lr, trial):
                model, first = Model(lr), 0
                saved = trial.restore()
                if saved is not None:
                    model.load(saved.directory / "model.npz")
                    first = saved.step
                for step in range(first, 100):
                    loss = model.train()
                    with trial.checkpoint(step + 1) as directory:
                        model.save(directory / "model.npz")
                return loss
        """
        number = _step("trial.checkpoint(step)", step)
        return Checkpoints(self.checkpoint_directory).write(number)

    def restore(self) -> Checkpoint | None:
        """Return the newest whole checkpoint, of an earlier attempt as a rule; None without one.

        A damaged one is passed over, with a warning in the trial's ``stderr.txt``. Checkpoints are
        in the experiment's directory: on a host that does not see it there are none.
        """
        return Checkpoints(self.checkpoint_directory).newest()

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


def _step(call: str, step: object) -> int:
    try:
        number = operator.index(step)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{call}: step must be an int, not {step!r}") from None
    if number < 0:
        raise ValueError(f"{call}: step must not be negative, not {number}")
    return number
