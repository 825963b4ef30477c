"""Whether a block's strategy fits a space, before anything runs."""

from __future__ import annotations

import inspect

from phsx.exceptions import PlanError
from phsx.space import Space
from phsx.strategies.base import Strategy
from phsx.strategies.checks import close
from phsx.strategies.groups import groups_of, model_of


def validate(strategy: Strategy, space: Space) -> None:
    """Check that a strategy and its overrides can propose points of a space.

    Raises
    ------
    PlanError
        An override names no parameter of the space, or one that has no freedom; a value lies
        outside its parameter; two strategies that learn; a listed point that is invalid.
    """
    for name in strategy.overrides:
        _check_name(strategy, name, space)
    model_of(strategy)
    for group in groups_of(strategy, space.dimensions):
        group.strategy.validate(space, group.names)


def trials_of(strategy: Strategy, space: Space) -> int | None:
    """Return how many trials a block has at most; None where it never ends."""
    count = None
    for group in groups_of(strategy, space.dimensions):
        if group.base:
            count = strategy.count(space, group.names)
    limits = [limit for limit in (strategy.trials, count) if limit is not None]
    return min(limits) if limits else None


def _check_name(strategy: Strategy, name: str, space: Space) -> None:
    owner = type(strategy).__name__
    if name not in space.parameters:
        options = [
            option.name
            for option in inspect.signature(type(strategy)).parameters.values()
            if option.kind is not option.VAR_KEYWORD
        ]
        raise PlanError(
            f"{owner}: {name!r} is neither a parameter of the space ({', '.join(space.names)}) "
            f"nor an option of the strategy{close(name, [*space.names, *options])}"
        )
    if name not in space.dimensions:
        raise PlanError(
            f"{owner}: {name!r} is {space.parameters[name].kind} in the space and cannot be "
            f"overridden; declare it as a Float, Int, Categorical or Ordinal to vary it"
        )
