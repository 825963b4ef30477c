"""For how many trials jobs of each kind are wanted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from phsx.execution.resources import NOTHING, Resources, covers, surplus


class Share(NamedTuple):
    """What one kind of jobs is wanted for; None where there is no end of trials.

    Attributes
    ----------
    best : int or None
        Trials for which no other kind suits better: elastic kinds grow for these.
    possible : int or None
        Trials that can run there at all: as long as there are any, jobs that are there stay.
    """

    best: int | None
    possible: int | None


def shares(
    offers: Sequence[Resources],
    trials: int | None,
    asked: Sequence[Resources],
    common: Resources = NOTHING,
) -> list[Share]:
    """Return the share of each kind of jobs.

    A kind suits a trial best that has the fewest resources for which the trial has no use. Where
    several do equally well, the trial counts for all of them.

    Parameters
    ----------
    offers : sequence of Resources
        What a slot of each kind has.
    trials : int or None
        How many have not ended; None: without end.
    asked : sequence of Resources
        What those ask for of which that is known.
    common : Resources
        What all others ask for at least; no more is expected of them.

    Examples
    --------
    >>> shares([{}, {"GPU": 1.0}], 10, [{}, {"GPU": 1.0}, {"GPU": 1.0}])
    [Share(best=8, possible=8), Share(best=2, possible=10)]
    """
    unknown = None if trials is None else max(0, trials - len(asked))

    def count(suits: Callable[[Resources], bool]) -> int | None:
        known = sum(map(suits, asked))
        if not suits(common):
            return known
        return None if unknown is None else known + unknown

    return [Share(count(partial(_best, offers, o)), count(partial(covers, o))) for o in offers]


def _best(offers: Sequence[Resources], offer: Resources, asked: Resources) -> bool:
    """Tell whether a slot with these resources is one of the best for a trial."""
    if not covers(offer, asked):
        return False
    return surplus(offer, asked) == min(surplus(o, asked) for o in offers if covers(o, asked))
