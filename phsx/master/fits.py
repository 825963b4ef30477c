"""Fits: when one is due, and what the journal says of it."""

from __future__ import annotations

from typing import Any, ClassVar

from phsx.execution import tasks
from phsx.master.errands import Asker, Errand, Errands
from phsx.master.knowledge import Knowledge
from phsx.master.ledger import Ledger
from phsx.master.search import Search
from phsx.master.supply import FIT_SEEDS, Place, trial_seed
from phsx.state import Fit
from phsx.strategies.base import ModelStrategy


class Fits(Asker):
    """Has hyper-parameters fitted, one fit at a time.

    Parameters
    ----------
    search : Search
    ledger : Ledger
    knowledge : Knowledge
    errands : Errands
    """

    what: ClassVar[str] = "fit"

    def __init__(
        self, search: Search, ledger: Ledger, knowledge: Knowledge, errands: Errands
    ) -> None:
        self._search = search
        self._ledger = ledger
        self._state = ledger.state
        self._knowledge = knowledge
        self._errands = errands
        self._new = False

    def newest(self, place: Place) -> Fit | None:
        """Return the fit that a suggestion is to use, if there is one."""
        fits = self._state.fits[-1:]
        return fits[0] if fits and fits[0].block == place.block else None

    def ready(self, place: Place, model: ModelStrategy, worker: str | None) -> bool:
        """Tell whether a suggestion may be computed now; see to a fit where it may not."""
        if self._errands.under_way(self):
            return False
        fit = self.newest(place)
        observed = self._knowledge.observed(place.id)
        # A fit that has just arrived will do, though trials may have finished meanwhile: else
        # many quick workers would wait for ever.
        if fit and (self._new or not model.stale(observed, fit.observed)):
            return True
        number = len(self._state.fits)
        facts = {
            "fit": number,
            "block": place.block,
            "seen": self._state.seq,
            "known": self._knowledge.end(place.id),
            "n": observed,
        }
        seed = trial_seed(self._search.seed, FIT_SEEDS + number)
        chunks, tail = self._errands.history(place, worker)
        args = (self._search.space, model, fit and fit.values, seed, tail, *chunks)
        self._errands.send(self, "fit", tasks.fit, args, worker, facts)
        return False

    def used(self) -> None:
        """Note that whatever waited for the newest fit has had it: it ages from now on."""
        self._new = False

    def answered(self, errand: Errand, answer: Any) -> None:
        """Record a fit."""
        self._errands.survived(errand.subject)
        self._record(errand, answer)

    def unanswered(self, errand: Errand) -> None:
        """Record that there was none."""
        self._record(errand, None)

    def lost(self, errand: Errand) -> None:
        """Do nothing: the next suggestion asks for one."""

    def _record(self, errand: Errand, fitted: tasks.Fitted | None) -> None:
        self._new = True
        self._ledger.record(
            "fit",
            **errand.content,
            values=fitted and fitted.values,
            worker=errand.worker,
            started=fitted and fitted.started,
            ended=fitted and fitted.ended,
            numerics=self._errands.numerics(fitted.numerics if fitted else None),
        )
