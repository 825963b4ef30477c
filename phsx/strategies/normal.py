"""Normally distributed random numbers for a parameter."""

from __future__ import annotations

import math
from typing import ClassVar

from phsx.exceptions import PlanError
from phsx.space import Float, Int, Space
from phsx.strategies.base import JSON
from phsx.strategies.checks import real_number
from phsx.strategies.distribution import Distribution

#: A normal distribution with less than this within the bounds must be a mistake. With more, its
#: probabilities near 1 have digits enough to tell the values apart.
_NOTHING = 1e-9


class Normal(Distribution):
    """Normally distributed numbers, cut off at the parameter's bounds.

    Parameters
    ----------
    mean, sd : float
        Mean and standard deviation of the distribution that is cut off, ``sd > 0``; on the
        parameter's values, also where its scale is logarithmic.

    Raises
    ------
    PlanError
        They are no numbers, or the standard deviation is not positive.

    Examples
    --------
    >>> import phsx
    >>> phsx.Random(20, x=phsx.Normal(0, 1.5))
    Random(20, overrides={'x': Normal(mean=0.0, sd=1.5)})
    """

    kind: ClassVar[str] = "normal"

    def __init__(self, mean: float, sd: float) -> None:
        super().__init__()
        self.mean = real_number("Normal", "mean", mean)
        self.sd = real_number("Normal", "sd", sd)
        if self.sd <= 0:
            raise PlanError(f"Normal: sd must be above 0, not {self.sd!r}")

    def quantile(self, low: float, high: float, u: float) -> float:
        """Return the quantile of u of the distribution cut off at two numbers."""
        below, above = self._cdf(low), self._cdf(high)
        probability = below + u * (above - below)
        if not 0 < probability < 1:
            return low if u < 0.5 else high
        return min(max(self._inverse(probability), low), high)

    def validate(self, space: Space, names: tuple[str, ...]) -> None:
        """Check that the parameters are numbers, and their bounds not far from the mean."""
        super().validate(space, names)
        for name in names:
            parameter = space.parameters[name]
            if not isinstance(parameter, (Float, Int)):
                continue
            if self._cdf(parameter.high) - self._cdf(parameter.low) < _NOTHING:
                raise PlanError(
                    f"parameter {name!r}: {self!r} has next to nothing within the parameter's "
                    f"bounds {parameter.low!r} and {parameter.high!r}; move the mean, or widen sd"
                )

    def options(self) -> dict[str, JSON]:
        """Return mean and standard deviation."""
        return {"mean": self.mean, "sd": self.sd}

    def _cdf(self, value: float) -> float:
        return 0.5 * math.erfc((self.mean - value) / (self.sd * math.sqrt(2)))

    def _inverse(self, probability: float) -> float:
        from statistics import NormalDist

        return NormalDist(self.mean, self.sd).inv_cdf(probability)
