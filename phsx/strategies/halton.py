"""Halton sequences."""

from __future__ import annotations

from typing import Any, ClassVar

from phsx.strategies.sequence import Sequence, generator_keyword


class Halton(Sequence):
    """A Halton sequence: even like Sobol's, with no preferred number of trials.

    Parameters
    ----------
    trials : int, optional
        How many trials the block has; None goes on as long as it is asked.
    scramble : bool
        Whether the sequence is scrambled, by a seed that all trials of the block share. Without,
        its first point is the corner at which all parameters have their lowest values.
    repeats, wait, overrides, **parameters
        See `Strategy`.

    References
    ----------
    Halton, Numer. Math. 2 (1960) 84-90; Owen, "A randomized Halton algorithm in R",
    arXiv:1706.02808. Computed by `scipy.stats.qmc`.

    Examples
    --------
    >>> import phsx
    >>> phsx.Halton(50)
    Halton(50)
    """

    kind: ClassVar[str] = "halton"

    @staticmethod
    def engine(dimensions: int, scramble: bool, seed: int) -> Any:
        """Return scipy's Halton engine."""
        from scipy.stats import qmc

        return qmc.Halton(dimensions, scramble=scramble, **generator_keyword(qmc.Halton, seed))
