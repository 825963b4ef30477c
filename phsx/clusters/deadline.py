"""Whether a trial still fits before its worker's end."""

from __future__ import annotations

from collections.abc import Collection

#: The next trial may take this much longer than the longest of many, and of few still more.
LONGER, UNSURE = 1.1, 0.5
#: Seconds of a walltime that are left unused.
MARGIN = 2.0


def fits(expected: float | None, left: float | None) -> bool:
    """Tell whether a trial is likely to end in the time that is left.

    Parameters
    ----------
    expected : float or None
        What a trial takes at most, in s; None where nothing is known, which always fits.
    left : float or None
        Until the deadline, in s; None where there is none.

    Examples
    --------
    >>> fits(10.0, 60.0), fits(10.0, 11.0), fits(None, 1.0), fits(10.0, None)
    (True, False, True, True)
    """
    return expected is None or left is None or expected + MARGIN <= left


def longest(durations: Collection[float]) -> float | None:
    """Foretell what the next trial takes at most, in s, from what others took.

    Of n numbers drawn from a common distribution the next one is the largest with probability
    1 / (n + 1): the fewer are known, the more is added.

    Examples
    --------
    >>> longest([10.0]), round(longest([10.0, 20.0, 20.0, 12.0, 15.0]), 3), longest([])
    (16.0, 24.0, None)
    """
    if not durations:
        return None
    return max(durations) * (LONGER + UNSURE / len(durations))
