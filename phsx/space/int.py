"""A whole number between two bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final

from phsx.exceptions import SpaceError
from phsx.space.bins import MOST, Bins
from phsx.space.condition import Condition
from phsx.space.float import check_bounds
from phsx.space.log_bins import LogBins
from phsx.space.parameter import Parameter, clamp
from phsx.space.value import describe, flag, whole

_LOWEST: Final = -(2**63)
_HIGHEST: Final = 2**64 - 1


class Int(Parameter):
    """A whole number between two bounds, both included.

    Parameters
    ----------
    low, high : int
        The bounds, ``low < high``.
    log : bool
        Search on a logarithmic scale; needs ``low > 0``. The bins of the values are those between
        ``low - 1/2`` and ``high + 1/2``.
    step : int
        Only the values ``low``, ``low + step``, ... up to `high`.
    when : str or mapping, optional
        When it is active; see `Parameter`.

    Raises
    ------
    SpaceError
        A bound or the step makes no sense.

    Notes
    -----
    A range of more than some 10**15 values is searched on a decimal grid of that many.

    Examples
    --------
    >>> [Int(1, 4).from_unit(u) for u in (0.0, 0.3, 0.6, 1.0)]
    [1, 2, 3, 4]
    >>> list(Int(0, 100, step=25).values())
    [0, 25, 50, 75, 100]
    """

    kind: ClassVar[str] = "int"

    low: int
    high: int
    step: int
    _stride: int
    _bins: Bins | LogBins

    def __init__(
        self,
        low: int,
        high: int,
        *,
        log: bool = False,
        step: int = 1,
        when: Condition = None,
    ) -> None:
        super().__init__(when)
        this = f"Int({describe(low)}, {describe(high)})"
        low, high = whole(low, f"{this}: the lower bound"), whole(high, f"{this}: the upper bound")
        step, log = whole(step, f"{this}: step"), flag(log, f"{this}: log")
        check_bounds(this, low, high, log)
        if low < _LOWEST or high > _HIGHEST:
            raise SpaceError(f"{this}: the bounds do not fit into 64 bits; use Float instead.")
        if step <= 0:
            raise SpaceError(f"{this}: step is {step}; it has to be 1 or more.")
        if step > high - low:
            raise SpaceError(
                f"{this}: step is {step}, larger than the range {high - low}, so that only the "
                "lower bound would be left; make it smaller."
            )
        size = (high - low) // step + 1
        stride = 1
        while not log and -(-size // stride) > MOST:
            stride *= 10
        self._set(low=low, high=high, log=log, step=step, size=size, _stride=stride * step)
        bins = LogBins(low, step, size) if log else Bins(-(-size // stride))
        self._set(_bins=bins)

    def check(self, value: object) -> int:
        """Return the value as an int between the bounds, on the grid of `step`."""
        number = whole(value, "the value")
        if number < self.low:
            raise SpaceError(f"{number} is below the lower bound {self.low}.")
        if number > self.high:
            raise SpaceError(f"{number} is above the upper bound {self.high}.")
        if (number - self.low) % self.step:
            nearest = self.low + (number - self.low) // self.step * self.step
            raise SpaceError(f"{number} is not a value of {self!r}; one below it is {nearest}.")
        return number

    def to_unit(self, value: Any) -> float:
        """Return the middle of the value's bin."""
        return clamp(self._bins.centre((int(value) - self.low) // self._stride))

    def from_unit(self, u: float) -> int:
        """Return the value in whose bin a coordinate lies."""
        if not 0.0 <= u <= 1.0:
            u = clamp(u)
        return self.low + self._bins.index(float(u)) * self._stride

    def values(self) -> Iterator[int]:
        """Iterate over the values."""
        return iter(range(self.low, self.high + 1, self.step))

    def options(self) -> dict[str, Any]:
        """Return the arguments as JSON values."""
        options: dict[str, Any] = {"low": self.low, "high": self.high}
        if self.log:
            options["log"] = True
        if self.step != 1:
            options["step"] = self.step
        return options

    def _arguments(self) -> list[str]:
        return [repr(self.low), repr(self.high), *super()._arguments()[2:]]
