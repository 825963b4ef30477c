"""Trials whose parameters are known: given to free slots, tried again, and concluded."""

from __future__ import annotations

import json
import logging
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from phsx.exceptions import SearchFailedError
from phsx.execution.base import Executor, Lost, Setting
from phsx.execution.evaluation import Job, Outcome
from phsx.master.ledger import Ledger
from phsx.master.pool import Pool
from phsx.master.search import Limits, Search
from phsx.master.supply import trial_seed
from phsx.trial import Trial, TrialState

logger = logging.getLogger(__name__)

#: Characters of JSON that are kept of what a target returns besides the objective.
MAX_RESULT = 4_000_000
#: A search is given up when more than `Limits.max_failed` of at least this many trials failed.
ENOUGH_TO_JUDGE = 5
#: Workers that may die under a trial before it could say that it had started: more are no chance.
MAX_SILENT_DEATHS = 10
#: A trial without a time limit is mentioned when it takes longer than most by this factor, and
#: longer than these seconds.
SLOW, SLOW_AT_LEAST = 10.0, 60.0


@dataclass
class _Flight:
    """An evaluation that is on its way."""

    trial: int
    worker: str
    submitted: float
    started: bool = False  # the worker has said so: its death may be the trial's fault
    mentioned: bool = False  # as being slow


class Evaluator:
    """Places evaluations, and decides what becomes of a trial when one ends.

    Parameters
    ----------
    search, setting, limits
        As of the master.
    ledger : Ledger
    executor : Executor
    pool : Pool
        Of evaluation slots.
    on_ended : callable
        Called with each trial that has ended, once that is durable.
    """

    def __init__(
        self,
        search: Search,
        setting: Setting,
        limits: Limits,
        ledger: Ledger,
        executor: Executor,
        pool: Pool,
        on_ended: Callable[[Trial], None],
    ) -> None:
        self._search = search
        self._setting = setting
        self._limits = limits
        self._ledger = ledger
        self._executor = executor
        self._pool = pool
        self._on_ended = on_ended
        self._ready: deque[int] = deque()
        self._flights: dict[str, _Flight] = {}
        self._keys: dict[int, str] = {}
        self._silent: Counter[int] = Counter()  # deaths before a trial could say that it started
        self._failed = self._concluded = 0
        self.failure: SearchFailedError | None = None

    @property
    def waiting(self) -> int:
        """How many trials wait for a slot."""
        return len(self._ready)

    def add(self, trial: int) -> None:
        """Queue a trial."""
        self._ready.append(trial)

    def launch(self) -> None:
        """Give queued trials to free slots on which they fit."""
        free = self._pool.free() if self._ready else []
        now, fits = self._executor.clock(), self._pool.deadlines.fits
        for number in list(self._ready) if free else ():
            worker = next((worker for worker in free if fits(number, worker, now)), None)
            if worker is not None:
                free.remove(worker)
                self._ready.remove(number)
                self._launch(number, worker)
            if not free:
                break

    def _launch(self, number: int, worker: str) -> None:
        trial = self._ledger.state.trials[number]
        attempt = trial.attempt + 1
        self._ledger.record("running", id=number, attempt=attempt, worker=worker)
        job = Job(
            run=self._setting.run,
            trial=number,
            attempt=attempt,
            seed=trial_seed(self._search.seed, number),
            params=dict(trial.params or {}),
            directory=str(self._search.trial_directory(number)),
            timeout=self._limits.timeout,
            memory=self._limits.memory,
            cores=self._limits.cores,
            objective=self._search.objective,
            isolate=self._setting.isolate,
        )
        key, now = f"evaluate-{number}-{attempt}", self._executor.clock()
        self._flights[key] = _Flight(number, worker, now)
        self._keys[number] = key
        self._pool.take(worker, number, now)
        self._ledger.then(lambda: self._executor.evaluate(key, job, worker))

    def mention_slow(self) -> None:
        """Say of trials that they may hang, each once, where no time limit ends them."""
        usual = self._pool.usual
        if self._limits.timeout is not None or usual is None:
            return
        now, patience = self._executor.clock(), max(SLOW * usual, SLOW_AT_LEAST)
        for flight in self._flights.values():
            if not flight.mentioned and now - flight.submitted > patience:
                flight.mentioned = True
                logger.warning(
                    "trial %d has been running for %.0f s on %s, where half of the trials take "
                    "less than %.3g s; if it hangs: run(timeout=...) ends such trials",
                    flight.trial,
                    now - flight.submitted,
                    flight.worker,
                    usual,
                )

    # ------------------------------------------------------------ what comes back

    def finished(self, key: str, outcome: Outcome) -> None:
        """Take an outcome into account."""
        flight = self._land(key)
        if flight is None:
            return
        if outcome.state == "completed":
            self._pool.learn(outcome.ended - outcome.started)
        if outcome.state == "crashed" and self._cut(flight):
            return
        if outcome.state == "crashed":
            reason = outcome.error or "its process died"
            self._died(flight, reason, TrialState.FAILED, True, outcome)
        else:
            self._end(flight, TrialState(outcome.state), outcome.error, outcome)

    def errored(self, key: str, error: BaseException) -> None:
        """Conclude a trial that could not be evaluated, such as for a target that fails to load."""
        flight = self._land(key)
        if flight is not None:
            self._end(flight, TrialState.FAILED, f"{type(error).__name__}: {error}", None)

    def lost(self, event: Lost) -> None:
        """Try a trial again that went down with its worker or connection."""
        flight = self._land(event.key)
        if flight is not None and not self._cut(flight):
            self._died(flight, event.reason, TrialState.LOST, self._blamed(flight, event))

    def _cut(self, flight: _Flight) -> bool:
        """Tell whether the end of a worker's batch job has cut a trial, and deal with it if so."""
        now, deadlines = self._executor.clock(), self._pool.deadlines
        if not deadlines.ended_by_it(flight.worker, now):
            return False
        hopeless = deadlines.cut(flight.trial, flight.submitted, now)
        if hopeless is not None:
            self._end(flight, TrialState.FAILED, hopeless, None)
        else:
            reason = "its job reached the walltime"
            self._died(flight, reason, TrialState.LOST, counted=False)
        return True

    def _blamed(self, flight: _Flight, event: Lost) -> bool:
        """Tell whether a loss counts as a death of the trial.

        It does where the trial ran on the worker that died. The message that it runs can go down
        with the worker, and so always does where the trial kills it at once.
        """
        if event.worker_died and not flight.started:
            self._silent[flight.trial] += 1
            return self._silent[flight.trial] > MAX_SILENT_DEATHS
        return event.worker_died

    def started(self, trial: int) -> None:
        """Note that a worker has begun with a trial."""
        key = self._keys.get(trial)
        if key is not None:
            self._flights[key].started = True

    def abandon(self, reason: str) -> None:
        """End what runs; a later run begins it again."""
        for key, flight in list(self._flights.items()):
            self._executor.cancel(key)
            self._land(key)
            self._record_death(flight, f"the run was stopped: {reason}", counted=False)

    def _land(self, key: str) -> _Flight | None:
        flight = self._flights.pop(key, None)
        if flight is not None:
            del self._keys[flight.trial]
            self._pool.give_back(flight.trial)
        return flight

    def _died(
        self,
        flight: _Flight,
        reason: str,
        final: TrialState,
        counted: bool,
        outcome: Outcome | None = None,
    ) -> None:
        """Try a trial again whose process or worker died, unless that happened too often."""
        trial = self._ledger.state.trials[flight.trial]
        if counted and trial.deaths >= self._limits.max_deaths:
            text = f"{reason}\n(attempt {trial.attempt}, {trial.deaths} deaths before)"
            self._end(flight, final, text, outcome)
            return
        self._record_death(flight, reason, counted=counted)
        self._ready.appendleft(trial.id)

    def _record_death(self, flight: _Flight, reason: str, *, counted: bool) -> None:
        attempt = self._ledger.state.trials[flight.trial].attempt
        self._ledger.record(
            "death", id=flight.trial, attempt=attempt, reason=reason, counted=counted
        )

    def _end(
        self, flight: _Flight, state: TrialState, error: str | None, outcome: Outcome | None
    ) -> None:
        self._ledger.record(
            "ended",
            id=flight.trial,
            attempt=self._ledger.state.trials[flight.trial].attempt,
            state=state.value,
            value=outcome.value if outcome and state is TrialState.COMPLETED else None,
            result=_bounded(outcome.extras) if outcome else {},
            error=error,
            traceback=outcome.traceback if outcome else None,
            worker=flight.worker,
            started=outcome.started if outcome else flight.submitted,
            ended=outcome.ended if outcome else self._executor.clock(),
        )
        if outcome is not None:
            self._keep_output(outcome)
        trial = self._ledger.state.trials[flight.trial]
        self._ledger.then(lambda: self._on_ended(trial))
        self._judge(trial)

    def _judge(self, trial: Trial) -> None:
        """Give the search up when most trials of this run fail."""
        self._failed += trial.state is not TrialState.COMPLETED
        self._concluded += 1
        if self._concluded < ENOUGH_TO_JUDGE:
            return
        if self._failed > self._limits.max_failed * self._concluded:
            self.failure = SearchFailedError(
                f"{self._failed} of {self._concluded} trials failed, more than "
                f"max_failed={self._limits.max_failed:g} allows. The last one, trial {trial.id} "
                f"with {dict(trial.params or {})}:\n{trial.traceback or trial.error}"
            )

    def _keep_output(self, outcome: Outcome) -> None:
        """Write what a worker that does not see the experiment's directory has sent along."""
        directory = self._search.trial_directory(outcome.trial)
        try:
            for name, text in (("stdout.txt", outcome.stdout), ("stderr.txt", outcome.stderr)):
                if text:
                    directory.mkdir(parents=True, exist_ok=True)
                    with (directory / name).open("a", encoding="utf-8") as file:
                        file.write(text)
        except OSError as error:
            logger.warning("the output of trial %d cannot be kept: %s", outcome.trial, error)


def _bounded(extras: dict[str, Any]) -> dict[str, Any]:
    """Return what a target returned, without what is too much for a journal's line."""
    left = MAX_RESULT
    kept: dict[str, Any] = {}
    for key, value in extras.items():
        size = len(json.dumps(value)) + len(key)
        if size > left:
            logger.warning(
                "what the target returned as %r is left out: at most %d characters are kept in "
                "all; write large results to the trial's directory",
                key,
                MAX_RESULT,
            )
            continue
        left -= size
        kept[key] = value
    return kept
