"""New trials: where the plan says so at once, else through fits and suggestions on workers."""

from __future__ import annotations

from collections import deque
from typing import Any

from phsx.execution import tasks
from phsx.execution.base import Executor, Lost
from phsx.master.creation import Creation
from phsx.master.errands import Errands
from phsx.master.fits import Fits
from phsx.master.knowledge import Knowledge
from phsx.master.ledger import Ledger
from phsx.master.pool import Pool
from phsx.master.search import Search
from phsx.master.suggestions import Suggestions
from phsx.master.supply import Supply

#: A suggestion is computed ahead where it would idle a worker for more than this share.
IDLE_SHARE = 0.01
#: It is begun this many times its own cost before the worker is expected to be free.
LEAD = 3.0
#: So many trials may be held for slots of another kind, and others be created, where no model
#: would know less by that.
AHEAD = 200


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
        self._executor = executor
        self._pool = pool
        self._supply = supply
        self._errands = Errands(search, ledger, executor, knowledge)
        self._creation = Creation(ledger, supply)
        self._fits = Fits(search, ledger, knowledge, self._errands)
        self._suggestions = Suggestions(
            search, ledger, executor, supply, knowledge, self._errands, self._fits, self._creation
        )
        self._cold: set[str] = set()
        #: Seconds until another suggestion is to be computed ahead, if that is known.
        self.next_look: float | None = None

    def ask_again(self, trial: int) -> None:
        """Have the parameters of a trial computed that exists without them."""
        self._suggestions.ask_again(trial)

    def decided(self) -> list[int]:
        """Return trials whose parameters have become known since the last call."""
        return self._creation.news()

    def joined(self, worker: str) -> None:
        """Note that a worker has yet to import what models need."""
        self._cold.add(worker)

    def occupied(self, worker: str | None) -> None:
        """Let a worker import what models need while it evaluates its first trial.

        Not before: that takes a second of the processor, and with many slots on a host all would
        wait for it that long.
        """
        if worker is not None and worker in self._cold:
            self._cold.discard(worker)
            models = filter(None, map(tasks.model_of, self._supply.plan.blocks))
            self._errands.warm_up(models, worker)

    def create(self, waiting: int, held: int = 0) -> None:
        """Create trials for slots that are free or, where that pays, will soon be.

        `waiting` trials are ready for slots already, and `held` others for slots of another kind
        than the free ones: there is no end of those where all trials want what few slots have.
        """
        self.next_look = None
        free, under_way = self._pool.free(), self._suggestions.under_way
        demand = len(free) - waiting - under_way
        workers = deque(free[under_way:])
        looked_ahead = False
        while (place := self._suggestions.next_again() or self._supply.next()) is not None:
            if place.model is not None and not looked_ahead:
                looked_ahead = True
                due = self._due()
                demand += len(due)
                workers.extend(due)
            if demand <= 0 or held > (AHEAD if place.model is None else len(self._pool)):
                break
            if place.model is None:
                demand -= self._creation.propose(place)
                continue
            demand -= 1
            worker = workers.popleft() if workers else None
            if not self._fits.ready(place, place.model, worker):
                break
            self._suggestions.ask(place, worker)
        self._fits.used()

    def _due(self) -> list[str]:
        """Return the workers for which a suggestion is to be computed ahead now.

        Never for a single slot: its suggestion would miss the one result that it could learn
        from.
        """
        duration, cost = self._pool.duration, self._suggestions.cost
        if len(self._pool) < 2 or cost is None or duration is None:
            return []
        if cost <= IDLE_SHARE * duration:
            return []
        due, self.next_look = self._pool.ending(self._executor.clock(), LEAD * cost)
        return due

    # ------------------------------------------------------------ what comes back

    def finished(self, key: str, value: Any) -> None:
        """Take what a fit or a suggestion returned into account."""
        self._errands.finished(key, value)

    def errored(self, key: str, error: BaseException) -> None:
        """Go on without a fit or a suggestion that failed."""
        self._errands.errored(key, error)

    def lost(self, event: Lost) -> None:
        """Have it computed again, unless workers die of it."""
        self._errands.lost(event)

    def abandon(self) -> None:
        """Forget what is on its way; a later run begins it again."""
        self._errands.abandon()
