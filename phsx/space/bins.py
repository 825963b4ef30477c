"""Equal bins of the unit interval: the coordinate of anything that can be counted."""

from __future__ import annotations

from typing import Final

#: Above this, the bins are narrower than what a float can tell apart with something to spare.
MOST: Final = 2**50


class Bins:
    """Numbers 0 to n-1, each a bin of equal width in the unit interval.

    Parameters
    ----------
    n : int
        How many, between 1 and `MOST`.

    Examples
    --------
    >>> bins = Bins(4)
    >>> bins.index(0.3), bins.centre(1)
    (1, 0.375)
    """

    __slots__ = ("n",)

    def __init__(self, n: int) -> None:
        self.n = n

    def index(self, u: float) -> int:
        """Return the bin of a coordinate between 0 and 1."""
        return min(int(u * self.n), self.n - 1)

    def centre(self, index: int) -> float:
        """Return the coordinate of the middle of a bin."""
        return (index + 0.5) / self.n
