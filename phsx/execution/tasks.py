"""The pure functions that workers run for the master: chunks of history, fits, suggestions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from phsx.exceptions import ExhaustedError
from phsx.history import History
from phsx.models.numerics import numerics
from phsx.space import Space
from phsx.strategies.base import ModelStrategy, Proposal, Request, Strategy
from phsx.strategies.mixing import model_of, propose


@dataclass(frozen=True)
class Fitted:
    """What a fit task returns: hyper-parameters as JSON values, when and by what it ran."""

    values: dict[str, Any]
    started: float
    ended: float
    numerics: dict[str, str]


@dataclass(frozen=True)
class Suggested:
    """What a suggestion task returns; no proposal where no point is left, with the reason."""

    proposal: Proposal | None
    reason: str | None
    started: float
    ended: float
    numerics: dict[str, str] | None = None  #: None where no model was asked


@dataclass(frozen=True)
class Asking:
    """The part of a `Request` that a suggestion task gets as literals.

    Attributes
    ----------
    space, strategy, trial, index, position, seed, block_seed, fit, rank
        As in `Request`; `strategy` is the block's, with its overrides.
    tail : History
        The newest finished trials, those that are in no chunk yet.
    pending : History
        Trials that are known and not finished.
    """

    space: Space
    strategy: Strategy
    trial: int
    index: int
    position: int
    seed: int
    block_seed: int
    tail: History
    pending: History
    fit: Mapping[str, Any] | None
    rank: int


def warm_up(models: Iterable[ModelStrategy], space: Space) -> None:
    """Import what strategies need to fit and to suggest, which may take seconds."""
    for model in models:
        model.warm_up(space)


def chunk(history: History) -> History:
    """Return a piece of history: a task of its own, so that it can be computed again anywhere."""
    return history


def merge(older: History, newer: History) -> History:
    """Join two neighbouring pieces of history."""
    return History.concatenate([older, newer])


def fit(
    space: Space,
    strategy: ModelStrategy,
    previous: Mapping[str, Any] | None,
    seed: int,
    tail: History,
    *chunks: History,
) -> Fitted:
    """Fit a surrogate to everything that has finished; `chunks` from old to new."""
    started = time.time()
    values = strategy.fit(space, History.concatenate([*chunks, tail]), previous, seed)
    return Fitted(values, started, time.time(), numerics())


def suggest(asking: Asking, *chunks: History) -> Suggested:
    """Compute the next point of a block whose strategy learns; `chunks` from old to new."""
    started = time.time()
    history = History.concatenate([*chunks, asking.tail])
    try:
        proposal, reason = propose(asking.strategy, request(asking, history)), None
    except ExhaustedError as error:
        proposal, reason = None, str(error)
    return Suggested(proposal, reason, started, time.time(), numerics())


def request(asking: Asking, history: History) -> Request:
    """Put together what a strategy is asked, from the literals and the whole history."""
    strategy = asking.strategy
    return Request(
        space=asking.space,
        trial=asking.trial,
        index=asking.index,
        position=asking.position,
        seed=asking.seed,
        block_seed=asking.block_seed,
        trials=strategy.trials,
        names=asking.space.dimensions,
        fixed={},
        taken=_never if strategy.repeats else Taken(asking.space, history, asking.pending),
        history=history,
        pending=asking.pending,
        fit=asking.fit,
        rank=asking.rank,
    )


class Taken:
    """Tells whether a point is among finished or pending trials, by its unit coordinates."""

    def __init__(self, space: Space, *histories: History) -> None:
        self._space = space
        self._unit = np.concatenate([history.unit for history in histories])
        self._active = np.concatenate([history.active for history in histories])

    def __call__(self, params: Mapping[str, Any]) -> bool:
        """Whether `params`, a complete point, was tried or is pending."""
        unit, active = self._space.to_unit(params), self._space.active(params)
        same = np.abs(self._unit - unit) <= 1e-12
        return bool((same & (self._active == active)).all(axis=1).any())


def _never(params: Mapping[str, Any]) -> bool:
    return False


__all__ = [
    "Asking",
    "Fitted",
    "Suggested",
    "chunk",
    "fit",
    "merge",
    "model_of",
    "propose",
    "request",
    "suggest",
    "warm_up",
]
