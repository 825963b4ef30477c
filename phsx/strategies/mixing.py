"""How a block's strategy and the overrides of single parameters make one point together."""

from __future__ import annotations

import itertools
import math
import warnings
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import numpy as np

from phsx.exceptions import ExhaustedError, ModelWarning
from phsx.strategies.base import ENUMERABLE, Params, Proposal, Request, Strategy
from phsx.strategies.groups import Group, groups_of, model_of
from phsx.strategies.lattice import Lattice
from phsx.strategies.values import Values

__all__ = ["model_of", "propose"]

#: Tries before an infinite space is believed to have nothing left.
TRIES = 10_000
#: Tries of a model, each of which costs far more, before random values take its place.
MODEL_TRIES = 5
#: How often other parameters are drawn anew before the next point of a finite list is taken.
REDRAWS = 100
#: Tries before the next value of a list of values is taken out of its turn.
TURN = 1000

Axes = dict[str, tuple[Any, ...]]


def propose(strategy: Strategy, request: Request) -> Proposal:
    """Propose a complete, valid point that is not taken.

    Parameters
    ----------
    strategy : Strategy
        A block's strategy with its overrides.
    request : Request
        What the suggestion may depend on; `names` are all dimensions of the space, as a rule.

    Returns
    -------
    Proposal
        The complete point, constants and expressions included and inactive parameters left out,
        and the position at which the block's sequences go on.

    Raises
    ------
    ExhaustedError
        No point is left, with the reason.

    Notes
    -----
    Another try draws from a generator of its own, seeded by the trial's seed and the number of
    the try, and takes the next point of each sequence. Where every parameter has few values,
    the points that are left are listed after some tries, and one of them is drawn.
    """
    return _Mixture(strategy, request).propose()


class _Mixture:
    """One trial's way to a valid, untaken point."""

    def __init__(self, strategy: Strategy, request: Request) -> None:
        self.strategy = strategy
        self.request = request
        self.groups = groups_of(strategy, request.names)
        self.learns = any(group.learns for group in self.groups)
        self.listed = any(
            group.base and group.strategy.count(request.space, group.names) is not None
            for group in self.groups
        )
        # Suggestions of a model are computed at the same time, so none can tell the next one
        # where sequences go on; the trial's number in the block has to do.
        self.start = max(request.position, request.index) if self.learns else request.position
        self.position = self.start
        self.attempts = 0
        self.hopeless = False
        self.invalid = 0

    def propose(self) -> Proposal:
        proposal = self._attempt()
        if proposal is None:
            proposal = self._go_through() if self.listed else self._insist()
        return proposal

    def _go_through(self) -> Proposal:
        """Go on through a finite list of points; its strategy says when it has come to its end."""
        others = (group for group in self.groups if not group.base)
        redraws = 1 if all(group.constant for group in others) else REDRAWS
        if self.learns:
            redraws = min(redraws, MODEL_TRIES)
        while True:
            if self.attempts % redraws:
                self.position = self.start
            else:
                self.start = self.position
            proposal = self._attempt()
            if proposal is not None:
                return proposal

    def _insist(self) -> Proposal:
        """Try again, then list what is left where that is finite."""
        proposal = None
        learned = self.learns
        if learned:
            proposal = self._try(MODEL_TRIES)
            self.groups = [group.unlearned() for group in self.groups]
            self.learns = False
        axes = None if proposal else self._axes()
        size = math.inf if axes is None else math.prod(map(len, axes.values()))
        # To list them all costs about as much as a twentieth of the tries that would find one.
        found = proposal or self._try(int(min(max(20, size / 20), TRIES)))
        if found is None and axes is not None:
            found = self._choose(axes)
        if found is None:
            raise ExhaustedError(self._why(size))
        if learned and proposal is None and size > ENUMERABLE:
            warnings.warn(
                f"{self.strategy!r:.200} found no new point; a random one takes its place",
                ModelWarning,
                stacklevel=4,
            )
        return found

    def _try(self, limit: int) -> Proposal | None:
        # A model that sees no point will see none again where all else stays the same.
        while self.attempts < limit and not (self.learns and self.hopeless):
            proposal = self._attempt()
            if proposal is not None:
                return proposal
        return None

    def _attempt(self) -> Proposal | None:
        """Let every group propose once; None where the point is invalid or taken."""
        request, position = self.request, self.position
        following = position + 1
        values = dict(request.fixed)
        point = None
        for group in self.groups:
            if not group.names and not self.listed:
                continue
            try:
                proposal = group.strategy.propose(self._part(group, values, position))
            except ExhaustedError:
                if group.base and not group.learns:
                    raise
                self.hopeless = all(one.learns or one.constant for one in self.groups)
                break
            values.update(proposal.params)
            if group.base:
                following = max(following, proposal.position)
        else:
            point = request.space.complete(values)
            self.invalid += point is None
        self.attempts += 1
        self.position = following
        if point is None or request.taken(point):
            return None
        return Proposal(point, following)

    def _part(self, group: Group, values: Params, position: int) -> Request:
        """Return what one group is asked."""
        request, attempt = self.request, self.attempts
        key = ""
        if not group.base:
            # Equal seeds would make two sequences, or two distributions, go side by side.
            key = " ".join(group.names)
            count = group.strategy.count(request.space, group.names)
            position = position % count if count else position
        elif not attempt and len(self.groups) == 1 and position == request.position:
            return request
        return replace(
            request,
            names=group.names,
            fixed=dict(values),
            position=position,
            index=request.index + attempt // TURN,
            seed=_derived(request.seed, attempt, key),
            block_seed=_derived(request.block_seed, 0, key),
        )

    def _axes(self) -> Axes | None:
        """List the values that each parameter may get; None where one may get too many."""
        space = self.request.space
        members = {name: group.strategy for group in self.groups for name in group.names}
        axes = {}
        # The largest first: it decides soonest that there are too many.
        for name in sorted(members, key=lambda name: -space.parameters[name].size):
            support = members[name].support(name, space.parameters[name])
            if support is None:
                return None
            axes[name] = support
        return {name: axes[name] for name in space.dimensions if name in axes}

    def _choose(self, axes: Axes) -> Proposal | None:
        """Draw one of the points that are left; lists of values keep their turn if they can."""
        request = self.request
        turn = dict(axes)
        for group in self.groups:
            if isinstance(group.strategy, Values):
                part = replace(request, names=group.names)
                values = group.strategy.propose(part).params
                turn |= {name: (value,) for name, value in values.items()}
        for stage in [turn, axes] if turn != axes else [axes]:
            lattice = Lattice(request.space, stage, request.fixed)
            walk = itertools.islice(lattice.walk(), ENUMERABLE)
            left = [point for _, point in walk if point is not None and not request.taken(point)]
            if left:
                rng = np.random.default_rng(_derived(request.seed, 0, "left"))
                return Proposal(left[rng.integers(len(left))], self.position)
        return None

    def _why(self, size: float) -> str:
        """Say why there is no point."""
        strategy = f"{self.strategy!r:.200}"
        if size <= ENUMERABLE:
            return (
                f"no untried point is left: {strategy} can make {size} combinations of values, "
                f"and each that satisfies the constraints was tried already or is pending "
                f"(repeats=True would allow it again)"
            )
        rest = self.attempts - self.invalid
        return (
            f"{strategy} found no new point in {self.attempts} tries: {self.invalid} broke a "
            f"constraint or had an expression without a value, {rest} were tried already or are "
            f"pending; loosen the constraints or overrides, or allow repeats=True"
        )


def _derived(seed: int, attempt: int, key: str) -> int:
    """Return the seed of one try of one group; the block's own first one is the trial's."""
    if not attempt and not key:
        return seed
    digest = blake2b(f"{seed}/{attempt}/{key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little")
