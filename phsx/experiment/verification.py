"""What came of computing a search again: the verdict, and what differed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from phsx.models.numerics import numerics


@dataclass(frozen=True)
class Difference:
    """Something that came out otherwise than the journal says.

    Attributes
    ----------
    what : str
        ``"trial"``, a point that needed no model; ``"suggestion"``; or ``"fit"``.
    number : int
        The trial's id, or the fit's number.
    seq : int
        Sequence number of the journal's record.
    recorded, computed
        What the journal says, and what came out now.
    numerics : mapping or None
        By what libraries it was computed then; None for a point that needed no model.
    """

    what: str
    number: int
    seq: int
    recorded: Any
    computed: Any
    numerics: Mapping[str, str] | None = None

    @property
    def elsewhere(self) -> bool:
        """Whether other libraries or another kind of processor computed it then."""
        return self.numerics is not None and self.numerics != numerics()

    def __str__(self) -> str:
        recorded, computed = self.recorded, self.computed
        where = ""
        if self.what == "fit":  # of many numbers, which may all differ
            where, recorded, computed = _first(recorded, computed)
        return (
            f"{self.what} {self.number} (journal record {self.seq}): the journal says "
            f"{where}{recorded}, but it comes out as {computed}"
        )


def _first(recorded: Any, computed: Any) -> tuple[str, Any, Any]:
    """Return where two JSON values differ first, and what each has there."""
    path = ""
    while True:
        keys: Iterable[Any] = ()
        if isinstance(recorded, Mapping) and isinstance(computed, Mapping):
            keys = recorded.keys() if recorded.keys() == computed.keys() else ()
        elif isinstance(recorded, list) and isinstance(computed, list):
            keys = range(len(recorded)) if len(recorded) == len(computed) else ()
        unequal = next((key for key in keys if recorded[key] != computed[key]), None)
        if unequal is None:
            return path and f"{path[1:]} = ", recorded, computed
        path += f".{unequal}"
        recorded, computed = recorded[unequal], computed[unequal]


@dataclass(frozen=True)
class Verification:
    """What was computed again, and what of it differed.

    Attributes
    ----------
    trials, suggestions, fits : int
        How many points without a model, points of models, and fits were computed again.
    differences : tuple of Difference
        What contradicts the journal, in the journal's order.
    rounded : tuple of Difference
        What other libraries or another kind of processor had computed, and rounding explains: see
        `phsx.experiment.rounding`.
    """

    trials: int
    suggestions: int
    fits: int
    differences: tuple[Difference, ...]
    rounded: tuple[Difference, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether everything came out as it was recorded, bit for bit."""
        return not self.differences and not self.rounded

    @property
    def equivalent(self) -> bool:
        """Whether everything came out as it was recorded, but for rounding at most."""
        return not self.differences

    @property
    def verdict(self) -> str:
        """The result in words: "identical", "equivalent, not identical", or "different"."""
        if self.identical:
            return "identical"
        return "equivalent, not identical" if self.equivalent else "different"
