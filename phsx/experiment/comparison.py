"""Compares what comes out now with what a journal says, and explains what it can by rounding."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from phsx.experiment.rounding import TRIES
from phsx.experiment.verification import Difference, Verification
from phsx.journal.format import plain

JSON = Any

#: When so many were found that rounding does not explain, explanations are sought no more: each
#: costs as much as `TRIES` suggestions.
HOPELESS = 3


@dataclass(frozen=True)
class Answer:
    """What the journal says came of one fit or suggestion, or of a point without a model.

    Attributes
    ----------
    what, number, seq, recorded, numerics
        As in `Difference`.
    """

    what: str
    number: int
    seq: int
    recorded: JSON
    numerics: Mapping[str, str] | None = None


class Comparison:
    """Collects what was compared, and what differed."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._differences: list[Difference] = []
        self._rounded: list[Difference] = []
        self._hopeless = 0

    def compare(
        self,
        answer: Answer,
        again: Callable[[np.random.Generator | None], JSON],
        same: Callable[[JSON, JSON], bool] | None = None,
    ) -> None:
        """Compute something again and compare it.

        Parameters
        ----------
        answer : Answer
            What was recorded.
        again : callable
            Computes it; with the numbers that it depends on moved a little if it is given a
            generator.
        same : callable, optional
            Tells whether what was recorded and what was computed are the same but for rounding.
            By default only what is equal is.
        """
        self._counts[answer.what] += 1
        computed = plain(again(None), answer.what)
        if _text(answer.recorded) == _text(computed):
            return
        difference = Difference(
            answer.what, answer.number, answer.seq, answer.recorded, computed, answer.numerics
        )
        if same is not None and difference.elsewhere and self._explained(difference, again, same):
            self._rounded.append(difference)
        else:
            self._differences.append(difference)

    def _explained(
        self,
        difference: Difference,
        again: Callable[[np.random.Generator | None], JSON],
        same: Callable[[JSON, JSON], bool],
    ) -> bool:
        if same(difference.recorded, difference.computed):
            return True
        if self._hopeless < HOPELESS:
            for number in range(TRIES):
                computed = plain(again(np.random.default_rng(number)), difference.what)
                if same(difference.recorded, computed):
                    return True
        self._hopeless += 1
        return False

    def verification(self) -> Verification:
        """Return what came of it all."""
        return Verification(
            self._counts["trial"],
            self._counts["suggestion"],
            self._counts["fit"],
            *(tuple(sorted(each, key=_seq)) for each in (self._differences, self._rounded)),
        )


def _seq(difference: Difference) -> int:
    return difference.seq


def _text(value: JSON) -> str:
    """Return JSON values as text, since 1, 1.0 and True are different values of a parameter."""
    return json.dumps(value, sort_keys=True)
