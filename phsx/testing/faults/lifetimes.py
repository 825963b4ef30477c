"""How long a victim may live before it is killed again."""

from __future__ import annotations

import random

#: So many lives in a row without progress, and the next ones are longer by this factor.
IN_VAIN, LONGER = 10, 1.25


class Lifetimes:
    """Random lives, which become longer where a machine is too busy for anything to get done.

    Parameters
    ----------
    rng : random.Random
    shortest, longest : float
        In s.

    Attributes
    ----------
    factor : float
        By how much they are longer than that.

    Examples
    --------
    >>> lives = Lifetimes(random.Random(0), 3.0, 5.0)
    >>> 3.0 <= lives.next() <= 5.0
    True
    >>> for _ in range(10):
    ...     lives.ended(progress=False)
    >>> lives.factor
    1.25
    """

    def __init__(self, rng: random.Random, shortest: float, longest: float) -> None:
        self.factor = 1.0
        self._rng = rng
        self._range = shortest, longest
        self._vain = 0

    def next(self) -> float:
        """Return how long the next victim may live, in s."""
        return self.factor * self._rng.uniform(*self._range)

    def ended(self, *, progress: bool) -> None:
        """Note whether the last one got anything done."""
        self._vain = 0 if progress else self._vain + 1
        if self._vain == IN_VAIN:
            self._vain, self.factor = 0, LONGER * self.factor
