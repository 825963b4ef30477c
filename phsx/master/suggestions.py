"""Suggestions: what a worker is told that computes one, and what becomes of it."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import ClassVar

from phsx.exceptions import ExhaustedError
from phsx.execution import tasks
from phsx.execution.base import Executor
from phsx.master.creation import Creation
from phsx.master.errands import Asker, Errand, Errands
from phsx.master.fits import Fits
from phsx.master.knowledge import Knowledge
from phsx.master.ledger import Ledger
from phsx.master.observing import MAX_PENDING, pending
from phsx.master.search import Search
from phsx.master.supply import Place, Supply

#: Suggestions that turn out to be taken are asked again so often, then a model is not asked.
ASK_AGAIN = 3
#: How many of the newest suggestions their expected cost comes from.
RECENT = 20


class Suggestions(Asker):
    """Has the points of trials computed by workers.

    Parameters
    ----------
    search : Search
    ledger : Ledger
    executor : Executor
    supply : Supply
    knowledge : Knowledge
    errands : Errands
    fits : Fits
    creation : Creation
    """

    what: ClassVar[str] = "suggestion"

    def __init__(
        self,
        search: Search,
        ledger: Ledger,
        executor: Executor,
        supply: Supply,
        knowledge: Knowledge,
        errands: Errands,
        fits: Fits,
        creation: Creation,
    ) -> None:
        self._search = search
        self._ledger = ledger
        self._state = ledger.state
        self._executor = executor
        self._supply = supply
        self._knowledge = knowledge
        self._errands = errands
        self._fits = fits
        self._creation = creation
        self._again: deque[int] = deque()  # trials whose suggestion has to be computed again
        self._tries: dict[int, int] = {}  # how often they were asked for in vain
        self._costs: deque[float] = deque(maxlen=RECENT)

    @property
    def under_way(self) -> int:
        """How many are being computed."""
        return self._errands.under_way(self)

    @property
    def cost(self) -> float | None:
        """Seconds that one takes, as a rule; None before the first."""
        return median(self._costs) if self._costs else None

    def ask_again(self, trial: int) -> None:
        """Have the point of a trial computed that exists without it."""
        self._again.append(trial)

    def next_again(self) -> Place | None:
        """Return the place of a trial whose suggestion was lost, if there is one."""
        if not self._again:
            return None
        trial = self._state.trials[self._again[0]]
        return Place.of(trial, self._supply.plan.blocks[trial.block])

    def ask(self, place: Place, worker: str | None) -> None:
        """Have a worker compute a trial's point."""
        if self._again and self._again[0] == place.id:
            self._again.popleft()
        self._creation.begin(place)
        fit, rank = self._fits.newest(place), self.under_way
        self._ledger.record(
            "suggesting",
            id=place.id,
            seen=self._state.seq,
            known=self._knowledge.end(place.id),
            fit=fit and fit.number,
            rank=rank,
        )
        chunks, tail = self._errands.history(place, worker)
        asking = place.asking(
            self._search.space,
            self._search.seed,
            tail=tail,
            pending=pending(self._search.space, self._knowledge.pending(place.id)),
            fit=fit,
            rank=rank,
        )
        name, args = f"suggest-{place.id}", (asking, *chunks)
        self._errands.send(self, name, tasks.suggest, args, worker, place, place.id)

    def answered(self, errand: Errand, answer: tasks.Suggested) -> None:
        """Record a suggestion, unless its point is taken meanwhile or there was none."""
        place: Place = errand.content
        self._costs.append(self._executor.clock() - errand.submitted)
        if answer.proposal is None:
            self._without_point(place, answer.reason or "no point is left")
            return
        if not place.strategy.repeats and self._supply.taken(answer.proposal.params):
            if self._in_vain(place) <= ASK_AGAIN:
                self._again.append(place.id)
            else:
                self.unanswered(errand)
            return
        self._ledger.record(
            "suggested",
            id=place.id,
            params=answer.proposal.params,
            position=answer.proposal.position,
            worker=errand.worker,
            started=answer.started,
            ended=answer.ended,
            numerics=self._errands.numerics(answer.numerics),
        )
        self._tries.pop(place.id, None)
        self._errands.survived(place.id)
        self._creation.decided(place)

    def _without_point(self, place: Place, reason: str) -> None:
        suggestion = self._state.trials[place.id].suggestion
        if suggestion is not None and suggestion.rank and self._in_vain(place) <= MAX_PENDING:
            # It kept away from points that others were only thought to take.
            self._again.append(place.id)
        else:
            self._creation.exhausted(place, reason)

    def _in_vain(self, place: Place) -> int:
        """Count how often a trial's suggestion was of no use."""
        self._tries[place.id] = self._tries.get(place.id, 0) + 1
        return self._tries[place.id]

    def unanswered(self, errand: Errand) -> None:
        """Take a point of the initial design where the model cannot give one."""
        place: Place = errand.content
        try:
            proposal = self._supply.propose(place)
        except ExhaustedError as error:
            self._creation.exhausted(place, str(error))
            return
        now = self._executor.clock()
        self.answered(errand, tasks.Suggested(proposal, None, errand.submitted, now, numerics=None))

    def lost(self, errand: Errand) -> None:
        """Have it computed again."""
        self._again.append(errand.content.id)
