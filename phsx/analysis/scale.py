"""How one parameter is laid out along an axis."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from phsx.analysis.frame import FloatArray, missing
from phsx.analysis.ticks import nice_ticks
from phsx.analysis.words import choice_labels, number

if TYPE_CHECKING:
    from phsx.space import Parameter

#: An integer parameter with at most this many values is spread like a category.
FEW = 12


@dataclass(frozen=True)
class Scale:
    """The axis of a parameter: where its values lie, and what is written beside it.

    Attributes
    ----------
    name : str
        The parameter's name.
    kind : {"linear", "log", "choices"}
        Choices lie at 0, 1, 2, ...
    low, high : float
        Bounds of the axis in data coordinates.
    choices : tuple
        The choices in their order, empty for numbers.
    ordered : bool
        Whether what lies between two values means anything (False for categories).
    integer : bool
        Whether only whole numbers occur.
    optional : bool
        Whether the parameter may be inactive.
    """

    name: str
    kind: Literal["linear", "log", "choices"]
    low: float
    high: float
    choices: tuple[Any, ...] = ()
    ordered: bool = True
    integer: bool = False
    optional: bool = False

    @classmethod
    def of(cls, name: str, parameter: Parameter, values: Sequence[Any]) -> Scale:
        """Lay out a parameter: its whole domain, and whatever was tried beyond it.

        The domain of a computed parameter is what it came to.
        """
        present = [value for value in values if not missing(value)]
        optional = parameter.when is not None
        if parameter.kind in ("categorical", "ordinal"):
            choices = tuple(parameter.values())
            ordered = parameter.kind == "ordinal"
        elif all(_is_number(value) for value in present):
            return cls._numeric(name, parameter, [float(value) for value in present], optional)
        else:
            choices, ordered = _distinct(present), False
        return cls(name, "choices", -0.5, len(choices) - 0.5, choices, ordered, False, optional)

    @classmethod
    def _numeric(
        cls, name: str, parameter: Parameter, present: list[float], optional: bool
    ) -> Scale:
        bounds = [getattr(parameter, "low", None), getattr(parameter, "high", None)]
        known = present + [float(bound) for bound in bounds if bound is not None]
        low, high = (min(known), max(known)) if known else (0.0, 1.0)
        log = low > 0 and (
            parameter.log if parameter.kind in ("float", "int") else _wide(present, low, high)
        )
        if low == high:
            pad = abs(low) / 2 or 0.5
            low, high = low - pad, high + pad
        return cls(
            name,
            "log" if log else "linear",
            low,
            high,
            integer=parameter.kind == "int",
            optional=optional,
        )

    def positions(self, values: Sequence[Any]) -> FloatArray:
        """Return where values lie in data coordinates; NaN where the parameter was inactive."""
        if self.kind == "choices":
            return np.array([self._index(value) for value in values], dtype=np.float64)
        return np.array(
            [float(value) if _is_number(value) else math.nan for value in values],
            dtype=np.float64,
        )

    def _index(self, value: Any) -> float:
        """Find a choice, by type too: 1, 1.0 and True may be three of them."""
        if missing(value) and (None not in self.choices or (value is not None and self.optional)):
            return math.nan
        wanted = None if missing(value) else value
        alike = [i for i, choice in enumerate(self.choices) if _same(choice, wanted)]
        # pandas turns a column of whole numbers with gaps into floats.
        alike = alike or [i for i, choice in enumerate(self.choices) if choice == wanted]
        return float(alike[0]) if alike else math.nan

    def unit(self, positions: FloatArray) -> FloatArray:
        """Return the fraction of the axis' length, in [0, 1], at which positions lie."""
        if self.kind == "log":
            low, high = math.log(self.low), math.log(self.high)
            return np.asarray((np.log(positions) - low) / (high - low))
        return np.asarray((positions - self.low) / (self.high - self.low))

    def from_unit(self, fractions: FloatArray) -> FloatArray:
        """Return the positions at fractions of the axis; the inverse of `unit`."""
        if self.kind == "log":
            low, high = math.log(self.low), math.log(self.high)
            return np.asarray(np.exp(low + fractions * (high - low)))
        return np.asarray(self.low + fractions * (self.high - self.low))

    @property
    def crowded(self) -> bool:
        """Whether many trials share one position, so that they have to be spread to be seen."""
        return self.kind == "choices" or (
            self.integer and self.kind == "linear" and self.high - self.low < FEW
        )

    def spread(self, trials: npt.NDArray[np.int64], width: float, stream: int) -> FloatArray:
        """Return shifts in (-width, width) that keep trials of one choice apart.

        They come from a sequence of low discrepancy over the trials' ids (the R2 sequence of
        M. Roberts, 2018), so that a picture drawn again is the same. All are 0 where the axis is
        not crowded. Different `stream` numbers give different shifts.
        """
        if not self.crowded:
            return np.zeros(len(trials))
        plastic = 1.324717957244746
        step = (stream + 1) / plastic
        return np.asarray(width * (2 * ((0.5 + (trials + 1) * step) % 1.0) - 1))

    def ticks(self, count: int = 6, limit: int = 24) -> tuple[list[float], list[str]]:
        """Return tick positions and labels, about `count` of them and `limit` characters long.

        Every choice has a tick, unless they are more than three times `count`.
        """
        if self.kind == "choices":
            labels = choice_labels(self.choices, limit)
            stride = max(1, math.ceil(len(labels) / (3 * count)))
            return [float(i) for i in range(0, len(labels), stride)], labels[::stride]
        low, high = self.low, self.high
        ticks = _powers_of_two(low, high, count) if self.integer and self.kind == "log" else []
        if not ticks:
            ticks = nice_ticks(low, high, log=self.kind == "log", integer=self.integer, count=count)
        return ticks, [number(tick) for tick in ticks]


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _same(choice: Any, value: Any) -> bool:
    return type(choice) is type(value) and bool(choice == value)


def _distinct(values: Sequence[Any]) -> tuple[Any, ...]:
    """Return the different values, by type too, in a fixed order."""
    found = {(type(value).__name__, repr(value)): value for value in values}
    return tuple(found[key] for key in sorted(found))


def _wide(values: list[float], low: float, high: float) -> bool:
    """Tell whether computed values spread over so many decades that only a logarithm shows them."""
    return high > 1000 * low and float(np.median(values)) - low < 0.1 * (high - low)


def _powers_of_two(low: float, high: float, count: int) -> list[float]:
    """Return powers of two where both bounds are such powers, as sizes of batches often are."""
    first, last = math.log2(low), math.log2(high)
    if first != int(first) or last != int(last):
        return []
    stride = max(1, math.ceil((last - first + 1) / count))
    return [float(2**power) for power in range(int(first), int(last) + 1, stride)]
