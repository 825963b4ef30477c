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
from phsx.analysis.words import choice_labels, tick_labels

if TYPE_CHECKING:
    from phsx.space import Parameter

#: A parameter with at most this many values, evenly spaced, is spread like a category.
FEW = 13


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
    integer : bool
        Whether only whole numbers occur.
    pitch : float
        Distance between neighbours where there are so few values that trials share them and have
        to be spread to be seen; otherwise 0. There is half of it beyond the first and the last.
    optional : bool
        Whether the parameter may be inactive.
    """

    name: str
    kind: Literal["linear", "log", "choices"]
    low: float
    high: float
    choices: tuple[Any, ...] = ()
    integer: bool = False
    pitch: float = 0.0
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
        elif all(_is_number(value) for value in present):
            return cls._numeric(name, parameter, [float(value) for value in present], optional)
        else:
            choices = _distinct(present)
        high = max(len(choices), 1) - 0.5
        return cls(name, "choices", -0.5, high, choices, pitch=1.0, optional=optional)

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
        step = getattr(parameter, "step", None)
        pitch = float(step) if step and not log and parameter.size <= FEW else 0.0
        low, high = low - pitch / 2, high + pitch / 2
        if low == high:
            pad = abs(low) / 2 or 0.5
            low, high = low - pad, high + pad
        return cls(
            name,
            "log" if log else "linear",
            low,
            high,
            integer=parameter.kind == "int",
            pitch=pitch,
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

    def spread(self, trials: npt.NDArray[np.int64], width: float, stream: int) -> FloatArray:
        """Return shifts, of up to `width` pitches, that keep trials of one value apart.

        A trial's shift depends on its id and on `stream` alone, so that a picture drawn again, or
        with more trials, is the same.
        """
        if not self.pitch or not len(trials):
            return np.zeros(len(trials))
        shifts = np.random.default_rng(stream).uniform(-1.0, 1.0, int(trials.max()) + 1)
        return np.asarray(width * self.pitch * shifts[trials])

    @property
    def fixed(self) -> bool:
        """Whether the axis has ticks of its own, at values that round numbers would miss."""
        return bool(self.pitch) or bool(self._powers_of_two(6))

    def ticks(
        self, count: int = 6, limit: int = 24, lines: int = 1
    ) -> tuple[list[float], list[str]]:
        """Return tick positions and labels, about `count` of them.

        Every choice has a tick, unless they are more than three times `count`. Their names are
        cut to so many lines of `limit` characters.
        """
        if self.kind == "choices":
            labels = choice_labels(self.choices, limit, lines)
            stride = max(1, math.ceil(len(labels) / (3 * count)))
            return [float(i) for i in range(0, len(labels), stride)], labels[::stride]
        ticks = (
            self._each(count)
            or self._powers_of_two(count)
            or nice_ticks(
                self.low, self.high, log=self.kind == "log", integer=self.integer, count=count
            )
        )
        return ticks, tick_labels(ticks)

    def _each(self, count: int) -> list[float]:
        """Return all of a few numbers, or every second of them and so on."""
        if not self.pitch:
            return []
        many = round((self.high - self.low) / self.pitch)
        stride = max(1, math.ceil(many / (count + 2)))
        return [self.low + (i + 0.5) * self.pitch for i in range(0, many, stride)]

    def _powers_of_two(self, count: int) -> list[float]:
        """Return powers of two where both bounds are such powers, as batch sizes often are."""
        if self.kind != "log" or not self.integer:
            return []
        first, last = math.log2(self.low), math.log2(self.high)
        if first != int(first) or last != int(last):
            return []
        stride = max(1, math.ceil((last - first + 1) / count))
        return [float(2**power) for power in range(int(first), int(last) + 1, stride)]


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
