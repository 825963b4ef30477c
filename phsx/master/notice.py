"""How long before its worker's end a trial is asked to save itself. Pure."""

from __future__ import annotations

from collections import deque

from phsx.clusters.deadline import MARGIN, longest

#: How many of the newest answers are looked at to foretell the next.
RECENT = 50
#: Seconds, and the share of a worker's life, that are given while nothing is known.
UNKNOWN, UNKNOWN_SHARE = 60.0, 0.1
#: The share of a worker's life that is given at most: the rest is for the trial itself.
LONGEST_SHARE = 1 / 3
#: By how much more is given when that was not enough.
WIDER = 4.0


class Notice:
    """Learns from how long trials take from being asked until they have saved.

    Parameters
    ----------
    given : float, optional
        Seconds, where the user has said it.

    Examples
    --------
    >>> notice = Notice()
    >>> notice.of(life=3600.0)
    60.0
    >>> notice.learn(5.0, asked=True)
    >>> notice.of(life=3600.0)
    10.0
    """

    def __init__(self, given: float | None = None) -> None:
        self._given = given
        self._answers: deque[float] = deque(maxlen=RECENT)
        self._pauses: deque[float] = deque(maxlen=RECENT)
        self._factor = 1.0

    def learn(self, seconds: float, *, asked: bool) -> None:
        """Note how long it took to save: from being asked, or since the last time, unasked."""
        (self._answers if asked else self._pauses).append(seconds)

    def of(self, life: float) -> float:
        """Return how many seconds before its end a worker's trials are asked.

        `life` is how long the worker lives, in s. What trials took when they were asked tells the
        most; those that save now and then by themselves take the time between at most.
        """
        return min(self._wanted(life), LONGEST_SHARE * life)

    def _wanted(self, life: float) -> float:
        if self._given is not None:
            return self._given
        known = longest(self._answers) or longest(self._pauses)
        if known is None:
            return self._factor * min(UNKNOWN, UNKNOWN_SHARE * life)
        return self._factor * (known + MARGIN)

    def widen(self, life: float, had: float) -> bool:
        """Give more time than the `had` s in which a trial could not save; tell if there is more.

        Of several trials that were cut together the first makes it more for all.
        """
        if self._given is not None or had >= 0.99 * LONGEST_SHARE * life:
            return False
        if self.of(life) <= 1.01 * had:
            self._factor *= WIDER
        return True
