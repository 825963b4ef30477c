"""A plan: blocks of trials that run one after the other, each with a strategy of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from phsx.exceptions import PlanError
from phsx.space import Space
from phsx.strategies.base import JSON, Strategy
from phsx.strategies.explicit import Explicit
from phsx.strategies.registry import from_dict
from phsx.strategies.validation import trials_of, validate


class Plan:
    """Ordered blocks of trials.

    Parameters
    ----------
    blocks : iterable of Strategy
        At least one.

    Raises
    ------
    PlanError
        There is no block, something is no strategy, or a block that never ends is not the last.

    Examples
    --------
    >>> from phsx.strategies import Random, Sobol
    >>> plan = Plan([Sobol(16), Random(20, y=[1.2, 3.4])])
    >>> len(plan)
    2
    >>> Plan.from_dict(plan.to_dict()) == plan
    True
    """

    def __init__(self, blocks: Iterable[Strategy]) -> None:
        self.blocks = tuple(_block(block) for block in blocks)
        if not self.blocks:
            raise PlanError(
                "the plan has no block of trials; give at least one, such as Random(20)"
            )

    @classmethod
    def of(cls, plan: object) -> Plan:
        """Make a plan of a strategy, a list of strategies, or a plan.

        Raises
        ------
        PlanError
            It is none of them.

        Examples
        --------
        >>> from phsx.strategies import Random
        >>> Plan.of(Random(20))
        Plan([Random(20)])
        """
        if isinstance(plan, Plan):
            return plan
        if isinstance(plan, (list, tuple)):
            return cls(plan)
        return cls([_block(plan)])

    def check(self, space: Space) -> None:
        """Check that all blocks fit a space.

        Raises
        ------
        PlanError
            The first thing that does not, with the block's number and the cure.
        """
        for number, block in enumerate(self.blocks):
            try:
                validate(block, space)
                unlimited = trials_of(block, space) is None
            except PlanError as error:
                raise PlanError(f"block {number} of the plan: {error}") from error
            if unlimited and number < len(self.blocks) - 1:
                raise PlanError(
                    f"block {number} of the plan, {block!r:.200}, never ends, so that the blocks "
                    f"after it would never start; say how many trials it has"
                )

    def sizes(self, space: Space) -> tuple[int | None, ...]:
        """Return how many trials each block has at most; None where it never ends."""
        return tuple(trials_of(block, space) for block in self.blocks)

    def trials(self, space: Space) -> int | None:
        """Return how many trials there are at most in all; None where the last block never ends.

        Examples
        --------
        >>> from phsx.space import Categorical
        >>> from phsx.strategies import Grid, Random
        >>> Plan([Random(20), Grid()]).trials(Space({"c": Categorical(["a", "b"])}))
        22
        """
        total = 0
        for size in self.sizes(space):
            if size is None:
                return None
            total += size
        return total

    def extends(self, other: Plan) -> bool:
        """Tell whether this plan is `other` with more trials in its last block, or more blocks.

        So that an experiment that has run `other`, or a part of it, can go on with this plan.
        A plan extends itself.

        Examples
        --------
        >>> from phsx.strategies import Random, Sobol
        >>> Plan([Sobol(8), Random(30)]).extends(Plan([Sobol(8), Random(20)]))
        True
        >>> Plan([Sobol(16), Random(30)]).extends(Plan([Sobol(8), Random(20)]))
        False
        """
        last = len(other) - 1
        if len(self) < len(other) or self.blocks[:last] != other.blocks[:last]:
            return False
        return _continues(self.blocks[last], other.blocks[last])

    def more(self, trials: int) -> Plan:
        """Return this plan with that many more trials in its last block.

        Raises
        ------
        PlanError
            The last block has no number of trials.

        Examples
        --------
        >>> from phsx.strategies import Random
        >>> Plan([Random(20)]).more(5)
        Plan([Random(25)])
        """
        last = self.blocks[-1]
        if last.trials is None:
            raise PlanError(
                f"the last block, {last!r:.200}, has no number of trials that could grow; "
                f"add another block to the plan"
            )
        grown = from_dict({**last.to_dict(), "trials": last.trials + trials})
        return Plan([*self.blocks[:-1], grown])

    def to_dict(self) -> list[JSON]:
        """Return the blocks as JSON values."""
        return [block.to_dict() for block in self.blocks]

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | list[Any]) -> Plan:
        """Read a plan: a list of blocks, as `to_dict` returns it, or a single block.

        Raises
        ------
        PlanError
            It is no plan, or a block is wrong; the message has the block's number.
        """
        if isinstance(data, Mapping):
            data = [data]
        if not isinstance(data, (list, tuple)):
            raise PlanError(f"a plan must be a list of blocks, not {data!r:.80}")
        blocks = []
        for number, block in enumerate(data):
            try:
                blocks.append(from_dict(block))
            except PlanError as error:
                raise PlanError(f"block {number} of the plan: {error}") from error
        return cls(blocks)

    def __len__(self) -> int:
        return len(self.blocks)

    def __iter__(self) -> Iterator[Strategy]:
        return iter(self.blocks)

    def __getitem__(self, number: int) -> Strategy:
        return self.blocks[number]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self.blocks == other.blocks

    def __hash__(self) -> int:
        return hash(self.blocks)

    def __repr__(self) -> str:
        return f"Plan([{', '.join(map(repr, self.blocks))}])"


def _block(block: object) -> Strategy:
    """Return a strategy that can be a block by itself, or say what was meant."""
    if isinstance(block, type) and issubclass(block, Strategy):
        raise PlanError(
            f"the plan holds the class {block.__name__}; did you mean {block.__name__}(20) "
            f"instead of {block.__name__}?"
        )
    if not isinstance(block, Strategy):
        hint = f"; did you mean Random({block})?" if type(block) is int else ""
        if isinstance(block, str):
            hint = "; in Python a strategy is an object, in a search file a table"
        raise PlanError(
            f"a plan is made of strategies such as Random(20), but it holds {block!r:.80}{hint}"
        )
    if block.override_only:
        name = type(block).__name__
        raise PlanError(
            f"{name} proposes values of single parameters and cannot be a block of the plan; "
            f"give it as an override, as in Random(20, x={name}(...))"
        )
    return block


def _continues(block: Strategy, earlier: Strategy) -> bool:
    """Tell whether a block is an earlier one with as many trials, or more."""
    ours, theirs = block.to_dict(), earlier.to_dict()
    more, fewer = ours.pop("trials", None), theirs.pop("trials", None)
    if isinstance(block, Explicit) and isinstance(earlier, Explicit):
        # Points may have been added to the end of the list.
        ours["points"] = ours["points"][: len(theirs["points"])]
    same = json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True)
    return same and (more is None or (fewer is not None and more >= fewer))
