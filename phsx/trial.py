"""A trial: one point of the space, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, make_dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any


class TrialState(StrEnum):
    """Where a trial is in its life; the terminal states tell the cause.

    Examples
    --------
    >>> TrialState.COMPLETED.terminal, TrialState.RUNNING.terminal
    (True, False)
    >>> TrialState("failed") is TrialState.FAILED
    True
    """

    SUGGESTING = "suggesting"  #: its parameters are being computed
    WAITING = "waiting"  #: its parameters are known, it waits for a worker
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"  #: the target raised, or returned no usable result
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    LOST = "lost"  #: its workers died more often than is allowed
    STOPPED = "stopped"  #: ended early by a scheduler
    INFEASIBLE = "infeasible"

    __hash__ = str.__hash__  # that of Enum is Python code, and another one than the equal text's

    @property
    def terminal(self) -> bool:
        """Whether the trial has ended, for good."""
        return self not in _ALIVE


_ALIVE = frozenset({TrialState.SUGGESTING, TrialState.WAITING, TrialState.RUNNING})


@dataclass(frozen=True, slots=True)
class Suggestion:
    """How a trial's parameters came about, where a model computed them.

    Attributes
    ----------
    seen : int
        Sequence number of the last journal record that the suggestion knew.
    fit : int or None
        Number of the fit it used.
    rank : int
        How many suggestions were being computed at that instant.
    worker : str or None
        Where it was computed, once it was.
    started, ended : float or None
        When, in seconds since the epoch by the worker's clock.
    """

    seen: int
    fit: int | None
    rank: int
    worker: str | None = None
    started: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One point of the search space and its evaluation. Immutable: a snapshot.

    Attributes
    ----------
    id : int
        Number of the trial in its experiment, from 0.
    block, index : int
        The plan's block it belongs to, and its number there.
    strategy : str
        Kind of the strategy of its block.
    params : mapping or None
        Active parameters by name; None as long as they are being computed.
    state : TrialState
    value : float or None
        The objective as the target returned it.
    result : mapping
        What else the target returned.
    error : str or None
        Why there is no value, in a sentence.
    traceback : str or None
        Text of the traceback, where the target raised.
    attempt : int
        How often its evaluation was started.
    worker : str or None
        Address of the worker that evaluated it last.
    started, ended : float or None
        Seconds since the epoch, by the worker's clock.
    suggestion : Suggestion or None
        How a model computed the parameters, where one did.
    deaths : int
        How many attempts ended with the death of the trial's process or worker.
    checkpoint : int or None
        Step of the newest checkpoint that it has saved.
    interruptions : int
        How many attempts have saved a checkpoint and ended, for another one to go on from there.
    spent : float
        Seconds that these took.
    earlier : tuple of str
        Why each attempt before the newest ended, in a sentence, the first one first.
    """

    id: int
    block: int
    index: int
    strategy: str
    position: int = 0
    params: Mapping[str, Any] | None = None
    state: TrialState = TrialState.SUGGESTING
    value: float | None = None
    result: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    traceback: str | None = None
    attempt: int = 0
    worker: str | None = None
    started: float | None = None
    ended: float | None = None
    suggestion: Suggestion | None = None
    deaths: int = 0
    checkpoint: int | None = None
    interruptions: int = 0
    spent: float = 0.0
    earlier: tuple[str, ...] = ()

    @property
    def duration(self) -> float | None:
        """Seconds that the last evaluation took, where it has ended."""
        if self.started is None or self.ended is None:
            return None
        return self.ended - self.started


#: A trial that is being written: the fields of `Trial`, which can be changed as long as nobody has
#: seen it. To make one, to change it and to seal it takes a tenth of what `dataclasses.replace`
#: takes with a frozen class.
Draft: Any = make_dataclass(
    "Draft",
    [
        (
            each.name,
            Any,
            field(default=each.default)
            if each.default_factory is MISSING
            else field(default_factory=each.default_factory),
        )
        for each in fields(Trial)
    ],
    slots=True,
)
_values = attrgetter(*(each.name for each in fields(Trial)))


def draft_of(trial: Trial) -> Any:
    """Return a copy of a trial that can be changed.

    Examples
    --------
    >>> trial = Trial(3, 0, 3, "random")
    >>> draft = draft_of(trial)
    >>> draft.attempt = 1
    >>> seal(draft)
    >>> draft == Trial(3, 0, 3, "random", attempt=1), trial.attempt
    (True, 0)
    """
    return Draft(*_values(trial))


def seal(draft: Any) -> None:
    """Make a draft a `Trial`: from now on it cannot be changed."""
    draft.__class__ = Trial
