"""Which trial comes next: the plan's blocks in order, and what each has used up."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from phsx.exceptions import ExhaustedError
from phsx.execution.tasks import Asking
from phsx.history import History
from phsx.master.knowledge import Knowledge
from phsx.space import Space
from phsx.state import Fit, SearchState
from phsx.strategies.base import ModelStrategy, Proposal, Request, Strategy
from phsx.strategies.mixing import model_of, propose
from phsx.strategies.plan import Plan
from phsx.trial import Trial

#: Fits draw their seeds where no trial's id reaches.
FIT_SEEDS = 2**62
#: The "block" of trials that nobody suggested: observations that the user told of.
TOLD = -1


def trial_seed(seed: int, trial: int) -> int:
    """Return the seed of a trial, a whole number below 2**63, from the experiment's seed."""
    return int(np.random.SeedSequence([seed, 0, trial]).generate_state(1, np.uint64)[0] >> 1)


def block_seed(seed: int, block: int) -> int:
    """Return the seed that all trials of a block share."""
    return int(np.random.SeedSequence([seed, 1, block]).generate_state(1, np.uint64)[0] >> 1)


@dataclass(frozen=True)
class Place:
    """Where a trial stands in the plan."""

    id: int
    block: int
    index: int
    position: int
    strategy: Strategy
    model: ModelStrategy | None  # None: its point can be had without a model

    @classmethod
    def of(cls, trial: Trial, strategy: Strategy) -> Place:
        """Return the place of a trial that exists already, in a block with this strategy."""
        model = model_of(strategy)
        return cls(trial.id, trial.block, trial.index, trial.position, strategy, model)

    def asking(
        self,
        space: Space,
        seed: int,
        *,
        tail: History,
        pending: History,
        fit: Fit | None,
        rank: int,
    ) -> Asking:
        """Return what a worker is asked, of what is known; `seed` is the experiment's."""
        return Asking(
            space=space,
            strategy=self.strategy,
            trial=self.id,
            index=self.index,
            position=self.position,
            seed=trial_seed(seed, self.id),
            block_seed=block_seed(seed, self.block),
            tail=tail,
            pending=pending,
            fit=None if fit is None else fit.values,
            rank=rank,
        )


class Supply:
    """Gives the place of the next trial, and points that need no model.

    Parameters
    ----------
    space : Space
    plan : Plan
    seed : int
        The experiment's seed.
    state : SearchState
        Read only; always up to date.
    knowledge : Knowledge, optional
        What a new trial may know; by default everything.

    Attributes
    ----------
    plan : Plan
        As it is now.
    """

    def __init__(
        self,
        space: Space,
        plan: Plan,
        seed: int,
        state: SearchState,
        knowledge: Knowledge | None = None,
    ) -> None:
        self._space = space
        self.plan = plan
        self._seed = seed
        self._state = state
        self._knowledge = Knowledge(state) if knowledge is None else knowledge
        self._keys: set[Hashable] = set()
        self._sizes = plan.sizes(space)
        self._current = 0
        for trial in state.trials.values():
            self.decided(trial)

    def extend(self, plan: Plan) -> None:
        """Go on with a plan that has grown at its end."""
        self.plan = plan
        self._sizes = plan.sizes(self._space)
        self._current = 0

    def decided(self, trial: Trial) -> None:
        """Note the point of a trial, where it is known."""
        if trial.params is not None:
            self._keys.add(self._space.key(trial.params))

    def taken(self, params: Mapping[str, Any]) -> bool:
        """Tell whether a complete point was tried or is pending."""
        return self._space.key(params) in self._keys

    def next(self) -> Place | None:
        """Return the next trial's place; None where none is left, or where it has to wait."""
        block = self._block()
        if block is None:
            return None
        strategy = self.plan.blocks[block]
        if strategy.wait and self._state.waiting_for(block):
            return None
        number, model = self._state.next_id, model_of(strategy)
        if not self._knowledge.ready(number, learns=model is not None):
            return None
        if model is not None and not model.modelled(
            self._knowledge.observed(number), len(self._state.trials)
        ):
            model = None
        index, position = self._state.created[block], self._state.positions[block]
        return Place(number, block, index, position, strategy, model)

    @property
    def done(self) -> bool:
        """Whether no trial will be created any more."""
        return self._block() is None

    @property
    def total(self) -> int | None:
        """How many trials there will be in all; None where that is not known yet."""
        return self._state.total(self._sizes)

    def _block(self) -> int | None:
        while self._current < len(self.plan.blocks):
            size = self._sizes[self._current]
            unfinished = size is None or self._state.created[self._current] < size
            if unfinished and self._current not in self._state.exhausted:
                return self._current
            self._current += 1
        return None

    def propose(self, place: Place) -> Proposal:
        """Compute a point that needs no model.

        Raises
        ------
        ExhaustedError
            The block has no point left.
        """
        return propose(place.strategy, self.request(place))

    def request(self, place: Place) -> Request:
        """Return what a strategy without a model is asked."""
        taken: Callable[[Mapping[str, Any]], bool] = self.taken
        return Request(
            space=self._space,
            trial=place.id,
            index=place.index,
            position=place.position,
            seed=trial_seed(self._seed, place.id),
            block_seed=block_seed(self._seed, place.block),
            trials=place.strategy.trials,
            names=self._space.dimensions,
            fixed={},
            taken=_never if place.strategy.repeats else taken,
        )


def _never(params: Mapping[str, Any]) -> bool:
    return False


__all__ = ["ExhaustedError", "Place", "Supply", "block_seed", "trial_seed"]
