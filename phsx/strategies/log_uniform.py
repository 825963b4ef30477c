"""Log-uniform random numbers for a parameter."""

from __future__ import annotations

import math
from typing import ClassVar

from phsx.exceptions import PlanError
from phsx.strategies.base import JSON
from phsx.strategies.checks import real_number
from phsx.strategies.distribution import Distribution


class LogUniform(Distribution):
    """Numbers between two positive bounds whose logarithms are all equally likely.

    Parameters
    ----------
    low, high : float
        Bounds within those of the parameter, ``0 < low < high``.

    Raises
    ------
    PlanError
        The bounds are no numbers, not positive, or not in order.

    Examples
    --------
    >>> import phsx
    >>> phsx.Random(20, x=phsx.LogUniform(1e-3, 1))
    Random(20, overrides={'x': LogUniform(low=0.001, high=1.0)})
    """

    kind: ClassVar[str] = "log_uniform"

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low = real_number("LogUniform", "low", low)
        self.high = real_number("LogUniform", "high", high)
        if not 0 < self.low < self.high:
            raise PlanError(
                f"LogUniform: the bounds must be positive and low below high, but they are "
                f"{self.low!r} and {self.high!r}"
            )

    def quantile(self, low: float, high: float, u: float) -> float:
        """Return the quantile of u between two numbers."""
        return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))

    def edge(self, first: float, gap: float) -> float:
        """Return where the numbers begin that are rounded to the lowest value."""
        return max(first - gap / 2, first / 2)

    def options(self) -> dict[str, JSON]:
        """Return the bounds."""
        return {"low": self.low, "high": self.high}
