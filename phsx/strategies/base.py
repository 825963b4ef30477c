"""The contract of a search strategy: a pure function from what is known to the next point."""

from __future__ import annotations

import inspect
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from phsx.history import History
from phsx.space import Parameter, Space
from phsx.strategies.checks import flag, number_of_trials

Params = dict[str, Any]
JSON = Any

#: Where the values that a strategy can give to one parameter are listed, no list is longer.
ENUMERABLE = 100_000


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
        the keywords, for parameters whose name is also an option of the strategy. A tuple is read
        as a list; a value that is a tuple is written inside a list.
    **parameters
        Overrides by the parameter's name.

    Raises
    ------
    PlanError
        A number of trials that is none, an override that is no value, list or strategy, or one
        with trials or overrides of its own.

    Notes
    -----
    Strategies are immutable and compare by what they are, so that two equal overrides of a block
    are one strategy that proposes both parameters together. A subclass calls this constructor
    first, keeps its options as attributes, and returns them from `options` under the names of its
    constructor's arguments: JSON, `repr` and comparison follow from there.
    """

    #: Name in JSON and TOML; every concrete strategy has its own.
    kind: ClassVar[str]
    #: Whether the strategy makes sense as an override of single parameters alone.
    override_only: ClassVar[bool] = False

    trials: int | None
    repeats: bool
    wait: bool
    overrides: dict[str, Strategy]

    def __init__(
        self,
        trials: int | None = None,
        *,
        repeats: bool = False,
        wait: bool = False,
        overrides: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> None:
        # An override is a strategy itself, so the module that makes them builds on this one.
        from phsx.strategies.overrides import collect

        owner = type(self).__name__
        self.trials = number_of_trials(owner, trials)
        self.repeats = flag(owner, "repeats", repeats)
        self.wait = flag(owner, "wait", wait)
        self.overrides = collect(owner, overrides, parameters)

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

    def count(self, space: Space, names: tuple[str, ...]) -> int | None:
        """Return how many points the strategy has by itself, or None where it never ends.

        A strategy with a count takes its points in turn by `Request.position` and raises
        `ExhaustedError` once the position has come to its end.
        """
        return None

    def absorbs(self, override: Strategy) -> bool:
        """Tell whether an override's parameter is proposed by this strategy all the same."""
        return override.signature == self.signature

    def support(self, name: str, parameter: Parameter) -> tuple[Any, ...] | None:
        """List the values that it may give to one parameter; None where they are too many."""
        return tuple(parameter.values()) if parameter.size <= ENUMERABLE else None

    def validate(self, space: Space, names: tuple[str, ...]) -> None:  # noqa: B027
        """Raise `PlanError` or `SpaceError` where the strategy cannot propose `names`.

        Overridden by strategies whose options have to fit the space.
        """

    def to_dict(self) -> dict[str, JSON]:
        """Return the strategy as JSON values; `phsx.strategies.from_dict` reads them.

        Examples
        --------
        >>> from phsx.strategies import Random
        >>> Random(20, y=[1.2, 3.4]).to_dict()
        {'strategy': 'random', 'trials': 20, 'overrides': {'y': [1.2, 3.4]}}
        """
        data: dict[str, JSON] = {"strategy": self.kind}
        if self.trials is not None:
            data["trials"] = self.trials
        data |= self.options()
        if self.repeats:
            data["repeats"] = True
        if self.wait:
            data["wait"] = True
        if self.overrides:
            data["overrides"] = {
                name: override.as_override() for name, override in self.overrides.items()
            }
        return data

    def as_override(self) -> JSON:
        """Return the strategy as JSON values, as it stands among the overrides of another."""
        return self.to_dict()

    @cached_property
    def signature(self) -> str:
        """Kind and options as one string: what the strategy does, however long and for whom."""
        return _text([self.kind, self.options()])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Strategy):
            return NotImplemented
        # As text, since 1, 1.0 and True are different values of a parameter.
        return _text(self.to_dict()) == _text(other.to_dict())

    def __hash__(self) -> int:
        return hash((self.signature, self.trials))

    def __repr__(self) -> str:
        parts = []
        if self.trials is not None:
            first = next(iter(inspect.signature(type(self)).parameters))
            parts.append(f"{'' if first == 'trials' else 'trials='}{self.trials}")
        parts += [f"{name}={value!r}" for name, value in self.options().items()]
        parts += [f"{name}=True" for name in ("repeats", "wait") if getattr(self, name)]
        if self.overrides:
            parts.append(f"overrides={self.overrides!r}")
        return f"{type(self).__name__}({', '.join(parts)})"


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

    def warm_up(self, space: Space) -> None:
        """Import what `fit` and `propose` need, so that the first of them does not wait for it."""

    @abstractmethod
    def fit(
        self, space: Space, history: History, previous: Mapping[str, JSON] | None, seed: int
    ) -> dict[str, JSON]:
        """Fit the surrogate and return its hyper-parameters as JSON values (floats, lists).

        `previous` is what the fit before returned, for a warm start.
        """


def _text(data: JSON) -> str:
    return json.dumps(data, sort_keys=True)
