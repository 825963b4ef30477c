"""Trials come into being: with their points, without them yet, or not at all."""

from __future__ import annotations

import warnings

from phsx.exceptions import ExhaustedError, ExhaustedWarning
from phsx.master.ledger import Ledger
from phsx.master.supply import Place, Supply
from phsx.strategies.base import Proposal


class Creation:
    """Records new trials, and when their points are known.

    Parameters
    ----------
    ledger : Ledger
    supply : Supply
    """

    def __init__(self, ledger: Ledger, supply: Supply) -> None:
        self._ledger = ledger
        self._state = ledger.state
        self._supply = supply
        self._decided: list[int] = []

    def propose(self, place: Place) -> bool:
        """Create a trial whose point needs no model; tell whether there was a point."""
        try:
            proposal = self._supply.propose(place)
        except ExhaustedError as error:
            self.exhausted(place, str(error))
            return False
        self._record(place, proposal)
        self.decided(place)
        return True

    def begin(self, place: Place) -> None:
        """Create a trial whose point is to be computed, if it is not there yet."""
        if place.id not in self._state.trials:
            self._record(place, None)

    def _record(self, place: Place, proposal: Proposal | None) -> None:
        self._ledger.record(
            "trial",
            id=place.id,
            block=place.block,
            index=place.index,
            strategy=place.strategy.kind,
            position=place.position if proposal is None else proposal.position,
            params=None if proposal is None else proposal.params,
        )

    def decided(self, place: Place) -> None:
        """Note that a trial's point is known."""
        self._supply.decided(self._state.trials[place.id])
        self._decided.append(place.id)

    def exhausted(self, place: Place, reason: str) -> None:
        """Give up a trial, and its block, for which no point is left."""
        if place.id in self._state.trials:
            self._ledger.record("dropped", id=place.id, reason=reason)
        if place.block not in self._state.exhausted:
            self._ledger.record("exhausted", block=place.block, reason=reason)
            message = f"block {place.block} ({place.strategy.kind}) ended early: {reason}"
            warnings.warn(message, ExhaustedWarning, stacklevel=2)

    def news(self) -> list[int]:
        """Return trials whose points have become known since the last call."""
        found, self._decided = self._decided, []
        return found
