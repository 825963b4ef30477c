"""Trials whose parameters are known: given to free slots, tried again, and concluded."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from phsx.exceptions import SearchFailedError
from phsx.execution.base import Executor, Lost, Setting
from phsx.execution.evaluation import Job, Outcome
from phsx.execution.resources import CORES, GPU, Resources
from phsx.master.flight import Flight
from phsx.master.ledger import Ledger
from phsx.master.pool import Pool
from phsx.master.saving import Saving
from phsx.master.search import Limits, Search
from phsx.master.supply import trial_seed
from phsx.master.waiting import Waiting
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
#: What is said of a process that somebody has killed, as the system does for lack of memory.
KILLED = "signal 9"
#: Seconds that a trial has at least which goes on with what is left of its time limit.
LEAST_TIMEOUT = 0.1


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
        self._waiting = Waiting(limits.needs, pool, executor.offers)
        self._flights: dict[str, Flight] = {}
        self._keys: dict[int, str] = {}
        self._silent: Counter[int] = Counter()  # deaths before a trial could say that it started
        self._saving = Saving(ledger, executor, pool.deadlines)
        self._failed = self._concluded = 0
        self.failure: SearchFailedError | None = None

    @property
    def waiting(self) -> int:
        """How many trials wait for a slot, of whatever kind."""
        return self._waiting.count

    @property
    def held(self) -> int:
        """How many trials wait for slots of another kind than those that were free."""
        return self._waiting.held

    @property
    def asked(self) -> list[Resources]:
        """What the trials ask for that wait or run."""
        return self._waiting.asked

    def add(self, trial: int) -> None:
        """Queue a trial, unless there is no slot on which it could ever run."""
        reason = self._waiting.add(trial, self._ledger.state.trials[trial].params or {})
        if reason is not None:
            self._conclude(trial, TrialState.FAILED, reason)

    def launch(self) -> None:
        """Give queued trials to free slots on which they fit."""
        for placed in self._waiting.place(self._executor.clock()):
            self._launch(*placed)

    def _launch(self, number: int, worker: str, asked: Resources) -> None:
        trial = self._ledger.state.trials[number]
        attempt, timeout = trial.attempt + 1, self._limits.timeout
        self._ledger.record("running", id=number, attempt=attempt, worker=worker)
        job = Job(
            run=self._setting.run,
            trial=number,
            attempt=attempt,
            seed=trial_seed(self._search.seed, number),
            params=dict(trial.params or {}),
            directory=str(self._search.trial_directory(number)),
            timeout=timeout and max(LEAST_TIMEOUT, timeout - trial.spent),
            memory=self._limits.memory,
            cores=int(asked.get(CORES, 0)) or self._pool.cores(worker),
            gpus=asked.get(GPU, 0.0) if self._limits.needs.given else None,
            objective=self._search.objective,
            isolate=self._setting.isolate,
        )
        key, now = f"evaluate-{number}-{attempt}", self._executor.clock()
        self._flights[key] = Flight(number, worker, now, trial.checkpoint)
        self._keys[number] = key
        self._pool.take(worker, number, now, asked)
        self._ledger.then(lambda: self._executor.evaluate(key, job, worker))

    def mention_slow(self) -> None:
        """Say of trials that they may hang, each once, where no time limit ends them.

        And of trials that no worker has the resources for.
        """
        self._waiting.mention(self._executor.clock())
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

    def ask_to_save(self, *, stopping: bool) -> None:
        """Ask evaluations to save themselves whose worker is about to end, or all of them."""
        self._saving.ask(self._flights, stopping=stopping)

    @property
    def next_request(self) -> float:
        """When the next evaluation is to be asked, by the executor's clock."""
        return self._saving.next_request

    def saved(self, trial: int, step: int | None) -> None:
        """Note that a trial has saved a checkpoint; or, without a step, that it can."""
        self._saving.saved(trial, step, self._flights.get(self._keys.get(trial, "")))

    # ------------------------------------------------------------ what comes back

    def finished(self, key: str, outcome: Outcome) -> None:
        """Take an outcome into account."""
        flight = self._land(key)
        if flight is None:
            return
        if outcome.state == "interrupted":
            self._interrupted(flight, outcome)
            return
        if outcome.state == "completed":
            spent = self._ledger.state.trials[flight.trial].spent
            self._pool.learn(spent + outcome.ended - outcome.started)
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

    def _cut(self, flight: Flight) -> bool:
        """Tell whether the end of a worker's batch job has cut a trial, and deal with it if so."""
        now, deadlines = self._executor.clock(), self._pool.deadlines
        if not deadlines.ended_by_it(flight.worker, now):
            return False
        reason, step = "its job reached the walltime", self._saving.progress(flight)
        if step is not None:
            reason += f", and it goes on from checkpoint {step}"
        elif hopeless := deadlines.cut(
            flight.trial, flight.worker, flight.submitted, now, flight.asked
        ):
            self._end(flight, TrialState.FAILED, hopeless, None)
            return True
        self._died(flight, reason, TrialState.LOST, counted=False)
        return True

    def _interrupted(self, flight: Flight, outcome: Outcome) -> None:
        """Let a trial go on elsewhere that has saved itself."""
        hopeless = self._saving.interrupted(flight, outcome)
        if hopeless is not None:
            self._end(flight, TrialState.FAILED, hopeless, outcome)
            return
        self._keep_output(outcome)
        self._waiting.again(flight.trial)

    def _blamed(self, flight: Flight, event: Lost) -> bool:
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

    def _land(self, key: str) -> Flight | None:
        flight = self._flights.pop(key, None)
        if flight is not None:
            del self._keys[flight.trial]
            self._pool.give_back(flight.trial)
            self._pool.quarantine.ended(flight.trial)
        return flight

    def _died(
        self,
        flight: Flight,
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
        if counted and (outcome is None or KILLED in reason):
            self._pool.quarantine.died(trial.id, flight.worker)
        self._waiting.again(trial.id)

    def _record_death(self, flight: Flight, reason: str, *, counted: bool) -> None:
        attempt = self._ledger.state.trials[flight.trial].attempt
        self._ledger.record(
            "death", id=flight.trial, attempt=attempt, reason=reason, counted=counted
        )

    def _end(
        self, flight: Flight, state: TrialState, error: str | None, outcome: Outcome | None
    ) -> None:
        if outcome is not None:
            self._keep_output(outcome)
        self._conclude(
            flight.trial,
            state,
            error,
            value=outcome.value if outcome and state is TrialState.COMPLETED else None,
            result=_bounded(outcome.extras) if outcome else {},
            traceback=outcome.traceback if outcome else None,
            worker=flight.worker,
            started=outcome.started if outcome else flight.submitted,
            ended=outcome.ended if outcome else self._executor.clock(),
        )

    def _conclude(self, number: int, state: TrialState, error: str | None, **known: Any) -> None:
        """Record the end of a trial; of one that never ran, nothing else is known."""
        unknown: dict[str, Any] = {"value": None, "result": {}, "traceback": None}
        unknown |= {"worker": None, "started": None, "ended": None}
        attempt = self._ledger.state.trials[number].attempt
        fields = unknown | known
        self._ledger.record(
            "ended", id=number, attempt=attempt, state=state.value, error=error, **fields
        )
        self._waiting.forget(number)
        trial = self._ledger.state.trials[number]
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
