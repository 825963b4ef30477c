"""Trials that wait for a slot: what each asks for, and which slot it gets."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from phsx.exceptions import EvaluationError
from phsx.execution.resources import Resources, covers, lacking, spelled
from phsx.master.needs import Needs
from phsx.master.pool import Pool

logger = logging.getLogger(__name__)

#: Seconds after which a trial is mentioned that no worker has the resources for, and again.
PATIENCE, MENTION_AGAIN = 30.0, 900.0


class Placed(NamedTuple):
    """A trial, the worker that it gets, and what it asks for there."""

    trial: int
    worker: str
    asked: Resources


class Waiting:
    """Trials in the order in which they are to run, as far as there are slots that they fit on.

    Parameters
    ----------
    needs : Needs
    pool : Pool
    offers : callable
        Returns what there may be slots with; None where nobody knows.
    """

    def __init__(
        self, needs: Needs, pool: Pool, offers: Callable[[], Sequence[Resources] | None]
    ) -> None:
        self._needs = needs
        self._pool = pool
        self._offers = offers
        self._ready: deque[int] = deque()
        self._asked: dict[int, Resources] = {}
        self._held: set[int] = set()
        self._mentioned: dict[str, float] = {}

    def add(self, trial: int, params: Mapping[str, Any]) -> str | None:
        """Queue a trial; return why it can never run, if so."""
        try:
            asked = self._needs.of(params)
        except EvaluationError as error:
            return str(error)
        offers = self._offers()
        if offers is not None and not any(covers(offer, asked) for offer in offers):
            return lacking(asked, offers)
        self._asked[trial] = asked
        self._ready.append(trial)
        return None

    def again(self, trial: int) -> None:
        """Queue a trial that has run, before all others."""
        self._ready.appendleft(trial)

    def forget(self, trial: int) -> None:
        """Let go of a trial that has ended."""
        self._asked.pop(trial, None)
        self._pool.quarantine.forget(trial)

    @property
    def asked(self) -> list[Resources]:
        """What the trials ask for that wait or run."""
        return list(self._asked.values())

    @property
    def count(self) -> int:
        """How many trials are ready for slots that are free or will be, but for those held."""
        return len(self._ready) - len(self._held)

    @property
    def held(self) -> int:
        """How many were passed over, since no free slot had what they need: others are to run."""
        return len(self._held)

    def place(self, now: float) -> Iterator[Placed]:
        """Give trials to free slots on which they fit; the slot has to be taken meanwhile."""
        alone = [trial for trial in self._ready if self._pool.quarantine.holds(trial)]
        for trial in alone:
            yield from self._place_alone(trial, now)
        free = self._pool.free() if self._ready else []
        for trial in [each for each in self._ready if each not in alone] if free else ():
            asked = self._asked[trial]
            worker = self._choose(trial, asked, free, now)
            if worker is None:
                self._held.add(trial)
                continue
            free.remove(worker)
            self._ready.remove(trial)
            self._held.discard(trial)
            yield Placed(trial, worker, asked)
            if not free:
                break

    def _place_alone(self, trial: int, now: float) -> Iterator[Placed]:
        """Give a trial a host of its own, or hold it until there is one."""
        asked, pool = self._asked[trial], self._pool

        def fits(worker: str) -> bool:
            return pool.deadlines.fits(trial, worker, now) and pool.provides(worker, asked)

        worker = pool.quarantine.place(trial, pool.busy(), fits)
        if worker is None:
            self._held.add(trial)
            return
        self._ready.remove(trial)
        self._held.discard(trial)
        yield Placed(trial, worker, asked)

    def _choose(self, trial: int, asked: Resources, free: list[str], now: float) -> str | None:
        """Return the best of some workers for a trial; None where it fits on none.

        That is one which it does not have to leave for another, and that has nothing which it has
        no use for.
        """
        deadlines, best, least = self._pool.deadlines, None, (True, 0)
        for worker in free:
            if not deadlines.fits(trial, worker, now) or not self._pool.has(worker, asked):
                continue
            cost = (
                not deadlines.fits_whole(trial, worker, now),
                self._pool.surplus(worker, asked),
            )
            if best is None or cost < least:
                best, least = worker, cost
            if cost == (False, 0):
                break
        return best

    def mention(self, now: float) -> None:
        """Say of trials that no worker has what they ask for, where one may still come."""
        if not len(self._pool):  # which is mentioned anyway
            return
        for trial in self._ready:
            text = spelled(self._asked[trial])
            if self._pool.somewhere(self._asked[trial]):
                self._mentioned.pop(text, None)
                continue
            due = self._mentioned.setdefault(text, now + PATIENCE)
            if now >= due:
                self._mentioned[text] = now + MENTION_AGAIN
                logger.warning(
                    "trial %d asks for %s, which no worker has; waiting for one that does",
                    trial,
                    text,
                )
