"""New trials: where the plan says so at once, else through fits and suggestions on workers."""

from __future__ import annotations

import warnings
from collections import Counter, deque
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from phsx.exceptions import ExhaustedError, ExhaustedWarning, ModelWarning
from phsx.execution import tasks
from phsx.execution.base import Executor, Lost, Ref, Task
from phsx.history import History
from phsx.master.feed import Feed
from phsx.master.knowledge import Knowledge
from phsx.master.ledger import Ledger
from phsx.master.observing import MAX_PENDING, observe, pending
from phsx.master.pool import Pool
from phsx.master.search import Search
from phsx.master.supply import FIT_SEEDS, Place, Supply, trial_seed
from phsx.state import Fit
from phsx.strategies.base import ModelStrategy, Proposal

#: A suggestion is computed ahead where it would idle a worker for more than this share.
IDLE_SHARE = 0.01
#: It is begun this many times its own cost before the worker is expected to be free.
LEAD = 3.0
#: So many trials may be held for slots of another kind, and others be created, where no model
#: would know less by that.
AHEAD = 200
#: Suggestions that turn out to be taken are asked again so often, then a model is not asked.
ASK_AGAIN = 3
#: Workers that may die under the same fit or suggestion before it is blamed and left out.
MAX_DEATHS = 5
#: How many of the newest suggestions their expected cost comes from.
RECENT = 20


@dataclass
class _Flight:
    """A fit or a suggestion that is on its way."""

    worker: str | None
    submitted: float
    place: Place | None = None  # None: a fit
    fit: dict[str, Any] = field(default_factory=dict)


class Adviser:
    """Creates trials when slots want them, and sees to it that their parameters become known.

    Parameters
    ----------
    search : Search
    ledger : Ledger
    executor : Executor
    pool : Pool
    supply : Supply
    knowledge : Knowledge
    """

    def __init__(
        self,
        search: Search,
        ledger: Ledger,
        executor: Executor,
        pool: Pool,
        supply: Supply,
        knowledge: Knowledge,
    ) -> None:
        self._search = search
        self._ledger = ledger
        self._state = ledger.state
        self._executor = executor
        self._pool = pool
        self._supply = supply
        self._knowledge = knowledge
        self._feed = Feed(len(search.space), self._submit, executor.cancel)
        self._lost: deque[int] = deque()  # trials whose suggestion has to be computed again
        self._tries: dict[int, int] = {}  # how often they were asked for in vain
        self._deaths: Counter[int | None] = Counter()  # of workers, by trial; None: under a fit
        self._flights: dict[str, _Flight] = {}
        self._suggesting = 0
        self._fitting = False
        self._fit_is_new = False
        self._costs: deque[float] = deque(maxlen=RECENT)
        self._decided: list[int] = []
        self._count = 0
        #: Seconds until another suggestion is to be computed ahead, if that is known.
        self.next_look: float | None = None

    def ask_again(self, trial: int) -> None:
        """Have the parameters of a trial computed that exists without them."""
        self._lost.append(trial)

    def decided(self) -> list[int]:
        """Return trials whose parameters have become known since the last call."""
        found, self._decided = self._decided, []
        return found

    def warm_up(self, worker: str) -> None:
        """Let a worker import what models need while it has nothing to suggest yet."""
        models = filter(None, map(tasks.model_of, self._supply.plan.blocks))
        for model in {type(model): model for model in models}.values():
            self._executor.submit(Task(self._key("warm-up"), tasks.warm_up, (model,), worker))

    # ------------------------------------------------------------ creating trials

    def create(self, waiting: int, held: int = 0) -> None:
        """Create trials for slots that are free or, where that pays, will soon be.

        `waiting` trials are ready for slots already, and `held` others for slots of another kind
        than the free ones: there is no end of those where all trials want what few slots have.
        """
        self.next_look = None
        free = self._pool.free()
        demand = len(free) - waiting - self._suggesting
        workers = deque(free[self._suggesting :])
        looked_ahead = False
        while (place := self._again() or self._supply.next()) is not None:
            if place.model is not None and not looked_ahead:
                looked_ahead = True
                due = self._due()
                demand += len(due)
                workers.extend(due)
            if demand <= 0 or held > (AHEAD if place.model is None else len(self._pool)):
                break
            if place.model is None:
                demand -= self._propose(place)
                continue
            demand -= 1
            worker = workers.popleft() if workers else None
            if not self._fitted(place, place.model, worker):
                break
            if self._lost and self._lost[0] == place.id:
                self._lost.popleft()
            self._ask(place, worker)
        self._fit_is_new = False

    def _again(self) -> Place | None:
        """Return the place of a trial whose suggestion was lost, if there is one."""
        if not self._lost:
            return None
        trial = self._state.trials[self._lost[0]]
        return Place.of(trial, self._supply.plan.blocks[trial.block])

    def _due(self) -> list[str]:
        """Return the workers for which a suggestion is to be computed ahead now.

        Never for a single slot: its suggestion would miss the one result that it could learn
        from.
        """
        duration = self._pool.duration
        if len(self._pool) < 2 or not self._costs or duration is None:
            return []
        cost = median(self._costs)
        if cost <= IDLE_SHARE * duration:
            return []
        due, self.next_look = self._pool.ending(self._executor.clock(), LEAD * cost)
        return due

    def _propose(self, place: Place) -> bool:
        """Create a trial whose point needs no model; tell whether there was a point."""
        try:
            proposal = self._supply.propose(place)
        except ExhaustedError as error:
            self._exhausted(place, str(error))
            return False
        self._record_trial(place, proposal)
        self._decide(place)
        return True

    def _record_trial(self, place: Place, proposal: Proposal | None) -> None:
        self._ledger.record(
            "trial",
            id=place.id,
            block=place.block,
            index=place.index,
            strategy=place.strategy.kind,
            position=place.position if proposal is None else proposal.position,
            params=None if proposal is None else proposal.params,
        )

    def _decide(self, place: Place) -> None:
        self._tries.pop(place.id, None)
        del self._deaths[place.id]  # a Counter does not mind where there were none
        self._supply.decided(self._state.trials[place.id])
        self._decided.append(place.id)

    def _exhausted(self, place: Place, reason: str) -> None:
        if place.id in self._state.trials:
            self._ledger.record("dropped", id=place.id, reason=reason)
        if place.block not in self._state.exhausted:
            self._ledger.record("exhausted", block=place.block, reason=reason)
            message = f"block {place.block} ({place.strategy.kind}) ended early: {reason}"
            warnings.warn(message, ExhaustedWarning, stacklevel=2)

    # ------------------------------------------------------------ fits

    def _newest_fit(self, place: Place) -> Fit | None:
        fits = self._state.fits[-1:]
        return fits[0] if fits and fits[0].block == place.block else None

    def _fitted(self, place: Place, model: ModelStrategy, worker: str | None) -> bool:
        """Tell whether a suggestion may be computed now; see to a fit where it may not."""
        if self._fitting:
            return False
        fit = self._newest_fit(place)
        observed = self._knowledge.observed(place.id)
        # A fit that has just arrived will do, though trials may have finished meanwhile: else
        # many quick workers would wait for ever.
        if fit and (self._fit_is_new or not model.stale(observed, fit.observed)):
            return True
        self._fitting = True
        number = len(self._state.fits)
        facts = {
            "fit": number,
            "block": place.block,
            "seen": self._state.seq,
            "known": self._knowledge.end(place.id),
            "n": observed,
        }
        seed = trial_seed(self._search.seed, FIT_SEEDS + number)
        chunks, tail = self._history(place, worker)
        args = (self._search.space, model, fit and fit.values, seed, tail, *chunks)
        self._send("fit", tasks.fit, args, _Flight(worker, self._executor.clock(), fit=facts))
        return False

    def _history(self, place: Place, worker: str | None) -> tuple[tuple[Ref, ...], History]:
        """Return what a trial knows of results: chunks on the workers, and the newest ones."""
        space, maximize = self._search.space, self._search.maximize
        news = self._knowledge.news(place.id)
        self._feed.extend([observe(space, trial, maximize=maximize) for trial in news])
        return self._feed.refs(worker), self._feed.tail

    def _fit_arrived(self, flight: _Flight, fitted: tasks.Fitted | None) -> None:
        self._fitting = False
        self._fit_is_new = True
        self._ledger.record(
            "fit",
            **flight.fit,
            values=fitted and fitted.values,
            worker=flight.worker,
            started=fitted and fitted.started,
            ended=fitted and fitted.ended,
            numerics=self._numerics(fitted.numerics if fitted else None),
        )

    def _numerics(self, facts: dict[str, str] | None) -> int | None:
        """Return the number by which the journal knows what computed something."""
        if facts is None:
            return None
        if facts not in self._state.numerics:
            self._ledger.record("numerics", number=len(self._state.numerics), facts=facts)
        return self._state.numerics.index(facts)

    # ------------------------------------------------------------ suggestions

    def _ask(self, place: Place, worker: str | None) -> None:
        """Have a worker compute a trial's parameters."""
        if place.id not in self._state.trials:
            self._record_trial(place, None)
        fit, rank = self._newest_fit(place), self._suggesting
        self._ledger.record(
            "suggesting",
            id=place.id,
            seen=self._state.seq,
            known=self._knowledge.end(place.id),
            fit=fit and fit.number,
            rank=rank,
        )
        chunks, tail = self._history(place, worker)
        asking = place.asking(
            self._search.space,
            self._search.seed,
            tail=tail,
            pending=pending(self._search.space, self._knowledge.pending(place.id)),
            fit=fit,
            rank=rank,
        )
        flight = _Flight(worker, self._executor.clock(), place)
        self._suggesting += 1
        self._send(f"suggest-{place.id}", tasks.suggest, (asking, *chunks), flight)

    def _suggestion_arrived(
        self, flight: _Flight, place: Place, suggested: tasks.Suggested
    ) -> None:
        self._costs.append(self._executor.clock() - flight.submitted)
        proposal = suggested.proposal
        if proposal is None:
            suggestion = self._state.trials[place.id].suggestion
            if suggestion is not None and suggestion.rank and self._in_vain(place) <= MAX_PENDING:
                # It kept away from points that others were only thought to take.
                self._lost.append(place.id)
            else:
                self._exhausted(place, suggested.reason or "no point is left")
            return
        if not place.strategy.repeats and self._supply.taken(proposal.params):
            if self._in_vain(place) <= ASK_AGAIN:
                self._lost.append(place.id)
            else:
                self._without_model(flight, place)
            return
        self._ledger.record(
            "suggested",
            id=place.id,
            params=proposal.params,
            position=proposal.position,
            worker=flight.worker,
            started=suggested.started,
            ended=suggested.ended,
            numerics=self._numerics(suggested.numerics),
        )
        self._decide(place)

    def _in_vain(self, place: Place) -> int:
        """Count how often a trial's suggestion was of no use."""
        self._tries[place.id] = self._tries.get(place.id, 0) + 1
        return self._tries[place.id]

    def _without_model(self, flight: _Flight, place: Place) -> None:
        """Take a point of the initial design where the model cannot give one."""
        try:
            proposal = self._supply.propose(place)
        except ExhaustedError as error:
            self._exhausted(place, str(error))
            return
        now = self._executor.clock()
        suggested = tasks.Suggested(proposal, None, flight.submitted, now, numerics=None)
        self._suggestion_arrived(flight, place, suggested)

    # ------------------------------------------------------------ what comes back

    def _key(self, name: str) -> str:
        self._count += 1
        return f"{name}-{self._count}"

    def _send(self, name: str, function: Any, args: tuple[Any, ...], flight: _Flight) -> None:
        key = self._key(name)
        self._flights[key] = flight
        self._submit(Task(key, function, args, flight.worker))

    def _submit(self, task: Task) -> None:
        self._ledger.then(lambda: self._executor.submit(task))

    def _land(self, key: str) -> _Flight | None:
        flight = self._flights.pop(key, None)
        if flight is not None and flight.place is not None:
            self._suggesting -= 1
        return flight

    def finished(self, key: str, value: Any) -> None:
        """Take what a fit or a suggestion returned into account."""
        flight = self._land(key)
        if flight is None:
            return
        if flight.place is None:
            del self._deaths[None]
            self._fit_arrived(flight, value)
        else:
            self._suggestion_arrived(flight, flight.place, value)

    def errored(self, key: str, error: BaseException) -> None:
        """Go on without a fit or a suggestion that failed."""
        flight = self._land(key)
        if flight is not None:
            self._failed(flight, f"{type(error).__name__}: {error}")

    def _failed(self, flight: _Flight, reason: str) -> None:
        what = "fit" if flight.place is None else "suggestion"
        message = f"a {what} failed ({reason}); going on without it"
        warnings.warn(message, ModelWarning, stacklevel=2)
        if flight.place is None:
            self._fit_arrived(flight, None)
        else:
            self._without_model(flight, flight.place)

    def lost(self, event: Lost) -> None:
        """Have it computed again, unless workers die of it."""
        if self._feed.lost(event.key, None):
            return
        flight = self._land(event.key)
        if flight is None:
            return
        what = None if flight.place is None else flight.place.id
        self._deaths[what] += event.worker_died
        if self._deaths[what] > MAX_DEATHS:
            del self._deaths[what]
            self._failed(flight, f"{event.reason}; {MAX_DEATHS} workers died under it before")
        elif flight.place is None:
            self._fitting = False
        else:
            self._lost.append(flight.place.id)

    def abandon(self) -> None:
        """Forget what is on its way; a later run begins it again."""
        for key in list(self._flights):
            self._executor.cancel(key)
            self._land(key)
