"""The contract of a finite set of decimal numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator


class DecimalGrid(ABC):
    """A finite set of floats that are short decimal numbers.

    Attributes
    ----------
    n : int
        How many.
    gap : float
        The smallest distance of two.
    """

    n: int
    gap: float

    @abstractmethod
    def to_unit(self, value: float) -> float:
        """Return the coordinate of a value."""

    @abstractmethod
    def from_unit(self, u: float) -> float:
        """Return the value of a coordinate."""

    @abstractmethod
    def nearest(self, value: float) -> float:
        """Return the value of the grid that is nearest to a number."""

    @abstractmethod
    def values(self) -> Iterator[float]:
        """Iterate over the values from the lowest to the highest."""
