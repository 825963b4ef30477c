"""Resources: what workers have and trials ask for, by name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any

from phsx.exceptions import EvaluationError

#: The resource that every slot has: threads. A worker that says nothing of it does not count them.
CORES = "cores"
#: The resource that stands for the devices that a trial sees, in ``CUDA_VISIBLE_DEVICES``.
GPU = "GPU"
#: Amounts that add up to this much more than there is still fit: they are no exact fractions.
_SLACK = 1e-9

Resources = Mapping[str, float]
NOTHING: Resources = MappingProxyType({})


def amounts(resources: Mapping[Any, Any]) -> dict[str, float]:
    """Return amounts of resources as floats, without those that are 0.

    Raises
    ------
    EvaluationError
        One is no amount.

    Examples
    --------
    >>> amounts({"GPU": 2, "cores": 4, "licence": 0})
    {'GPU': 2.0, 'cores': 4.0}
    """
    found: dict[str, float] = {}
    for name, amount in resources.items():
        if not isinstance(name, str) or not name:
            raise EvaluationError(f"{name!r} is no name of a resource")
        number = math.nan if isinstance(amount, bool) else _number(amount)
        if not 0 <= number < math.inf:
            raise EvaluationError(f"{name!r} has to be a number of at least 0, not {amount!r}")
        if name == CORES and not number.is_integer():
            raise EvaluationError(f"{name!r} has to be a whole number, not {amount!r}")
        if name == GPU and number > 1 and not number.is_integer():
            raise EvaluationError(f"{name!r} has to be whole, or a share of one, not {amount!r}")
        if number:
            found[name] = number
    return found


def _number(amount: Any) -> float:
    """Return an amount as a float; NaN where it is no number."""
    try:
        return float(amount) if isinstance(amount, Real) else math.nan
    except OverflowError:
        return math.nan


def covers(offer: Resources | None, asked: Resources) -> bool:
    """Tell whether a worker has what a trial asks for; one whose offer is None has everything.

    Examples
    --------
    >>> covers({"GPU": 2}, {"GPU": 1, "cores": 8}), covers({}, {"GPU": 1}), covers(None, {"GPU": 9})
    (True, False, True)
    """
    if offer is None:
        return True
    return all(
        amount <= offer.get(name, math.inf if name == CORES else 0.0) + _SLACK
        for name, amount in asked.items()
    )


def surplus(offer: Resources | None, asked: Resources) -> int:
    """Count the resources of a worker that a trial has no use for, and another one may have.

    Examples
    --------
    >>> surplus({"cores": 4, "GPU": 1}, {}), surplus({"GPU": 1}, {"GPU": 1}), surplus(None, {})
    (1, 0, 0)
    """
    return len((offer or {}).keys() - asked.keys() - {CORES})


def spelled(asked: Resources) -> str:
    """Return amounts as people write them.

    Examples
    --------
    >>> spelled({"GPU": 2.0, "cores": 4.0}), spelled({})
    ('GPU=2, cores=4', 'nothing')
    """
    return ", ".join(f"{name}={amount:g}" for name, amount in asked.items()) or "nothing"


def lacking(asked: Resources, offers: Iterable[Resources]) -> str:
    """Return why a trial cannot run anywhere.

    Examples
    --------
    >>> lacking({"GPU": 2.0}, [{"cores": 4.0}, {"GPU": 1.0}])[:60]
    'a trial asks for GPU=2, and no slot has that: they have GPU='
    """
    listed = "; ".join(sorted({spelled(offer) for offer in offers}))
    return (
        f"a trial asks for {spelled(asked)}, and no slot has that: they have {listed}. See "
        f"resources= and cores_per_trial= of run, and cores=, gpus=, slots= and resources= of the "
        f"pool"
    )
