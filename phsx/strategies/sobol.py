"""Sobol' sequences."""

from __future__ import annotations

from typing import Any, ClassVar

from phsx.strategies.sequence import Sequence, generator_keyword


class Sobol(Sequence):
    """A Sobol' sequence: points that fill the unit cube more evenly than random ones.

    Best balanced where the number of trials is a power of two.

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
    Sobol', USSR Comput. Math. Math. Phys. 7 (1967) 86-112; Owen, "Scrambling Sobol' and
    Niederreiter-Xing points", J. Complexity 14 (1998) 466-489. Computed by `scipy.stats.qmc`.

    Examples
    --------
    >>> import phsx
    >>> phsx.Sobol(64)
    Sobol(64)
    """

    kind: ClassVar[str] = "sobol"

    @staticmethod
    def engine(dimensions: int, scramble: bool, seed: int) -> Any:
        """Return scipy's Sobol' engine."""
        from scipy.stats import qmc

        return qmc.Sobol(dimensions, scramble=scramble, **generator_keyword(qmc.Sobol, seed))
