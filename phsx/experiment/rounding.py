"""What rounding may change in a suggestion or a fit, and what it may not.

Other processors and libraries add numbers up in another order, so the last bits of a covariance
differ. The search for the largest acquisition makes more of it: by some 1e-5 of a parameter's range
where the maximum is flat, and where two climbs are nearly as good, another one may win. How good
the recorded point is tells little then: of the points that such machines chose for one and the same
question, one expected 10 % less improvement than the other, as do most of the points that somebody
has moved by a hundredth of a range. So it is tried instead what rounding can do here: the same
question is asked again with the model's numbers moved by far less than matters and far more than
bits. What one of the answers comes to, rounding explains; docs/experiment-directory.md has figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from phsx.exceptions import SpaceError
from phsx.history import History
from phsx.space import Space

JSON = Any

#: By what share numbers are moved when a question is asked again, and how often that is tried.
NUDGE, TRIES = 1e-10, 32

#: Points that are nearer than this, as a share of each parameter's range, are the same. The
#: farthest that one and the same optimum was found apart, by four kinds of processors and two
#: versions of SciPy, is 8e-5.
SAME_PLACE = 1e-4

#: Hyper-parameters that differ by a smaller share (or, near zero, by less) are the same. The most
#: that was seen is 4e-7.
SAME_NUMBER, NEAR_ZERO = 1e-4, 1e-9


def nudged(
    fit: Mapping[str, JSON] | None, history: History, rng: np.random.Generator | None
) -> tuple[Mapping[str, JSON] | None, History]:
    """Return what a question is about with the numbers of the fit moved a little.

    Where there is no fit, or no float in it, the results are moved instead. Without a generator
    nothing is.

    Parameters
    ----------
    fit : mapping or None
        Hyper-parameters as JSON values.
    history : History
    rng : Generator or None

    Examples
    --------
    >>> history = History.of([], dimensions=1)
    >>> nudged({"observed": 3, "scale": 0.0}, history, np.random.default_rng(0))[0]
    {'observed': 3, 'scale': 0.0}
    """
    if rng is None:
        return fit, history
    if _has_numbers(fit):
        return _moved(fit, rng), history
    moved = history.values * (1.0 + NUDGE * rng.standard_normal(len(history)))
    return fit, replace(history, values=moved)


def _has_numbers(data: JSON) -> bool:
    if isinstance(data, Mapping):
        return any(map(_has_numbers, data.values()))
    return any(map(_has_numbers, data)) if isinstance(data, list) else isinstance(data, float)


def _moved(data: JSON, rng: np.random.Generator) -> JSON:
    if isinstance(data, float):
        return data * (1.0 + NUDGE * rng.standard_normal())
    if isinstance(data, Mapping):
        return {key: _moved(value, rng) for key, value in data.items()}
    return [_moved(value, rng) for value in data] if isinstance(data, list) else data


def same_fit(recorded: JSON, computed: JSON) -> bool:
    """Tell whether JSON values are equal but for the last digits of their floats.

    Examples
    --------
    >>> same_fit({"scales": [0.5, 2.0]}, {"scales": [0.5, 2.00001]})
    True
    >>> same_fit({"observed": 3}, {"observed": 4})
    False
    """
    if isinstance(recorded, float) and isinstance(computed, float):
        return math.isclose(recorded, computed, rel_tol=SAME_NUMBER, abs_tol=NEAR_ZERO)
    if isinstance(recorded, Mapping) and isinstance(computed, Mapping):
        return recorded.keys() == computed.keys() and all(
            same_fit(value, computed[key]) for key, value in recorded.items()
        )
    if isinstance(recorded, list) and isinstance(computed, list):
        return len(recorded) == len(computed) and all(map(same_fit, recorded, computed))
    return type(recorded) is type(computed) and bool(recorded == computed)


def same_place(space: Space, recorded: JSON, computed: JSON) -> bool:
    """Tell whether two points are one, but for rounding; what is no valid point is none.

    Examples
    --------
    >>> import phsx
    >>> space = phsx.Space({"x": phsx.Float(0, 10), "n": phsx.Int(1, 9)})
    >>> same_place(space, {"x": 5.0, "n": 3}, {"x": 5.0001, "n": 3})
    True
    >>> same_place(space, {"x": 5.0, "n": 3}, {"x": 5.0, "n": 4})
    False
    """
    try:
        one, other = space.check(recorded), space.check(computed)
    except SpaceError:
        return False
    if not one.keys() == other.keys() == recorded.keys():
        return False
    apart = np.abs(space.to_unit(one) - space.to_unit(other))
    return bool((apart <= SAME_PLACE).all())
