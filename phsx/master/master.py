"""The master: one loop that places tasks, journals what happens, and decides what comes next.

It computes no model and runs no user code, and it is the only writer. The order within a round is
what makes a search survive: events are recorded, decisions are recorded, the journal is made
durable, and only then is anything submitted.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable, Sequence
from typing import Any

from phsx.execution.base import (
    Errored,
    Event,
    Executor,
    Finished,
    Lost,
    Message,
    Setting,
    WorkerJoined,
    WorkerLeft,
)
from phsx.execution.evaluation import Outcome
from phsx.journal import Journal
from phsx.master.adviser import Adviser
from phsx.master.evaluator import Evaluator
from phsx.master.knowledge import FixedKnowledge, Knowledge
from phsx.master.ledger import Ledger
from phsx.master.pool import Pool
from phsx.master.search import Limits, Search
from phsx.master.supply import Supply
from phsx.state import SearchState
from phsx.strategies.plan import Plan
from phsx.trial import Trial, TrialState

logger = logging.getLogger(__name__)

#: Seconds between two rounds when nothing happens, and after which missing workers are mentioned.
TICK, PATIENCE = 1.0, 30.0


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
        self._executor = executor
        self._setting = setting
        self._limits = limits
        self._on_tick = on_tick
        self._ledger = Ledger(journal, state)
        self._pool = Pool(limits.expected, limits.notice)
        lag = search.lag
        knowledge = Knowledge(state) if lag is None else FixedKnowledge(state, lag)
        self.supply = Supply(search.space, search.plan, search.seed, state, knowledge)
        self._adviser = Adviser(search, self._ledger, executor, self._pool, self.supply, knowledge)
        self._evaluator = Evaluator(
            search, setting, limits, self._ledger, executor, self._pool, on_ended
        )
        self._began = 0.0
        self._workerless_since: float | None = None
        self._workerless_patience = PATIENCE
        self._stop = threading.Event()
        self._stop_deadline = math.inf
        self.stop_reasons: list[str] = []

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
                self._ledger.commit()
                self._on_tick()
                if self._over():
                    break
                for event in self._executor.wait(self._patience()):
                    self._handle(event)
            self._adviser.abandon()
            self._evaluator.abandon(self.stop_reason or "it is done")
            self._ledger.commit()
        finally:
            self._executor.close()
        if self._evaluator.failure is not None:
            raise self._evaluator.failure

    def stop(self, reason: str, grace: float | None = None) -> None:
        """End the run: nothing new begins, what runs has `grace` seconds. From any thread."""
        grace = self._limits.grace if grace is None else grace
        self._stop_deadline = min(self._stop_deadline, self._executor.clock() + grace)
        if reason not in self.stop_reasons:
            self.stop_reasons.append(reason)
        self._stop.set()
        self._executor.wake()

    def extend(self, plan: Plan, requests: Sequence[str] = ()) -> None:
        """Go on with a plan that has grown at its end. In the master's own thread, as by `on_tick`.

        It is in the journal when this returns, with the names of the requests that it takes up.
        """
        self._ledger.record("plan", plan=plan.to_dict(), requests=list(requests))
        self.supply.extend(plan)  # before anybody can read that it has grown
        self._ledger.commit()

    @property
    def stop_reason(self) -> str | None:
        """Why the run is ended before its time; the first reason of several."""
        return self.stop_reasons[0] if self.stop_reasons else None

    def stopping(self, life: float) -> float | None:
        """Return how long trials take to stop, in s, where that is known; see `Deadlines`."""
        return self._pool.deadlines.stopping(life)

    @property
    def longest(self) -> float:
        """For how many seconds the longest trial has run that saves no checkpoints."""
        return self._pool.longest(self._executor.clock())

    # ------------------------------------------------------------ a round

    def _resume(self) -> None:
        for number in list(self._state.alive):
            trial = self._state.trials[number]
            if trial.state is TrialState.SUGGESTING:
                self._adviser.ask_again(number)
                continue
            if trial.state is TrialState.RUNNING:
                self._ledger.record(
                    "death",
                    id=number,
                    attempt=trial.attempt,
                    reason="the master ended before the evaluation did",
                    counted=False,
                )
            self._evaluator.add(number)

    def _decide(self) -> None:
        self._queue_decided()
        self._check_limits()
        if self._stop.is_set():
            self._adviser.abandon()
            return
        common = self._limits.needs.always
        self._executor.demand(self._left(), self._evaluator.asked, common)
        for worker in self._pool.retire(self._executor.clock()):
            self._executor.release(worker)
        self._evaluator.launch()
        self._adviser.create(self._evaluator.waiting, self._evaluator.held)
        self._queue_decided()
        self._evaluator.launch()

    def _left(self) -> int | None:
        """Return how many trials have not ended; None where nobody knows."""
        total = self.supply.total
        return None if total is None else total - len(self._state.finished)

    def _queue_decided(self) -> None:
        for number in self._adviser.decided():
            self._evaluator.add(number)

    def _check_limits(self) -> None:
        now, limits = self._executor.clock(), self._limits
        late = limits.max_time is not None and now >= self._began + limits.max_time
        if late and not self._stop.is_set():  # once: it wakes the executor
            self.stop(f"the time of {limits.max_time:g} s is over")
        best = self._state.best(maximize=self._search.maximize)
        if best is not None and self._search.reached(best.value, limits.stop_at):
            self.stop(f"trial {best.id} reached {best.value:g}", grace=0.0)
        if self._evaluator.failure is not None:
            self.stop("most trials fail", grace=0.0)
        self._evaluator.mention_slow()
        self._evaluator.ask_to_save(stopping=self._stop.is_set())
        if len(self._pool):
            self._workerless_since, self._workerless_patience = None, PATIENCE
        elif self._workerless_since is None:
            self._workerless_since = now
        elif now - self._workerless_since > self._workerless_patience:
            logger.warning("no worker is there; waiting for one (Ctrl-C to stop)")
            self._workerless_patience *= 2  # in a queue it may take days

    def _over(self) -> bool:
        if self._stop.is_set():
            late = self._executor.clock() >= self._stop_deadline
            return late or not self._executor.concurrent or not self._pool.running
        return self.supply.done and not self._state.alive

    def _patience(self) -> float:
        limits, now = [TICK], self._executor.clock()
        limits.append(self._evaluator.next_request - now)
        if self._adviser.next_look is not None:
            limits.append(self._adviser.next_look)
        if self._stop.is_set():
            limits.append(self._stop_deadline - now)
        elif self._limits.max_time is not None:
            limits.append(self._began + self._limits.max_time - now)
        return max(0.0, min(limits))

    # ------------------------------------------------------------ events

    def _handle(self, event: Event) -> None:
        match event:
            case WorkerJoined(worker, slots, deadline, resources):
                now = self._executor.clock()
                self._pool.join(worker, slots, deadline, now, resources)
                self._adviser.joined(worker)
            case WorkerLeft(worker):
                self._pool.leave(worker)
            case Message(content):
                self._hear(content)
            case Finished(key, Outcome() as outcome):
                self._evaluator.finished(key, outcome)
            case Finished(key, value):
                self._adviser.finished(key, value)
            case Errored(key, error):
                self._evaluator.errored(key, error)
                self._adviser.errored(key, error)
            case Lost():
                self._evaluator.lost(event)
                self._adviser.lost(event)

    def _hear(self, content: dict[str, Any]) -> None:
        trial = self._state.trials.get(content["trial"])
        if trial is None or trial.state is not TrialState.RUNNING:
            return
        if content["attempt"] != trial.attempt:
            return
        if content["kind"] == "started":
            self._evaluator.started(trial.id)
            self._adviser.occupied(trial.worker)
        elif content["kind"] == "report":
            value = content["value"]
            self._ledger.record(
                "report",
                id=trial.id,
                attempt=trial.attempt,
                step=content["step"],
                value=value if math.isfinite(value) else None,
            )
        elif content["kind"] == "checkpoint":
            self._evaluator.saved(trial.id, content["step"])
