"""The state of a search: what its journal's records add up to.

The master and every reader build it by the same function, `SearchState.apply`, so that a search
that is resumed stands exactly where the interrupted one stood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from phsx.exceptions import JournalError
from phsx.trial import Draft, Suggestion, Trial, TrialState, draft_of, seal

Record = Mapping[str, Any]

# Names of their own, since to look one up in the class takes a while in Python 3.11.
_SUGGESTING, _WAITING = TrialState.SUGGESTING, TrialState.WAITING
_RUNNING, _COMPLETED = TrialState.RUNNING, TrialState.COMPLETED
_ALIVE = frozenset({_SUGGESTING, _WAITING, _RUNNING})
_STATES: Mapping[str, TrialState] = {state.value: state for state in TrialState}


@dataclass(frozen=True, slots=True)
class Fit:
    """A surrogate's hyper-parameters, as a fit task returned them.

    Attributes
    ----------
    number : int
        The fit's number in the experiment, from 0.
    block : int
        The block whose strategy made it.
    seen : int
        Sequence number of the last journal record it knew.
    observed : int
        How many completed trials it knew.
    values : mapping or None
        Hyper-parameters; None where the fit failed.
    """

    number: int
    block: int
    seen: int
    observed: int
    values: Mapping[str, Any] | None


class SearchState:
    """Trials, fits and plan of a search, built from journal records.

    Attributes
    ----------
    trials : dict of int to Trial
        All trials by id, in the order of their creation.
    alive : dict with int keys
        Ids of the trials that have not ended, in the order of their creation.
    finished : list of int
        Ids of the trials that have ended, in the order of their terminal records.
    created : Counter of int
        How many trials each block has had.
    positions : Counter of int
        Where the sequence of each block goes on; see `Proposal.position`.
    next_id : int
        Id of the next trial.
    reports : dict of int to list of (step, value)
        What each trial's newest attempt reported while it ran, and earlier ones up to the
        checkpoint from which it went on.
    fits : list of Fit
    numerics : list of mapping
        By what libraries suggestions and fits were computed; their records have its number.
    targets : list of mapping
        Descriptions of the target after each change of it, the newest last.
    plan : list or None
        The newest plan as JSON, None before the first.
    taken : set of str
        Requests for more trials that the plan has taken up.
    lag : int or None
        How many trials run at once where the search is deterministic.
    exhausted : dict of int to str
        Blocks that ended early, with the reason.
    seq : int
        Sequence number of the last record applied, -1 before the first.
    """

    def __init__(self) -> None:
        self.trials: dict[int, Trial] = {}
        self.alive: dict[int, None] = {}
        self.finished: list[int] = []
        self.created: Counter[int] = Counter()
        self.positions: Counter[int] = Counter()
        self.next_id = 0
        self.reports: dict[int, list[tuple[int, float]]] = {}
        self.fits: list[Fit] = []
        self.numerics: list[Mapping[str, str]] = []
        self.targets: list[Mapping[str, Any]] = []
        self.plan: list[Any] | None = None
        self.taken: set[str] = set()
        self.lag: int | None = None
        self.exhausted: dict[int, str] = {}
        self.seq = -1
        self._counts: Counter[TrialState] = Counter()
        self._least: Trial | None = None
        self._most: Trial | None = None
        self._drafts: dict[int, Any] = {}  # trials that are being changed
        self._handlers = {
            "plan": self._plan,
            "target": self._target,
            "deterministic": self._deterministic,
            "trial": self._trial,
            "suggesting": self._suggesting,
            "suggested": self._suggested,
            "dropped": self._dropped,
            "numerics": self._numerics,
            "fit": self._fit,
            "running": self._running,
            "report": self._report,
            "checkpoint": self._checkpoint,
            "interrupted": self._interrupted,
            "death": self._death,
            "ended": self._ended,
            "exhausted": self._exhausted,
        }

    def apply(self, record: Record) -> None:
        """Take one record into account; records of unknown types change nothing."""
        self.replay((record,))

    def replay(self, records: Iterable[Record]) -> SearchState:
        """Apply records in order and return the state itself.

        Trials that they change are drafts until the last of them is applied.
        """
        try:
            for record in records:
                handler = self._handlers.get(record["type"])
                if handler is not None:
                    try:
                        handler(record)
                    except (AttributeError, KeyError, TypeError, ValueError) as error:
                        raise JournalError(
                            f"journal record {record.get('seq')} of type {record['type']!r} does "
                            f"not fit what came before it ({type(error).__name__}: {error}); see "
                            f"`phsx repair`"
                        ) from error
                self.seq = record["seq"]
        finally:
            for draft in self._drafts.values():
                seal(draft)
            self._drafts.clear()
        return self

    def best(self, *, maximize: bool) -> Trial | None:
        """Return the completed trial with the best value; of equal ones the first to complete."""
        return self._most if maximize else self._least

    def count(self, *states: TrialState) -> int:
        """Return how many trials are in one of `states`."""
        return sum(self._counts[state] for state in states)

    def total(self, sizes: Sequence[int | None]) -> int | None:
        """Return how many trials a plan with blocks of these sizes will have had in the end."""
        total = 0
        for block, size in enumerate(sizes):
            expected = self.created[block] if block in self.exhausted else size
            if expected is None:
                return None
            total += expected
        return total

    def complete(self, sizes: Sequence[int | None]) -> bool:
        """Tell whether all trials of a plan with blocks of these sizes have ended."""
        if self.alive:
            return False
        return all(
            block in self.exhausted or (size is not None and self.created[block] >= size)
            for block, size in enumerate(sizes)
        )

    def waiting_for(self, block: int) -> bool:
        """Tell whether a trial of a block before `block` has not ended."""
        return any(self.trials[number].block < block for number in self.alive)

    def _draft(self, number: int) -> Any:
        """Return a trial that can be changed, and will be the state's."""
        draft = self._drafts.get(number)
        if draft is None:
            draft = self._drafts[number] = self.trials[number] = draft_of(self.trials[number])
        return draft

    def _move(self, number: int, state: TrialState) -> Any:
        """Return a trial that can be changed, and is in another state now."""
        draft = self._draft(number)
        self._counts[draft.state] -= 1
        self._counts[state] += 1
        draft.state = state
        return draft

    def _plan(self, record: Record) -> None:
        self.plan = list(record["plan"])
        self.taken.update(record.get("requests", ()))

    def _target(self, record: Record) -> None:
        self.targets.append(dict(record["target"]))

    def _deterministic(self, record: Record) -> None:
        self.lag = record["lag"]

    def _trial(self, record: Record) -> None:
        number, block, index = record["id"], record["block"], record["index"]
        if number in self.trials:
            raise ValueError(f"trial {number} exists already")
        draft = Draft(number, block, index, record["strategy"], record["position"])
        params = record.get("params")
        if params is not None:
            draft.params, draft.state = _thaw(params), _WAITING
        self._drafts[number] = self.trials[number] = draft
        self._counts[draft.state] += 1
        self.alive[number] = None
        if index >= self.created[block]:
            self.created[block] = index + 1
        if number >= self.next_id:
            self.next_id = number + 1
        self._advance(draft)

    def _suggesting(self, record: Record) -> None:
        suggestion = Suggestion(record["seen"], record["fit"], record["rank"])
        self._draft(record["id"]).suggestion = suggestion

    def _suggested(self, record: Record) -> None:
        draft = self._move(record["id"], _WAITING)
        draft.params = _thaw(record["params"])
        draft.position = record["position"]
        draft.suggestion = draft.suggestion and replace(
            draft.suggestion,
            worker=record["worker"],
            started=record["started"],
            ended=record["ended"],
        )
        self._advance(draft)

    def _advance(self, trial: Trial) -> None:
        if trial.position > self.positions[trial.block]:
            self.positions[trial.block] = trial.position

    def _dropped(self, record: Record) -> None:
        trial = self.trials.pop(record["id"])
        self._drafts.pop(trial.id, None)
        if trial.index + 1 == self.created[trial.block]:
            self.created[trial.block] -= 1
        if trial.id + 1 == self.next_id:
            self.next_id -= 1
        self._counts[trial.state] -= 1
        self.alive.pop(trial.id, None)

    def _fit(self, record: Record) -> None:
        self.fits.append(
            Fit(record["fit"], record["block"], record["seen"], record["n"], record["values"])
        )

    def _numerics(self, record: Record) -> None:
        self.numerics.append(record["facts"])

    def _running(self, record: Record) -> None:
        number = record["id"]
        if self.trials[number].state not in _ALIVE:
            return
        draft = self._move(number, _RUNNING)
        draft.attempt = record["attempt"]
        draft.worker = record["worker"]
        draft.started = record["t"]
        if number in self.reports:
            # An attempt that goes on from a checkpoint reports no more what was before it.
            end = -1 if draft.checkpoint is None else draft.checkpoint
            kept = [report for report in self.reports.pop(number) if report[0] <= end]
            if kept:
                self.reports[number] = kept

    def _report(self, record: Record) -> None:
        trial = self.trials[record["id"]]
        if not trial.state.terminal and record["attempt"] == trial.attempt:
            self.reports.setdefault(trial.id, []).append((record["step"], record["value"]))

    def _checkpoint(self, record: Record) -> None:
        trial = self.trials[record["id"]]
        if not trial.state.terminal and record["attempt"] == trial.attempt:
            self._draft(trial.id).checkpoint = record["step"]

    def _interrupted(self, record: Record) -> None:
        if not self.trials[record["id"]].state.terminal:
            draft = self._move(record["id"], _WAITING)
            draft.checkpoint = record["step"]
            draft.interruptions += 1
            draft.spent += record["seconds"]
            self._again(draft, record["reason"])

    def _death(self, record: Record) -> None:
        if not self.trials[record["id"]].state.terminal:
            draft = self._move(record["id"], _WAITING)
            draft.deaths += bool(record["counted"])
            self._again(draft, record["reason"])

    @staticmethod
    def _again(draft: Any, reason: str) -> None:
        draft.error = reason
        draft.earlier += (reason,)

    def _ended(self, record: Record) -> None:
        number = record["id"]
        if self.trials[number].state not in _ALIVE:
            return  # the first terminal record wins
        draft = self._move(number, _STATES[record["state"]])
        draft.value = value = record["value"]
        draft.result = record["result"]
        draft.error = record["error"]
        draft.traceback = record["traceback"]
        draft.worker = record["worker"]
        draft.started = record["started"]
        draft.ended = record["ended"]
        self.finished.append(number)
        self.alive.pop(number, None)
        if value is not None and draft.state is _COMPLETED:
            if self._least is None or value < self._least.value:
                self._least = draft
            if self._most is None or value > self._most.value:
                self._most = draft

    def _exhausted(self, record: Record) -> None:
        self.exhausted[record["block"]] = record["reason"]


def _thaw(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as they were before JSON, which has no tuples: a list was one."""
    return {name: _tuple(value) for name, value in params.items()}


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value
