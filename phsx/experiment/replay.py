"""Compute again what a search has suggested, and compare it with its journal."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phsx.exceptions import ExhaustedError, JournalError, PhsxError
from phsx.execution import tasks
from phsx.experiment import arguments
from phsx.experiment.definition import Definition
from phsx.history import History, Observation
from phsx.journal import Follower
from phsx.journal.format import plain
from phsx.master.knowledge import FixedKnowledge, Knowledge
from phsx.master.observing import observe, pending
from phsx.master.supply import FIT_SEEDS, Place, Supply, trial_seed
from phsx.models.numerics import numerics
from phsx.state import SearchState
from phsx.strategies.mixing import model_of
from phsx.strategies.plan import Plan

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """Something that came out otherwise than the journal says.

    Attributes
    ----------
    what : str
        ``"trial"``, a point that needed no model; ``"suggestion"``; or ``"fit"``.
    number : int
        The trial's id, or the fit's number.
    seq : int
        Sequence number of the journal's record.
    recorded, computed
        What the journal says, and what came out now.
    numerics : mapping or None
        By what libraries it was computed then; None for a point that needed no model.
    """

    what: str
    number: int
    seq: int
    recorded: Any
    computed: Any
    numerics: Mapping[str, str] | None = None

    @property
    def elsewhere(self) -> bool:
        """Whether other libraries or another kind of processor computed it then."""
        return self.numerics is not None and self.numerics != numerics()

    def __str__(self) -> str:
        return (
            f"{self.what} {self.number} (journal record {self.seq}): the journal says "
            f"{self.recorded}, but it comes out as {self.computed}"
        )


@dataclass(frozen=True)
class Verification:
    """What was computed again, and what of it differed.

    Attributes
    ----------
    trials, suggestions, fits : int
        How many points without a model, points of models, and fits were computed again.
    differences : tuple of Difference
        In the journal's order.
    """

    trials: int
    suggestions: int
    fits: int
    differences: tuple[Difference, ...]

    @property
    def identical(self) -> bool:
        """Whether everything came out as it was recorded, bit for bit."""
        return not self.differences


def verify(
    directory: str | os.PathLike[str], progress: Callable[[int, int], object] | None = None
) -> Verification:
    """Compute every point and every fit of a search again from what its journal says was known.

    A suggestion depends on nothing but the space, the plan, the results and pending trials at one
    moment, a fit and a seed; the journal has all of them. So a search that ran on many workers
    comes out again here, trial by trial, whatever the timing was. The target is not called.

    Parameters
    ----------
    directory : str or Path
        The experiment's directory.
    progress : callable, optional
        Told how many suggestions and fits were computed, and how many there are.

    Returns
    -------
    Verification

    Raises
    ------
    DirectoryError
        There is no experiment.
    JournalError
        The journal is damaged.

    Examples
    --------
    >>> import phsx, tempfile
    >>> experiment = phsx.Experiment(
    ...     tempfile.mkdtemp(),
    ...     target=lambda x: x**2,
    ...     space={"x": phsx.Float(-1, 1)},
    ...     plan=[phsx.Sobol(4), phsx.Bayesian(2)],
    ... ).run(cluster="inline", progress=False)
    >>> phsx.verify(experiment.directory).identical
    True
    """
    path = arguments.directory_of(directory)
    replay = _Replay(Definition.load(path), path)
    try:
        replay.follow()
        replay.compute(progress or (lambda done, total: None))
    except PhsxError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # Its checksums are right, which whoever wrote it could compute, and its content is not.
        raise JournalError(
            f"the journal in {path} has a record that does not fit what came before it "
            f"({type(error).__name__}: {error}); see `phsx repair`"
        ) from error
    differences = tuple(sorted(replay.differences, key=lambda difference: difference.seq))
    counts = replay.counts
    return Verification(counts["trial"], counts["suggestion"], counts["fit"], differences)


@dataclass(frozen=True)
class _Job:
    """A fit or a suggestion to be computed again."""

    asked: Record
    answer: Record


class _Replay:
    """Goes through a journal twice.

    Points that needed no model depend on the state just before their record. Fits and suggestions
    depend on the state when they were asked for, which their records name by `seen`: they are
    collected the first time, and computed the second time when the state is there.
    """

    def __init__(self, definition: Definition, directory: Path) -> None:
        self._definition = definition
        self._directory = directory
        self._jobs: dict[int, list[_Job]] = {}
        self._observations: list[Observation] = []
        self._plan = definition.plan
        self._numerics: list[Mapping[str, str]] = []
        self.counts: Counter[str] = Counter()
        self.differences: list[Difference] = []

    def _records(self) -> Iterator[Record]:
        for batch in Follower(self._directory).batches():
            yield from batch

    def _compare(self, what: str, number: int, record: Record, key: str, computed: Any) -> None:
        self.counts[what] += 1
        computed, known = plain(computed, key), record.get("numerics")
        if _text(record[key]) == _text(computed):
            return
        facts = None if known is None else self._numerics[known]
        self.differences.append(
            Difference(what, number, record["seq"], record[key], computed, facts)
        )

    # ------------------------------------------------------------ the first time

    def follow(self) -> None:
        """Check the points that needed no model, and collect what else is to be computed."""
        state, supply = SearchState(), None
        asked: dict[int, Record] = {}
        for record in self._records():
            kind = record["type"]
            if kind == "suggesting":
                asked[record["id"]] = record
            elif kind == "fit" and record["values"] is not None:
                self._collect(_Job(record, record))
            elif kind == "suggested" and record["numerics"] is not None:
                self._collect(_Job(asked[record["id"]], record))
            elif supply and kind in ("trial", "suggested") and record["params"] is not None:
                self._check_point(supply, state, record)
            state.apply(record)
            self._numerics = state.numerics
            if kind == "plan":
                self._plan = Plan.from_dict(record["plan"])
                supply = Supply(self._definition.space, self._plan, self._definition.seed, state)
            elif supply and kind in ("trial", "suggested"):
                supply.decided(state.trials[record["id"]])

    def _collect(self, job: _Job) -> None:
        self._jobs.setdefault(job.asked["seen"], []).append(job)

    def _check_point(self, supply: Supply, state: SearchState, record: Record) -> None:
        number, known = record["id"], state.trials.get(record["id"])
        if known is None:
            block, index = record["block"], record["index"]
            position = state.positions[block]
        else:
            block, index, position = known.block, known.index, known.position
        place = Place(number, block, index, position, self._plan.blocks[block], None)
        try:
            computed: Any = supply.propose(place).params
        except ExhaustedError as error:
            computed = str(error)
        self._compare("trial", number, record, "params", computed)

    # ------------------------------------------------------------ the second time

    def compute(self, progress: Callable[[int, int], object]) -> None:
        """Compute fits and suggestions again."""
        done, total = 0, sum(map(len, self._jobs.values()))
        state = SearchState()
        for record in self._records():
            state.apply(record)
            if record["type"] == "plan":
                self._plan = Plan.from_dict(record["plan"])
            for job in self._jobs.get(record["seq"], ()):
                if job.answer["type"] == "fit":
                    self._check_fit(state, job.answer)
                else:
                    self._check_suggestion(state, job)
                done += 1
                progress(done, total)
            if done == total:
                return

    def _history(self, state: SearchState, known: int | None) -> History:
        """Return the results that were known: all, or those of trials with ids below `known`."""
        space, maximize = self._definition.space, self._definition.maximize
        if known is not None:
            trials = [trial for number, trial in state.trials.items() if number < known]
            rows = [observe(space, trial, maximize=maximize) for trial in trials]
            return History.of(rows, len(space))
        for number in state.finished[len(self._observations) :]:
            self._observations.append(observe(space, state.trials[number], maximize=maximize))
        return History.of(self._observations, len(space))

    def _pending(self, state: SearchState, number: int, known: int | None) -> History:
        lag = None if known is None else number - known + 1
        knowledge = Knowledge(state) if lag is None else FixedKnowledge(state, lag)
        return pending(self._definition.space, knowledge.pending(number))

    def _check_fit(self, state: SearchState, record: Record) -> None:
        number, block = record["fit"], record["block"]
        model = model_of(self._plan.blocks[block])
        if model is None:
            raise JournalError(f"record {record['seq']}: block {block} has no model to be fitted")
        before = [fit for fit in state.fits[-1:] if fit.block == block]
        seed = trial_seed(self._definition.seed, FIT_SEEDS + number)
        fitted = tasks.fit(
            self._definition.space,
            model,
            before[0].values if before else None,
            seed,
            self._history(state, record.get("known")),
        )
        self._compare("fit", number, record, "values", fitted.values)

    def _check_suggestion(self, state: SearchState, job: _Job) -> None:
        trial = state.trials[job.answer["id"]]
        fit, known = job.asked["fit"], job.asked.get("known")
        asking = Place.of(trial, self._plan.blocks[trial.block]).asking(
            self._definition.space,
            self._definition.seed,
            tail=self._history(state, known),
            pending=self._pending(state, trial.id, known),
            fit=None if fit is None else state.fits[fit],
            rank=job.asked["rank"],
        )
        suggested = tasks.suggest(asking)
        computed = suggested.proposal.params if suggested.proposal else suggested.reason
        self._compare("suggestion", trial.id, job.answer, "params", computed)


def _text(value: Any) -> str:
    """Return JSON values as text, since 1, 1.0 and True are different values of a parameter."""
    return json.dumps(value, sort_keys=True)
