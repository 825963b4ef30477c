"""The contract of a search strategy: a pure function from what is known to the next point."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from phsx.history import History
from phsx.space import Space

Params = dict[str, Any]
JSON = Any


@dataclass(frozen=True)
class Request:
    """Everything that a suggestion may depend on.

    Attributes
    ----------
    space : Space
        The search space.
    trial : int
        Id of the trial that wants a point.
    index : int
        Number of the trial in its block, from 0.
    position : int
        Where a sequence (a grid, a list of points, Sobol) goes on. What the previous proposal of
        this block returned as `position`, at first 0.
    seed : int
        The trial's seed: the only source of randomness of this suggestion.
    block_seed : int
        A seed that all trials of the block share, for scrambling a sequence.
    trials : int or None
        How many trials the block has, where known.
    names : tuple of str
        The parameters to be proposed.
    fixed : mapping
        Values of other parameters that are decided already.
    taken : callable
        Tells whether a complete point (a mapping) was tried, is pending, or must not be proposed
        for another reason. Always False where repeats are allowed.
    history : History or None
        Finished trials, failed ones with a NaN value. Only given to model-based strategies.
    pending : History or None
        Trials whose parameters are known and whose value is not. Only for model-based strategies.
    fit : mapping or None
        What `ModelStrategy.fit` returned last.
    rank : int
        How many suggestions are being computed at the same instant with lower trial ids, whose
        points are unknown: this suggestion has to stay away from where they would go.
    """

    space: Space
    trial: int
    index: int
    position: int
    seed: int
    block_seed: int
    trials: int | None
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    taken: Callable[[Mapping[str, Any]], bool]
    history: History | None = None
    pending: History | None = None
    fit: Mapping[str, JSON] | None = None
    rank: int = 0

    def rng(self) -> np.random.Generator:
        """Return a generator that depends on the trial's seed alone."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True)
class Proposal:
    """What a strategy answers: values for `Request.names`, and where its sequence goes on."""

    params: Params
    position: int = 0


class Strategy(ABC):
    """Says where to look next. Pure: no I/O, no clock, no global random state.

    Parameters
    ----------
    trials : int, optional
        How many trials the block has. None: as many as the strategy has points (a grid), or as
        long as it is asked (ask and tell).
    repeats : bool
        Whether a point may be suggested that was tried already.
    wait : bool
        Whether the block starts only after all trials of earlier blocks have ended.
    overrides : mapping, optional
        Per parameter: a value, a list of values (taken in turn), or another strategy. The same as
        the keywords, for parameters whose name is also an option of the strategy.
    **parameters
        Overrides by the parameter's name.
    """

    #: Name in JSON and TOML; every concrete strategy has its own.
    kind: ClassVar[str]

    trials: int | None
    repeats: bool
    wait: bool
    overrides: dict[str, Strategy]

    @abstractmethod
    def propose(self, request: Request) -> Proposal:
        """Propose values for `request.names`.

        Raises
        ------
        ExhaustedError
            No point is left.
        """

    @abstractmethod
    def options(self) -> dict[str, JSON]:
        """Return the strategy's own options as JSON values, the defaults left out."""


class ModelStrategy(Strategy):
    """A strategy that learns from results: fitted and asked on the workers."""

    @abstractmethod
    def modelled(self, observed: int, created: int) -> bool:
        """Tell whether the next suggestion is to come from the model.

        `observed` counts completed trials, `created` all trials of the search. Where this is
        False, `propose` is called without history and gives a point of the initial design.
        """

    @abstractmethod
    def stale(self, observed: int, fitted: int | None) -> bool:
        """Tell whether a fit to `fitted` observations is too old for a suggestion at `observed`."""

    @abstractmethod
    def fit(
        self, space: Space, history: History, previous: Mapping[str, JSON] | None, seed: int
    ) -> dict[str, JSON]:
        """Fit the surrogate and return its hyper-parameters as JSON values (floats, lists).

        `previous` is what the fit before returned, for a warm start.
        """
