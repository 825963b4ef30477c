"""What random distributions of a single number have in common."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np

from phsx.exceptions import PlanError
from phsx.space import Float, Int, Parameter, Space
from phsx.strategies.base import ENUMERABLE, Proposal, Request, Strategy


class Distribution(Strategy):
    """Random numbers of a distribution, for parameters that are Float or Int.

    The parameter's bounds cut the distribution off. Where the parameter has a step or digits, or
    is an Int, the distribution is continuous first and then rounded; the outermost values have
    half a step on both sides like all others, so that they are no rarer.
    """

    override_only: ClassVar[bool] = True

    #: Ends of the distribution itself.
    low: float = -math.inf
    high: float = math.inf

    def propose(self, request: Request) -> Proposal:
        """Propose independent random numbers."""
        rng = request.rng()
        parameters = request.space.parameters
        return Proposal({name: self._draw(parameters[name], rng) for name in request.names})

    def support(self, name: str, parameter: Parameter) -> tuple[Any, ...] | None:
        """List the parameter's values within the ends of the distribution."""
        values = super().support(name, parameter)
        if values is None or parameter.size > ENUMERABLE:
            return None
        return tuple(value for value in values if self.low <= value <= self.high)

    def validate(self, space: Space, names: tuple[str, ...]) -> None:
        """Check that the parameters are numbers, and have values in the distribution's range."""
        for name in names:
            parameter = space.parameters[name]
            if not isinstance(parameter, (Float, Int)):
                raise PlanError(
                    f"parameter {name!r}: {self!r} gives numbers, but the parameter is "
                    f"{parameter.kind}; use Choice([...]) or a list of its values"
                )
            for end in (self.low, self.high):
                if math.isfinite(end) and not parameter.low <= end <= parameter.high:
                    raise PlanError(
                        f"parameter {name!r}: {self!r} reaches {end!r}, outside the parameter's "
                        f"bounds {parameter.low!r} and {parameter.high!r}"
                    )
            if not self._reaches(parameter):
                raise PlanError(
                    f"parameter {name!r}: none of its values lies within {self!r}; widen the range"
                )

    def _reaches(self, parameter: Float | Int) -> bool:
        """Tell whether a value of the parameter lies within the ends."""
        first, last = self._ends(parameter)
        if not _gap(parameter, first):
            return True
        return bool(max(self.low, parameter.low) <= first <= last <= self.high)

    @abstractmethod
    def quantile(self, low: float, high: float, u: float) -> float:
        """Return the quantile of u between 0 and 1 of the distribution cut off at low and high."""

    def _draw(self, parameter: Parameter, rng: np.random.Generator) -> Any:
        if not isinstance(parameter, (Float, Int)):
            raise PlanError(f"{self!r} gives numbers, but the parameter is {parameter.kind}")
        first, last = self._ends(parameter)
        low = self.edge(first, _gap(parameter, first))
        high = last + _gap(parameter, last) / 2
        value = _nearest(parameter, self.quantile(low, high, rng.random()))
        return min(max(value, first), last)

    def edge(self, first: float, gap: float) -> float:
        """Return where the numbers begin that are rounded to the lowest value."""
        return first - gap / 2

    def _ends(self, parameter: Float | Int) -> tuple[Any, Any]:
        """Return the lowest and the highest value that the parameter can get."""
        low, high = max(self.low, parameter.low), min(self.high, parameter.high)
        first, last = _nearest(parameter, low), _nearest(parameter, high)
        if first < low:
            first = _nearest(parameter, first + _gap(parameter, first))
        if last > high:
            last = _nearest(parameter, last - _gap(parameter, last))
        return first, last


def _gap(parameter: Float | Int, value: float) -> float:
    """Return the distance of neighbouring values, 0 where the parameter is continuous."""
    if parameter.step is not None:
        return float(parameter.step)
    if isinstance(parameter, Int) or parameter.digits is None:
        return 0.0
    if not parameter.log:
        return 10.0**-parameter.digits
    return 10.0 ** (math.floor(math.log10(value)) + 1 - parameter.digits)


def _nearest(parameter: Float | Int, value: float) -> Any:
    """Return the value of the parameter that is nearest to a number."""
    value = min(max(value, parameter.low), parameter.high)
    if isinstance(parameter, Int):
        index = round((value - parameter.low) / parameter.step)
        return parameter.low + min(index, int(parameter.size) - 1) * parameter.step
    return parameter.from_unit(parameter.to_unit(value))
