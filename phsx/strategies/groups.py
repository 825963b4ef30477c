"""Which strategy of a block proposes which parameters."""

from __future__ import annotations

from dataclasses import dataclass

from phsx.exceptions import PlanError
from phsx.strategies.base import ModelStrategy, Strategy
from phsx.strategies.random import Random
from phsx.strategies.values import Values


@dataclass(frozen=True)
class Group:
    """A strategy and the parameters that it proposes together in one block.

    Attributes
    ----------
    strategy : Strategy
    names : tuple of str
        None are left for a block's own strategy where all parameters are overridden.
    base : bool
        Whether it is the block's own strategy, not an override.
    """

    strategy: Strategy
    names: tuple[str, ...]
    base: bool

    @property
    def learns(self) -> bool:
        """Whether the strategy learns from results."""
        return isinstance(self.strategy, ModelStrategy)

    @property
    def constant(self) -> bool:
        """Whether another try gives the same values again."""
        return isinstance(self.strategy, Values) or not self.names

    def unlearned(self) -> Group:
        """Return the group with random search in place of a strategy that learns."""
        return Group(Random(), self.names, self.base) if self.learns else self

    def _rank(self) -> int:
        if self.learns:
            return 3
        if self.base:
            return 2
        return 0 if isinstance(self.strategy, Values) else 1


def groups_of(strategy: Strategy, names: tuple[str, ...]) -> list[Group]:
    """Divide the parameters among a block's strategy and its overrides, in the order of proposing.

    Plain values come first, then other overrides, then the block's own strategy, and the one that
    learns last, since it is told what the others decided. Equal strategies are one.
    """
    if not strategy.overrides:
        return [Group(strategy, names, True)]
    own: list[str] = []
    others: dict[str, tuple[Strategy, list[str]]] = {}
    for name in names:
        override = strategy.overrides.get(name)
        if override is None or strategy.absorbs(override):
            own.append(name)
        else:
            others.setdefault(override.signature, (override, []))[1].append(name)
    groups = [Group(member, tuple(members), False) for member, members in others.values()]
    groups.append(Group(strategy, tuple(own), True))
    return sorted(groups, key=Group._rank)


def model_of(strategy: Strategy) -> ModelStrategy | None:
    """Return the strategy of a block that learns from results, if it has one.

    Raises
    ------
    PlanError
        There are several that differ.
    """
    members = [strategy, *strategy.overrides.values()]
    models = {one.signature: one for one in reversed(members) if isinstance(one, ModelStrategy)}
    if len(models) > 1:
        raise PlanError(
            f"a block can have one strategy that learns from results, but {strategy!r:.300} has "
            f"{len(models)} that differ; give them the same options, or use several blocks"
        )
    return next(iter(models.values()), None)
