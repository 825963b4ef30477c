"""From what a user writes for single parameters to the strategies that propose them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from phsx.exceptions import PlanError
from phsx.strategies.base import Strategy
from phsx.strategies.checks import plain
from phsx.strategies.values import Values


def collect(owner: str, overrides: object, parameters: Mapping[str, Any]) -> dict[str, Strategy]:
    """Join the overrides of a block that were given as a mapping and as keywords.

    Raises
    ------
    PlanError
        A parameter given twice, or an override that is none.
    """
    if overrides is None:
        overrides = {}
    if not isinstance(overrides, Mapping):
        raise PlanError(
            f"{owner}: overrides must be a mapping from parameters to values, lists or "
            f"strategies, not {overrides!r:.80}"
        )
    for name in overrides:
        if not isinstance(name, str):
            raise PlanError(f"{owner}: overrides are named by strings, not by {name!r}")
        if name in parameters:
            raise PlanError(
                f"{owner}: parameter {name!r} is overridden twice, by keyword and in overrides"
            )
    return {
        name: override_of(owner, name, value)
        for name, value in [*overrides.items(), *parameters.items()]
    }


def override_of(owner: str, name: str, value: object) -> Strategy:
    """Return the strategy that one override stands for."""
    what = f"the override of {name!r}"
    if isinstance(value, Strategy):
        return _bare(owner, what, value)
    if isinstance(value, type):
        hint = f"; did you mean {value.__name__}(...)?" if issubclass(value, Strategy) else ""
        raise PlanError(f"{owner}: {what} is the class {value.__name__}{hint}")
    if isinstance(value, np.ndarray) and value.ndim:
        value = value.tolist()
    if isinstance(value, (list, tuple, range)):
        if not value:
            raise PlanError(f"{owner}: {what} is an empty list; give at least one value")
        return Values([plain(owner, f"every value in {what}", item) for item in value])
    if isinstance(value, np.ndarray):
        value = value.item()
    if isinstance(value, Mapping) or callable(value):
        raise PlanError(
            f"{owner}: {what} must be a value, a list of values or a strategy such as "
            f"Uniform(low, high), not {value!r:.80}"
        )
    return Values([plain(owner, what, value)], single=True)


def _bare(owner: str, what: str, strategy: Strategy) -> Strategy:
    """Refuse what only a block can have."""
    kind = type(strategy).__name__
    if strategy.trials is not None:
        raise PlanError(
            f"{owner}: {what} is {kind}({strategy.trials}), but how many trials there are is said "
            f"by the block alone; leave the number out"
        )
    if strategy.overrides:
        raise PlanError(f"{owner}: {what}, {kind}, has overrides of its own; only a block can")
    if strategy.repeats or strategy.wait:
        raise PlanError(f"{owner}: repeats and wait belong to the block, not to {what}, {kind}")
    if strategy.kind == "explicit":
        raise PlanError(f"{owner}: {what} is Explicit; give the list of the values instead")
    return strategy
