"""Uniform random numbers for a parameter."""

from __future__ import annotations

from typing import ClassVar

from phsx.exceptions import PlanError
from phsx.strategies.base import JSON
from phsx.strategies.checks import real_number
from phsx.strategies.distribution import Distribution


class Uniform(Distribution):
    """Numbers between two bounds, all equally likely, whatever the parameter's own scale.

    Parameters
    ----------
    low, high : float
        Bounds within those of the parameter, ``low < high``.

    Raises
    ------
    PlanError
        The bounds are no numbers, or not in order.

    Examples
    --------
    >>> import phsx
    >>> phsx.Random(20, x=phsx.Uniform(0.5, 2))
    Random(20, overrides={'x': Uniform(low=0.5, high=2.0)})
    """

    kind: ClassVar[str] = "uniform"

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low = real_number("Uniform", "low", low)
        self.high = real_number("Uniform", "high", high)
        if self.low >= self.high:
            raise PlanError(
                f"Uniform: low must be below high, but they are {self.low!r} and {self.high!r}"
            )

    def quantile(self, low: float, high: float, u: float) -> float:
        """Return the quantile of u between two numbers."""
        # Not low + u (high - low): the width of the widest range is no float.
        return low * (1 - u) + high * u

    def options(self) -> dict[str, JSON]:
        """Return the bounds."""
        return {"low": self.low, "high": self.high}
