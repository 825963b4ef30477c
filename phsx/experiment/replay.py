"""Compute again what a search has suggested, and compare it with its journal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from phsx.exceptions import ExhaustedError, JournalError, PhsxError
from phsx.execution import tasks
from phsx.experiment import arguments
from phsx.experiment.comparison import Answer, Comparison
from phsx.experiment.definition import Definition
from phsx.experiment.rounding import nudged, same_fit, same_place
from phsx.experiment.verification import Verification
from phsx.history import History, Observation
from phsx.journal import Follower
from phsx.master.knowledge import FixedKnowledge, Knowledge
from phsx.master.observing import observe, pending
from phsx.master.supply import FIT_SEEDS, Place, Supply, trial_seed
from phsx.state import SearchState
from phsx.strategies.mixing import model_of
from phsx.strategies.plan import Plan

Record = Mapping[str, Any]


def verify(
    directory: str | os.PathLike[str], progress: Callable[[int, int], object] | None = None
) -> Verification:
    """Compute every point and every fit of a search again from what its journal says was known.

    A suggestion depends on nothing but the space, the plan, the results and pending trials at one
    moment, a fit and a seed; the journal has all of them. So a search that ran on many workers
    comes out again here, trial by trial, whatever the timing was. The target is not called.

    Where other libraries or another kind of processor computed a suggestion or a fit, as the
    journal tells, it need not come out bit for bit, but as rounding explains: see
    `phsx.experiment.rounding`. Then the verdict is "equivalent, not identical".

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
        return replay.comparison.verification()
    except PhsxError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # Its checksums are right, which whoever wrote it could compute, and its content is not.
        raise JournalError(
            f"the journal in {path} has a record that does not fit what came before it "
            f"({type(error).__name__}: {error}); see `phsx repair`"
        ) from error


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
        self.comparison = Comparison()

    def _records(self) -> Iterator[Record]:
        for batch in Follower(self._directory).batches():
            yield from batch

    def _answer(self, what: str, number: int, record: Record, key: str) -> Answer:
        known = record.get("numerics")
        facts = None if known is None else self._numerics[known]
        return Answer(what, number, record["seq"], record[key], facts)

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

        def again(rng: np.random.Generator | None) -> Any:
            try:
                return supply.propose(place).params
            except ExhaustedError as error:
                return str(error)

        self.comparison.compare(self._answer("trial", number, record, "params"), again)

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
        previous = before[0].values if before else None
        seed = trial_seed(self._definition.seed, FIT_SEEDS + number)
        history = self._history(state, record.get("known"))

        def again(rng: np.random.Generator | None) -> Any:
            start, data = nudged(previous, history, rng)
            return tasks.fit(self._definition.space, model, start, seed, data).values

        self.comparison.compare(self._answer("fit", number, record, "values"), again, same_fit)

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

        def again(rng: np.random.Generator | None) -> Any:
            values, tail = nudged(asking.fit, asking.tail, rng)
            suggested = tasks.suggest(replace(asking, fit=values, tail=tail))
            return suggested.proposal.params if suggested.proposal else suggested.reason

        self.comparison.compare(
            self._answer("suggestion", trial.id, job.answer, "params"),
            again,
            partial(same_place, self._definition.space),
        )
