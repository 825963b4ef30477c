"""What a point is judged by, given what a model expects there."""

from __future__ import annotations

from importlib import import_module
from typing import ClassVar, Protocol

from phsx.history import FloatArray

#: The place of every criterion: a new one is a file and a line here.
CRITERIA = {
    "ei": "phsx.models.improvement:ExpectedImprovement",
    "ucb": "phsx.models.confidence_bound:ConfidenceBound",
    "thompson": "phsx.models.least_value:LeastValue",
}


class Criterion(Protocol):
    """A function of a model's mean and variance at a point; the largest value is sought.

    Attributes
    ----------
    sampled : bool
        Whether every suggestion judges a sample of the posterior of its own. If not, suggestions
        judge the posterior itself, in which those before them count as pending.
    """

    sampled: ClassVar[bool]

    def given(self, best: float) -> Criterion:
        """Take into account the least value at the data, in a model's outputs."""

    def extend(self, values: FloatArray) -> Criterion:
        """Take into account what pending trials may give, `values` (k, S) in S samples."""

    def judge(
        self, mean: FloatArray, variance: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return values and their derivatives.

        Parameters
        ----------
        mean : ndarray, shape (m,) or (m, S)
            Predictions, in each sample of what is pending.
        variance : ndarray, shape (m,)
            Their variance, positive.

        Returns
        -------
        value, by_mean, by_variance : ndarray, shapes (m,), of `mean`, (m,)
        """


def criterion(name: str, **options: float) -> Criterion:
    """Return a criterion, given its name and options.

    Examples
    --------
    >>> criterion("ucb", kappa=3.0)
    ConfidenceBound(kappa=3.0)
    """
    module, cls = CRITERIA[name].split(":")
    found: Criterion = getattr(import_module(module), cls)(**options)
    return found
