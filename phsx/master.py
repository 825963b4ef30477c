"""The master: one loop that places tasks, journals what happens, and decides what comes next.

It computes no model and runs no user code, and it is the only writer. The order within a round is
what makes a search survive: events are recorded, decisions are recorded, the journal is made
durable, and only then is anything submitted.
"""

from __future__ import annotations

import logging
import math
import threading
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from phsx.exceptions import (
    ExhaustedError,
    ExhaustedWarning,
    ModelWarning,
    SearchFailedError,
)
from phsx.execution import tasks
from phsx.execution.base import (
    Errored,
    Event,
    Executor,
    Finished,
    Lost,
    Message,
    Setting,
    Task,
    WorkerJoined,
    WorkerLeft,
)
from phsx.execution.evaluation import Job, Outcome
from phsx.feed import Feed
from phsx.history import History, Observation
from phsx.journal import Journal
from phsx.observing import observe
from phsx.pool import Pool
from phsx.space import Space
from phsx.state import SearchState
from phsx.strategies.base import ModelStrategy
from phsx.strategies.plan import Plan
from phsx.supply import FIT_SEEDS, Place, Supply, trial_seed
from phsx.trial import Trial, TrialState

logger = logging.getLogger(__name__)

#: Pending trials that a suggestion is told of, the newest ones.
MAX_PENDING = 256
#: A suggestion is computed ahead where it would idle a worker for more than this share.
IDLE_SHARE = 0.01
#: It is begun this many times its own cost before the worker is expected to be free.
LEAD = 3.0
#: Suggestions that turn out to be taken are asked again so often, then a model is not asked.
ASK_AGAIN = 3
#: Seconds between two rounds when nothing happens, and after which missing workers are mentioned.
TICK, PATIENCE = 1.0, 30.0
#: A search is given up when more than `Limits.max_failed` of at least this many trials failed.
ENOUGH_TO_JUDGE = 5


@dataclass(frozen=True)
class Limits:
    """What a run may take.

    Attributes
    ----------
    timeout : float or None
        Seconds per evaluation.
    max_time : float or None
        Seconds for the run.
    stop_at : float or None
        The run ends when a trial is at least as good as this.
    grace : float
        Seconds that running trials are given when the run is stopped.
    max_deaths : int
        How often a trial's process or worker may die before the trial is given up.
    max_failed : float
        Share of failed trials above which the search is given up.
    cores : int
        Threads that a target may use.
    """

    timeout: float | None = None
    max_time: float | None = None
    stop_at: float | None = None
    grace: float = 10.0
    max_deaths: int = 3
    max_failed: float = 0.5
    cores: int = 1


@dataclass(frozen=True)
class Search:
    """What is searched, and how: the part of an experiment that the master needs."""

    space: Space
    plan: Plan
    seed: int
    maximize: bool
    objective: str | None
    directory: Path


@dataclass
class _Flight:
    """A task that is on its way."""

    kind: str  # "fit", "suggest" or "evaluate"
    worker: str | None
    submitted: float
    place: Place | None = None
    trial: int = -1
    tries: int = 0
    started: bool = False
    fit: dict[str, Any] = field(default_factory=dict)


class Master:
    """Runs a search on an executor until it is done, stopped, or fails.

    Parameters
    ----------
    search : Search
    state : SearchState
        What the journal holds; changed by this master alone.
    journal : Journal
        Open for writing.
    executor : Executor
    setting : Setting
        What the workers are told.
    limits : Limits
    on_ended : callable
        Called with each trial that has ended, after that is durable.
    on_tick : callable
        Called once per round.
    """

    def __init__(
        self,
        search: Search,
        state: SearchState,
        journal: Journal,
        executor: Executor,
        setting: Setting,
        limits: Limits,
        on_ended: Callable[[Trial], None] = lambda trial: None,
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._search = search
        self._state = state
        self._journal = journal
        self._executor = executor
        self._setting = setting
        self._limits = limits
        self._on_ended = on_ended
        self._on_tick = on_tick
        self.supply = Supply(search.space, search.plan, search.seed, state)
        self.pool = Pool()
        self._feed = Feed(len(search.space), executor.submit, executor.cancel)
        self._ready: deque[int] = deque()
        self._reask: deque[int] = deque()
        self._flights: dict[str, _Flight] = {}
        self._suggesting = 0
        self._fitting = False
        self._fit_is_new = False
        self._costs: deque[float] = deque(maxlen=20)
        self._submissions: list[Callable[[], None]] = []
        self._ended: list[Trial] = []
        self._outcomes = [0, 0]  # trials of this run that failed, and all
        self._next_look: float | None = None
        self._count = 0
        self._workerless_since: float | None = None
        self._began = 0.0
        self._stop = threading.Event()
        self._stop_deadline = math.inf
        self.stop_reason: str | None = None
        self._failure: SearchFailedError | None = None

    # ---------------------------------------------------------------- the loop

    def run(self) -> None:
        """Search until the plan is done or the run is stopped.

        Raises
        ------
        SearchFailedError
            Most trials fail.
        ClusterError
            The workers cannot be used.
        JournalError
            The journal cannot be written.
        """
        try:
            self._executor.start(self._setting)
            self._began = self._executor.clock()
            self._resume()
            while True:
                self._decide()
                self._carry_out()
                if self._over():
                    break
                for event in self._executor.wait(self._patience()):
                    self._handle(event)
            self._abandon()
        finally:
            self._executor.close()
        if self._failure is not None:
            raise self._failure

    def stop(self, reason: str, grace: float | None = None) -> None:
        """End the run: nothing new begins, what runs has `grace` seconds. From any thread."""
        grace = self._limits.grace if grace is None else grace
        self._stop_deadline = min(self._stop_deadline, self._executor.clock() + grace)
        self.stop_reason = self.stop_reason or reason
        self._stop.set()
        self._executor.wake()

    def _resume(self) -> None:
        self._feed.extend(self._observation(self._state.trials[i]) for i in self._state.finished)
        for number in list(self._state.alive):
            trial = self._state.trials[number]
            if trial.state is TrialState.RUNNING:
                self._record(
                    "death",
                    id=number,
                    attempt=trial.attempt,
                    reason="the master ended before the evaluation did",
                    counted=False,
                )
            (self._reask if trial.state is TrialState.SUGGESTING else self._ready).append(number)

    def _over(self) -> bool:
        if self._stop.is_set():
            late = self._executor.clock() >= self._stop_deadline
            return late or not self._executor.concurrent or not self.pool.running
        return self.supply.done and not self._state.alive

    def _patience(self) -> float:
        limits = [TICK]
        if self._next_look is not None:
            limits.append(self._next_look)
        now = self._executor.clock()
        if self._limits.max_time is not None:
            limits.append(self._began + self._limits.max_time - now)
        if self._stop.is_set():
            limits.append(self._stop_deadline - now)
        return max(0.0, min(limits))

    def _abandon(self) -> None:
        """Take back what is still on its way, so that a later run begins it again."""
        for key, flight in list(self._flights.items()):
            self._executor.cancel(key)
            if flight.kind == "evaluate":
                trial = self._state.trials[flight.trial]
                self._record(
                    "death",
                    id=trial.id,
                    attempt=trial.attempt,
                    reason=f"the run was stopped: {self.stop_reason}",
                    counted=False,
                )
        self._carry_out()

    # ---------------------------------------------------------------- recording

    def _record(self, kind: str, **fields: Any) -> None:
        self._state.apply(self._journal.append(kind, **fields))

    def _key(self, name: str) -> str:
        self._count += 1
        return f"{name}-{self._count}"

    def _carry_out(self) -> None:
        """Make the records durable; only then submit, and tell the listeners."""
        self._journal.commit()
        submissions, self._submissions = self._submissions, []
        for submit in submissions:
            submit()
        ended, self._ended = self._ended, []
        for trial in ended:
            self._on_ended(trial)
        self._on_tick()

    def _observation(self, trial: Trial) -> Observation:
        return observe(self._search.space, trial, maximize=self._search.maximize)

    # ---------------------------------------------------------------- decisions

    def _decide(self) -> None:
        self._next_look = None
        self._check_limits()
        if self._stop.is_set():
            self._drop_unstarted()
            return
        self._launch()
        self._create()
        self._launch()
        self._fit_is_new = False

    def _check_limits(self) -> None:
        now, limits = self._executor.clock(), self._limits
        if limits.max_time is not None and now >= self._began + limits.max_time:
            self.stop(f"the time of {limits.max_time:g} s is over")
        best = self._state.best(maximize=self._search.maximize)
        if limits.stop_at is not None and best is not None and best.value is not None:
            sign = -1.0 if self._search.maximize else 1.0
            if sign * best.value <= sign * limits.stop_at:
                self.stop(f"trial {best.id} reached {best.value:g}", grace=0.0)
        if len(self.pool):
            self._workerless_since = None
        elif self._workerless_since is None:
            self._workerless_since = now
        elif now - self._workerless_since > PATIENCE:
            logger.warning("no worker is there; waiting for one (Ctrl-C to stop)")
            self._workerless_since = now

    def _drop_unstarted(self) -> None:
        for key, flight in list(self._flights.items()):
            if flight.kind != "evaluate":
                self._executor.cancel(key)
                del self._flights[key]

    def _launch(self) -> None:
        """Give trials whose parameters are known to free slots."""
        free = self.pool.free() if self._ready else []
        for worker in free:
            if not self._ready:
                break
            self._evaluate(self._ready.popleft(), worker)

    def _create(self) -> None:
        """Create trials for slots that are free or, where that pays, will soon be."""
        free = self.pool.free()
        demand = len(free) - len(self._ready) - self._suggesting
        places = deque(free[max(0, self._suggesting) :])
        looked_ahead = False
        while True:
            place = self._replace_lost() or self.supply.next()
            if place is None:
                return
            if place.model is not None and not looked_ahead:
                looked_ahead = True
                due = self._due()
                demand += len(due)
                places.extend(due)
            if demand <= 0:
                return
            if place.model is None:
                self._create_at_once(place)
            else:
                worker = places.popleft() if places else None
                if not self._fitted(place, place.model, worker):
                    return
                self._reasked(place)
                self._ask(place, worker)
            demand -= 1

    def _replace_lost(self) -> Place | None:
        """Return the place of a trial whose suggestion was lost, if there is one."""
        if not self._reask:
            return None
        trial = self._state.trials[self._reask[0]]
        strategy = self._search.plan.blocks[trial.block]
        model = tasks.model_of(strategy)
        return Place(trial.id, trial.block, trial.index, trial.position, strategy, model)

    def _reasked(self, place: Place) -> None:
        if self._reask and self._reask[0] == place.id:
            self._reask.popleft()

    def _due(self) -> list[str]:
        """Return the workers for which a suggestion is to be computed ahead now."""
        duration = self.pool.duration
        if len(self.pool) < 2 or not self._costs or duration is None:
            return []
        cost = median(self._costs)
        if cost <= IDLE_SHARE * duration:
            return []
        due, self._next_look = self.pool.ending(self._executor.clock(), LEAD * cost)
        return due

    def _create_at_once(self, place: Place) -> None:
        try:
            proposal = self.supply.propose(place)
        except ExhaustedError as error:
            self._exhausted(place, str(error))
            return
        self._record_trial(place, proposal.position, proposal.params)
        self.supply.decided(self._state.trials[place.id])
        self._ready.append(place.id)

    def _record_trial(self, place: Place, position: int, params: Any) -> None:
        self._record(
            "trial",
            id=place.id,
            block=place.block,
            index=place.index,
            strategy=place.strategy.kind,
            position=position,
            params=params,
        )

    def _exhausted(self, place: Place, reason: str) -> None:
        if place.id in self._state.trials:
            self._record("dropped", id=place.id, reason=reason)
        if place.block not in self._state.exhausted:
            self._record("exhausted", block=place.block, reason=reason)
            message = f"block {place.block} ({place.strategy.kind}) ended early: {reason}"
            warnings.warn(message, ExhaustedWarning, stacklevel=2)

    # ---------------------------------------------------------------- fits and suggestions

    def _fitted(self, place: Place, model: ModelStrategy, worker: str | None) -> bool:
        """Tell whether a suggestion may be computed now; see to a fit where it may not."""
        if self._fitting:
            return False
        fits = [fit for fit in self._state.fits[-1:] if fit.block == place.block]
        observed = self._state.count(TrialState.COMPLETED)
        # A fit that has just arrived will do, though trials may have finished meanwhile: else
        # many quick workers would wait for ever.
        if fits and (self._fit_is_new or not model.stale(observed, fits[0].observed)):
            return True
        self._fitting = True
        previous = fits[0].values if fits else None
        number = len(self._state.fits)
        fields = {"fit": number, "block": place.block, "seen": self._state.seq, "n": observed}
        seed = trial_seed(self._search.seed, FIT_SEEDS + number)
        key = self._key("fit")
        self._flights[key] = _Flight("fit", worker, self._executor.clock(), fit=fields)
        chunks, tail = self._feed.refs(worker), self._feed.tail
        args = (self._search.space, model, previous, seed, tail, *chunks)
        self._submissions.append(lambda: self._executor.submit(Task(key, tasks.fit, args, worker)))
        return False

    def _ask(self, place: Place, worker: str | None, tries: int = 0) -> None:
        """Have a worker compute a trial's parameters."""
        if place.id not in self._state.trials:
            self._record_trial(place, place.position, None)
        fits = [fit for fit in self._state.fits[-1:] if fit.block == place.block]
        seen = self._state.seq
        rank = self._suggesting
        self._record(
            "suggesting",
            id=place.id,
            seen=seen,
            fit=fits[0].number if fits else None,
            rank=rank,
        )
        request = self.supply.request(place)
        chunks, tail = self._feed.refs(worker), self._feed.tail
        asking = tasks.Asking(
            space=self._search.space,
            strategy=place.strategy,
            trial=place.id,
            index=place.index,
            position=place.position,
            seed=request.seed,
            block_seed=request.block_seed,
            tail=tail,
            pending=self._pending(),
            fit=fits[0].values if fits else None,
            rank=rank,
        )
        key = self._key(f"suggest-{place.id}")
        self._suggesting += 1
        self._flights[key] = _Flight(
            "suggest", worker, self._executor.clock(), place, place.id, tries
        )
        self._submissions.append(
            lambda: self._executor.submit(Task(key, tasks.suggest, (asking, *chunks), worker))
        )

    def _pending(self) -> History:
        known = [
            trial
            for trial in map(self._state.trials.__getitem__, self._state.alive)
            if trial.params is not None
        ]
        rows = map(self._observation, known[-MAX_PENDING:])
        return History.of(rows, len(self._search.space))

    def _fit_arrived(self, flight: _Flight, fitted: tasks.Fitted | None) -> None:
        self._fitting = False
        self._fit_is_new = True
        self._record(
            "fit",
            **flight.fit,
            values=fitted and fitted.values,
            worker=flight.worker,
            started=fitted and fitted.started,
            ended=fitted and fitted.ended,
        )

    def _suggestion_arrived(self, flight: _Flight, suggested: tasks.Suggested) -> None:
        place = flight.place
        if place is None or place.id not in self._state.trials:
            return
        self._costs.append(self._executor.clock() - flight.submitted)
        proposal = suggested.proposal
        if proposal is None:
            suggestion = self._state.trials[place.id].suggestion
            if suggestion is not None and suggestion.rank and flight.tries < MAX_PENDING:
                # It kept away from points that others were only thought to take.
                self._ask(place, flight.worker, flight.tries + 1)
            else:
                self._exhausted(place, suggested.reason or "no point is left")
            return
        params, position = proposal.params, proposal.position
        if not place.strategy.repeats and self.supply.taken(params):
            if flight.tries < ASK_AGAIN:
                self._ask(place, flight.worker, flight.tries + 1)
                return
            try:
                other = self.supply.propose(place)
            except ExhaustedError as error:
                self._exhausted(place, str(error))
                return
            params, position = other.params, other.position
        self._record(
            "suggested",
            id=place.id,
            params=params,
            position=position,
            worker=flight.worker,
            started=suggested.started,
            ended=suggested.ended,
        )
        self.supply.decided(self._state.trials[place.id])
        self._ready.append(place.id)

    # ---------------------------------------------------------------- evaluations

    def _evaluate(self, number: int, worker: str) -> None:
        trial = self._state.trials[number]
        attempt = trial.attempt + 1
        self._record("running", id=number, attempt=attempt, worker=worker)
        job = Job(
            run=self._setting.run,
            trial=number,
            attempt=attempt,
            seed=trial_seed(self._search.seed, number),
            params=dict(trial.params or {}),
            directory=str(self._trial_directory(number)),
            timeout=self._limits.timeout,
            cores=self._limits.cores,
            objective=self._search.objective,
            isolate=self._setting.isolate,
        )
        key = self._key(f"evaluate-{number}-{attempt}")
        now = self._executor.clock()
        self._flights[key] = _Flight("evaluate", worker, now, trial=number)
        self.pool.take(worker, number, now)
        self._submissions.append(lambda: self._executor.evaluate(key, job, worker))

    def _evaluated(self, flight: _Flight, outcome: Outcome) -> None:
        completed = outcome.state == "completed"
        self.pool.give_back(flight.trial, outcome.ended - outcome.started if completed else None)
        if outcome.state == "crashed":
            self._died(flight, outcome.error or "its process died", TrialState.FAILED, outcome)
        else:
            self._end(flight, TrialState(outcome.state), outcome.error, outcome)

    def _died(
        self, flight: _Flight, reason: str, final: TrialState, outcome: Outcome | None
    ) -> None:
        """Try a trial again whose process or worker died, unless that happened too often."""
        trial = self._state.trials[flight.trial]
        counted = outcome is not None or flight.started
        if counted and trial.deaths >= self._limits.max_deaths:
            text = f"{reason}\n(attempt {trial.attempt}, {trial.deaths} deaths before)"
            self._end(flight, final, text, outcome)
            return
        self._record("death", id=trial.id, attempt=trial.attempt, reason=reason, counted=counted)
        self._ready.appendleft(trial.id)

    def _end(
        self, flight: _Flight, state: TrialState, error: str | None, outcome: Outcome | None
    ) -> None:
        now = self._executor.clock()
        self._record(
            "ended",
            id=flight.trial,
            attempt=self._state.trials[flight.trial].attempt,
            state=state.value,
            value=outcome.value if outcome and state is TrialState.COMPLETED else None,
            result=dict(outcome.extras) if outcome else {},
            error=error,
            traceback=outcome.traceback if outcome else None,
            worker=flight.worker,
            started=outcome.started if outcome else flight.submitted,
            ended=outcome.ended if outcome else now,
        )
        trial = self._state.trials[flight.trial]
        if outcome is not None:
            self._keep_output(outcome)
        self._feed.extend([self._observation(trial)])
        self._ended.append(trial)
        self._outcomes[0] += state is not TrialState.COMPLETED
        self._outcomes[1] += 1
        failed, ended = self._outcomes
        if ended >= ENOUGH_TO_JUDGE and failed > self._limits.max_failed * ended:
            self._failure = SearchFailedError(
                f"{failed} of {ended} trials failed, more than "
                f"max_failed={self._limits.max_failed:g} allows. The last one, trial {trial.id} "
                f"with {dict(trial.params or {})}:\n"
                f"{trial.traceback or error}"
            )
            self.stop("most trials fail", grace=0.0)

    def _keep_output(self, outcome: Outcome) -> None:
        """Write what a worker that does not see the experiment's directory has sent along."""
        for name, text in (("stdout.txt", outcome.stdout), ("stderr.txt", outcome.stderr)):
            if text:
                directory = self._trial_directory(outcome.trial)
                directory.mkdir(parents=True, exist_ok=True)
                with (directory / name).open("a", encoding="utf-8") as file:
                    file.write(text)

    def _trial_directory(self, number: int) -> Path:
        return self._search.directory / "trials" / f"{number:06d}"

    # ---------------------------------------------------------------- events

    def _handle(self, event: Event) -> None:
        match event:
            case WorkerJoined(worker, slots):
                self.pool.join(worker, slots)
                self._warm_up(worker)
            case WorkerLeft(worker):
                self.pool.leave(worker)
            case Message(content):
                self._hear(content)
            case Finished(key, value):
                self._finished(key, value)
            case Errored(key, error):
                self._errored(key, error)
            case Lost():
                self._lost(event)

    def _warm_up(self, worker: str) -> None:
        """Let a worker import what models need while it has nothing to suggest yet."""
        models = filter(None, map(tasks.model_of, self._search.plan.blocks))
        for model in {type(model): model for model in models}.values():
            self._executor.submit(Task(self._key("warm-up"), tasks.warm_up, (model,), worker))

    def _take(self, key: str) -> _Flight | None:
        flight = self._flights.pop(key, None)
        if flight is not None and flight.kind == "suggest":
            self._suggesting -= 1
        return flight

    def _finished(self, key: str, value: Any) -> None:
        flight = self._take(key)
        if flight is None:
            return
        if flight.kind == "fit":
            self._fit_arrived(flight, value)
        elif flight.kind == "suggest":
            self._suggestion_arrived(flight, value)
        else:
            self._evaluated(flight, value)

    def _errored(self, key: str, error: BaseException) -> None:
        flight = self._take(key)
        if flight is None:
            return
        reason = f"{type(error).__name__}: {error}"
        if flight.kind == "evaluate":
            self.pool.give_back(flight.trial)
            self._end(flight, TrialState.FAILED, reason, None)
            return
        message = f"a {flight.kind} task failed ({reason}); going on without it"
        warnings.warn(message, ModelWarning, stacklevel=2)
        if flight.kind == "fit":
            self._fit_arrived(flight, None)
        elif flight.place is not None:
            self._without_model(flight, flight.place)

    def _without_model(self, flight: _Flight, place: Place) -> None:
        """Take a point of the initial design where the model cannot give one."""
        now = self._executor.clock()
        try:
            proposal = self.supply.propose(place)
        except ExhaustedError as error:
            self._exhausted(place, str(error))
            return
        self._suggestion_arrived(flight, tasks.Suggested(proposal, None, flight.submitted, now))

    def _lost(self, event: Lost) -> None:
        if self._feed.lost(event.key, None):
            return
        flight = self._take(event.key)
        if flight is None:
            return
        if flight.kind == "fit":
            self._fitting = False
        elif flight.kind == "suggest":
            self._reask.append(flight.trial)
        else:
            self.pool.give_back(flight.trial)
            flight.started = flight.started and event.worker_died
            self._died(flight, event.reason, TrialState.LOST, None)

    def _hear(self, content: dict[str, Any]) -> None:
        trial = self._state.trials.get(content.get("trial", -1))
        if trial is None or trial.state is not TrialState.RUNNING:
            return
        if content["attempt"] != trial.attempt:
            return
        if content["kind"] == "started":
            for flight in self._flights.values():
                if flight.kind == "evaluate" and flight.trial == trial.id:
                    flight.started = True
        elif content["kind"] == "report":
            self._record(
                "report",
                id=trial.id,
                attempt=trial.attempt,
                step=content["step"],
                value=content["value"],
            )


__all__ = ["Limits", "Master", "Search"]
