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
from phsx.trial import Suggestion, Trial, TrialState

Record = Mapping[str, Any]


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
        self._best: dict[bool, Trial] = {}
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
        handler = self._handlers.get(record["type"])
        if handler is not None:
            try:
                handler(record)
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise JournalError(
                    f"journal record {record.get('seq')} of type {record['type']!r} does not fit "
                    f"what came before it ({type(error).__name__}: {error}); see `phsx repair`"
                ) from error
        self.seq = record["seq"]

    def replay(self, records: Iterable[Record]) -> SearchState:
        """Apply records in order and return the state itself."""
        for record in records:
            self.apply(record)
        return self

    def best(self, *, maximize: bool) -> Trial | None:
        """Return the completed trial with the best value; of equal ones the first to complete."""
        return self._best.get(maximize)

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

    def _change(self, record: Record, **changes: Any) -> Trial:
        old = self.trials[record["id"]]
        trial = replace(old, **changes)
        self.trials[trial.id] = trial
        self._counts[old.state] -= 1
        self._counts[trial.state] += 1
        return trial

    def _plan(self, record: Record) -> None:
        self.plan = list(record["plan"])
        self.taken.update(record.get("requests", ()))

    def _target(self, record: Record) -> None:
        self.targets.append(dict(record["target"]))

    def _deterministic(self, record: Record) -> None:
        self.lag = record["lag"]

    def _trial(self, record: Record) -> None:
        if record["id"] in self.trials:
            raise ValueError(f"trial {record['id']} exists already")
        params = record.get("params")
        self.trials[record["id"]] = trial = Trial(
            id=record["id"],
            block=record["block"],
            index=record["index"],
            strategy=record["strategy"],
            position=record["position"],
            params=None if params is None else _thaw(params),
            state=TrialState.SUGGESTING if params is None else TrialState.WAITING,
        )
        self._counts[trial.state] += 1
        self.alive[trial.id] = None
        self.created[trial.block] = max(self.created[trial.block], trial.index + 1)
        self.next_id = max(self.next_id, trial.id + 1)
        self._advance(trial)

    def _suggesting(self, record: Record) -> None:
        suggestion = Suggestion(record["seen"], record["fit"], record["rank"])
        self._change(record, suggestion=suggestion)

    def _suggested(self, record: Record) -> None:
        known = self.trials[record["id"]].suggestion
        timed = known and replace(
            known, worker=record["worker"], started=record["started"], ended=record["ended"]
        )
        trial = self._change(
            record,
            params=_thaw(record["params"]),
            position=record["position"],
            state=TrialState.WAITING,
            suggestion=timed,
        )
        self._advance(trial)

    def _advance(self, trial: Trial) -> None:
        self.positions[trial.block] = max(self.positions[trial.block], trial.position)

    def _dropped(self, record: Record) -> None:
        trial = self.trials.pop(record["id"])
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
        trial = self.trials[record["id"]]
        if trial.state.terminal:
            return
        self._change(
            record,
            state=TrialState.RUNNING,
            attempt=record["attempt"],
            worker=record["worker"],
            started=record["t"],
        )
        # An attempt that goes on from a checkpoint reports no more what was before it.
        end = -1 if trial.checkpoint is None else trial.checkpoint
        kept = [report for report in self.reports.pop(record["id"], []) if report[0] <= end]
        if kept:
            self.reports[record["id"]] = kept

    def _report(self, record: Record) -> None:
        trial = self.trials[record["id"]]
        if not trial.state.terminal and record["attempt"] == trial.attempt:
            self.reports.setdefault(trial.id, []).append((record["step"], record["value"]))

    def _checkpoint(self, record: Record) -> None:
        trial = self.trials[record["id"]]
        if not trial.state.terminal and record["attempt"] == trial.attempt:
            self._change(record, checkpoint=record["step"])

    def _interrupted(self, record: Record) -> None:
        trial = self.trials[record["id"]]
        if not trial.state.terminal:
            self._change(
                record,
                state=TrialState.WAITING,
                checkpoint=record["step"],
                interruptions=trial.interruptions + 1,
                spent=trial.spent + record["seconds"],
                error=record["reason"],
            )

    def _death(self, record: Record) -> None:
        trial = self.trials[record["id"]]
        if not trial.state.terminal:
            self._change(
                record,
                state=TrialState.WAITING,
                deaths=trial.deaths + bool(record["counted"]),
                error=record["reason"],
            )

    def _ended(self, record: Record) -> None:
        if self.trials[record["id"]].state.terminal:
            return  # the first terminal record wins
        trial = self._change(
            record,
            state=TrialState(record["state"]),
            value=record["value"],
            result=record["result"],
            error=record["error"],
            traceback=record["traceback"],
            worker=record["worker"],
            started=record["started"],
            ended=record["ended"],
        )
        self.finished.append(trial.id)
        self.alive.pop(trial.id, None)
        if trial.state is TrialState.COMPLETED and trial.value is not None:
            for maximize in (False, True):
                best = self._best.get(maximize)
                if best is None or best.value is None or _better(trial.value, best.value, maximize):
                    self._best[maximize] = trial

    def _exhausted(self, record: Record) -> None:
        self.exhausted[record["block"]] = record["reason"]


def _better(value: float, best: float, maximize: bool) -> bool:
    return value > best if maximize else value < best


def _thaw(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as they were before JSON, which has no tuples: a list was one."""
    return {name: _tuple(value) for name, value in params.items()}


def _tuple(value: Any) -> Any:
    return tuple(map(_tuple, value)) if isinstance(value, list) else value
