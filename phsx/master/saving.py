"""Trials that save checkpoints: asked to, in time, and what comes of that."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from phsx.execution.base import Executor
from phsx.execution.evaluation import Outcome
from phsx.master.deadlines import Deadlines
from phsx.master.flight import Flight
from phsx.master.ledger import Ledger

#: Seconds after which an evaluation that was asked to save itself is asked again.
ASK_AGAIN = 5.0
#: A trial that is interrupted so often in a row without progress does not know how to go on.
MAX_IN_VAIN = 3


class Saving:
    """Asks evaluations to save themselves before their worker ends, or when the run does.

    Parameters
    ----------
    ledger : Ledger
    executor : Executor
    deadlines : Deadlines

    Attributes
    ----------
    next_request : float
        When the next evaluation is to be asked, by the executor's clock.
    """

    def __init__(self, ledger: Ledger, executor: Executor, deadlines: Deadlines) -> None:
        self._ledger = ledger
        self._executor = executor
        self._deadlines = deadlines
        self._in_vain: Counter[int] = Counter()  # interruptions in a row without progress
        self._stopping = False
        self.next_request = math.inf
        for trial in ledger.state.trials.values():
            if trial.checkpoint is not None:
                deadlines.saves(trial.id)

    def ask(self, flights: Mapping[str, Flight], *, stopping: bool) -> None:
        """Ask those whose worker is about to end; or all of them, when the run is.

        It is asked again until it ends: the request may come before the evaluation has begun.
        """
        self._stopping = stopping
        now, self.next_request = self._executor.clock(), math.inf
        for key, flight in flights.items():
            due = now if stopping else self._deadlines.ask_at(flight.worker)
            if flight.asked_again is not None:
                due = flight.asked_again + ASK_AGAIN
            if due is None:
                continue
            if due <= now:
                flight.asked, flight.asked_again = flight.asked or now, now
                self._executor.interrupt(key)
                due = now + ASK_AGAIN
            self.next_request = min(self.next_request, due)

    def saved(self, trial: int, step: int | None, flight: Flight | None) -> None:
        """Note that a trial has saved a checkpoint; or, without a step, that it can."""
        self._deadlines.saves(trial)
        if step is None or flight is None:
            return
        now = self._executor.clock()
        if flight.asked is None:
            self._deadlines.notice.learn(now - flight.saved, asked=False)
        flight.saved = now
        attempt = self._ledger.state.trials[trial].attempt
        self._ledger.record("checkpoint", id=trial, attempt=attempt, step=step)

    def progress(self, flight: Flight) -> int | None:
        """Return the step of the newest checkpoint, if this attempt has saved it."""
        step = self._ledger.state.trials[flight.trial].checkpoint
        return None if step == flight.from_checkpoint else step

    def interrupted(self, flight: Flight, outcome: Outcome) -> str | None:
        """Record that a trial has saved itself and ended; or return why it cannot go on so."""
        trial = self._ledger.state.trials[flight.trial]
        if flight.asked is not None:
            self._deadlines.notice.learn(self._executor.clock() - flight.asked, asked=True)
        self._deadlines.saves(trial.id)
        if not self._advances(flight, outcome.checkpoint):
            return (
                f"it was interrupted {MAX_IN_VAIN} times at checkpoint {outcome.checkpoint}, where "
                f"it had been before: does it go on from trial.restore()?"
            )
        self._ledger.record(
            "interrupted",
            id=trial.id,
            attempt=trial.attempt,
            step=outcome.checkpoint,
            seconds=outcome.ended - outcome.started,
            reason=f"interrupted, to go on from checkpoint {outcome.checkpoint}",
        )
        return None

    def _advances(self, flight: Flight, step: int | None) -> bool:
        """Tell whether a trial that is interrupted like that may come to an end at all."""
        before = -1 if flight.from_checkpoint is None else flight.from_checkpoint
        if self._stopping or (step is not None and step > before):
            del self._in_vain[flight.trial]  # a Counter does not mind where there were none
            return True
        self._in_vain[flight.trial] += 1
        return self._in_vain[flight.trial] < MAX_IN_VAIN
