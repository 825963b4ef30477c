"""A search on a test bench: the real master, a virtual clock, a journal to be cut anywhere."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from phsx.exceptions import JournalError
from phsx.execution import tasks
from phsx.execution.base import Ref, Setting
from phsx.history import History
from phsx.journal.format import plain
from phsx.master.master import Master
from phsx.master.search import Limits, Search
from phsx.space import Float, Int, Space
from phsx.state import SearchState
from phsx.strategies.base import JSON, ModelStrategy, Proposal, Request
from phsx.strategies.plan import Plan
from phsx.targets.calling import bind
from phsx.testing.virtual_executor import VirtualExecutor
from phsx.trial import Trial

Record = dict[str, Any]

SPACE = Space({"x": Float(0, 1, digits=6), "n": Int(1, 3)})


class Learner(ModelStrategy):
    """Suggests what depends on all that a suggestion may depend on, and costs next to nothing.

    A search that is repeated with another history, order, pending set, fit, rank or seed gets
    other points.

    Parameters
    ----------
    trials : int, optional
    initial : int
        Trials of the initial design.
    often : int
        After how many results a fit is too old.
    **options
        See `Strategy`.
    """

    kind = "learner"

    def __init__(
        self, trials: int | None = None, *, initial: int = 2, often: int = 1, **options: Any
    ) -> None:
        super().__init__(trials, **options)
        self.initial = initial
        self.often = often

    def options(self) -> dict[str, JSON]:
        """Return the options."""
        return {"initial": self.initial, "often": self.often}

    def modelled(self, observed: int, created: int) -> bool:
        """Tell whether the initial design is done."""
        return created >= self.initial and observed >= 1

    def stale(self, observed: int, fitted: int | None) -> bool:
        """Tell whether `often` results have come since the fit."""
        return fitted is None or observed - fitted >= self.often

    def fit(
        self, space: Space, history: History, previous: Mapping[str, JSON] | None, seed: int
    ) -> dict[str, JSON]:
        """Return a number that depends on all arguments."""
        before = 0.0 if previous is None else previous["memory"]
        results = float(history.values[np.isfinite(history.values)].sum())
        return {"memory": (before + results + seed % 1000) % 1000.0, "rows": len(history)}

    def propose(self, request: Request) -> Proposal:
        """Propose a random point whose seed is all that is known."""
        rng = request.rng()
        if request.history is not None and request.pending is not None:
            history, pending = request.history, request.pending
            known = (history.trials.tolist(), history.values.tolist(), pending.trials.tolist())
            told = repr((known, request.fit, request.rank, request.seed))
            rng = np.random.default_rng(zlib.crc32(told.encode()))
        parameters = request.space.parameters
        return Proposal({name: parameters[name].from_unit(rng.random()) for name in request.names})


class MemoryJournal:
    """A journal in memory that tells what would be on the disk.

    Parameters
    ----------
    records : iterable of dict
        What it holds already.

    Attributes
    ----------
    durable : list of dict
        What was committed.
    fails_at : float
        Commits that would make it longer than this raise `JournalError`.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.durable = list(records)
        self.fails_at = math.inf
        self._waiting: list[Record] = []
        self._time = 0.0

    def append(self, kind: str, /, **fields: Any) -> Record:
        """Add a record to the next commit."""
        self._time += 1.0
        seq = len(self.durable) + len(self._waiting)
        record: Record = {"seq": seq, "t": self._time, "type": kind}
        record |= {name: plain(value, name) for name, value in fields.items()}
        self._waiting.append(record)
        return record

    def commit(self) -> None:
        """Make it durable."""
        if len(self.durable) + len(self._waiting) > self.fails_at:
            raise JournalError("the disk is full")
        self.durable += self._waiting
        self._waiting = []

    def of(self, *kinds: str) -> list[Record]:
        """Return the durable records of some types."""
        return [record for record in self.durable if record["type"] in kinds]


def objective(x: float, n: int) -> float:
    """Return what is searched for where a test does not care."""
    return (x - 0.3) ** 2 + n


class Bench:
    """One search, to be run on a virtual executor.

    Parameters
    ----------
    directory : Path
    plan : Plan, Strategy or sequence of Strategy
    space, target, seed, maximize
        As of `phsx.Experiment`.
    lag : int, optional
        Trials at once in a deterministic search.
    records : iterable of dict
        What an interrupted run has left.

    Attributes
    ----------
    journal : MemoryJournal
    state : SearchState
    executor : VirtualExecutor
        Of the newest run, as `master` and `ended`, the trials that listeners heard of.
    """

    def __init__(
        self,
        directory: Path,
        plan: Any,
        *,
        space: Any = SPACE,
        target: Callable[..., Any] = objective,
        seed: int = 0,
        maximize: bool = False,
        lag: int | None = None,
        records: Iterable[Record] = (),
    ) -> None:
        self.space = Space.of(space)
        self.search = Search(self.space, Plan.of(plan), seed, maximize, None, directory, lag)
        self.target = target
        self.journal = MemoryJournal(records)
        self.ended: list[Trial] = []
        self.state = SearchState()
        self.executor = VirtualExecutor(1)
        self.master: Master | None = None

    def make(
        self, executor: VirtualExecutor | None = None, journal: Any = None, **limits: Any
    ) -> Master:
        """Make a master that goes on after what the journal holds."""
        self.executor = executor or VirtualExecutor(1)
        self.state = SearchState().replay(self.journal.durable)
        writer: Any = self.journal if journal is None else journal
        self.master = Master(
            self.search,
            self.state,
            writer,
            self.executor,
            Setting("run", bind(self.target, self.space.names)),
            Limits(**limits),
            on_ended=lambda trial: self.ended.append(trial),
        )
        return self.master

    def run(self, executor: VirtualExecutor | None = None, **limits: Any) -> Bench:
        """Search to the end."""
        self.make(executor, **limits).run()
        return self

    def again(self, records: Iterable[Record], plan: Any = None) -> Bench:
        """Return a bench for the same search after these records."""
        search = self.search
        return Bench(
            search.directory,
            search.plan if plan is None else plan,
            space=self.space,
            target=self.target,
            seed=search.seed,
            maximize=search.maximize,
            lag=search.lag,
            records=records,
        )

    # ------------------------------------------------------------ looking

    @property
    def points(self) -> dict[int, dict[str, Any]]:
        """The parameters of all trials by id."""
        return {number: dict(trial.params or {}) for number, trial in self.state.trials.items()}

    @property
    def makespan(self) -> float:
        """How long the newest run took."""
        return self.executor.clock() - VirtualExecutor.BEGIN

    def states(self) -> Counter[str]:
        """Count trials by state."""
        return Counter(trial.state.value for trial in self.state.trials.values())

    def submitted(self, function: Callable[..., Any]) -> list[Any]:
        """Return the tasks with this function, in order."""
        return [task for task in self.executor.tasks.values() if task.function is function]

    def until(self, seq: int) -> SearchState:
        """Return the state as it was after the record of this number."""
        records = (record for record in self.journal.durable if record["seq"] <= seq)
        return SearchState().replay(records)

    def check_exact(self, number: int, state: str | None = "completed") -> None:
        """Fail unless there are `number` trials, each ended once, and no point came twice."""
        ends = Counter(record["id"] for record in self.journal.of("ended"))
        assert sorted(ends) == sorted(self.state.trials) == list(range(number))
        assert set(ends.values()) == {1}
        assert state is None or self.states() == {state: number}
        keys = {self.space.key(point) for point in self.points.values()}
        assert len(keys) == number, "a point came twice"

    def check_knowledge(self) -> None:
        """Fail unless each suggestion was told what its `seen` says: history, pending, rank."""
        records: dict[int, list[Record]] = {}
        for record in self.journal.of("suggesting"):
            records.setdefault(record["id"], []).append(record)
        kept: dict[str, History] = {}
        for task in self.executor.tasks.values():
            if task.keep:
                args = [kept[arg.key] if isinstance(arg, Ref) else arg for arg in task.args]
                kept[task.key] = task.function(*args)
        submitted = self.submitted(tasks.suggest)
        assert submitted, "no suggestion was asked for"
        for task in submitted:
            asking, *chunks = task.args
            record = records[asking.trial].pop(0)
            known = self.until(record["seen"])
            history = History.concatenate([*(kept[ref.key] for ref in chunks), asking.tail])
            assert history.trials.tolist() == known.finished, task.key
            pending = [number for number in known.alive if known.trials[number].params is not None]
            assert asking.pending.trials.tolist() == pending, task.key
            assert asking.rank == record["rank"], task.key
