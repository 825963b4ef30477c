"""An executor on a virtual clock: workers with slots, durations, and faults at a given time."""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from phsx.execution.base import (
    Errored,
    Event,
    Executor,
    Finished,
    Lost,
    Message,
    Ref,
    Setting,
    Task,
    WorkerJoined,
    WorkerLeft,
)
from phsx.execution.evaluation import Job, Outcome, evaluate_here
from phsx.execution.resources import Resources
from phsx.targets.calling import BoundTarget

#: Rounds in which nothing happens before a search is believed to hang.
PATIENCE = 10_000

Hook = Callable[[str, "Task | Job"], None]


@dataclass(order=True)
class _Due:
    """Something that happens at a time, in the order in which it was arranged."""

    time: float
    order: int
    key: str = field(compare=False)
    happen: Callable[[], list[Event]] = field(compare=False)


@dataclass(frozen=True)
class Deed:
    """What the master had done, when, to which key, and where.

    `what` is "submit", "evaluate", "interrupt" or "cancel".
    """

    time: float
    what: str
    key: str
    worker: str | None


class VirtualExecutor(Executor):
    """Runs tasks and targets for real, in this process, but lets them take virtual time.

    The same search runs in the same way each time: there are no threads, and nothing waits.

    Parameters
    ----------
    workers : int or mapping of str to int
        Slots by worker; a number stands for that many workers with a slot each.
    duration : callable
        Takes a `Job`, returns the seconds that its evaluation takes.
    cost : float
        Seconds that a task takes.
    saving : float, optional
        Seconds from being asked to save until an evaluation has done that, and ends; what it has
        done counts for the trial's next attempt. By default no evaluation can.
    resources : mapping, optional
        What each worker has for trials, by its name; by default, whatever they ask for.
    offers : sequence, optional
        What slots may have; by default nobody knows.
    before : callable, optional
        Called with key and `Task` or `Job` before each submission: a place for checks.

    Attributes
    ----------
    deeds : list of Deed
        What the master had done.
    jobs : dict of str to Job
        The evaluations that were submitted, by key.
    tasks : dict of str to Task
        All other submissions.

    Examples
    --------
    >>> executor = VirtualExecutor(2)
    >>> executor.submit(Task("two", min, (2, 3)))
    >>> executor.wait(None)
    [Finished(key='two', value=2)]
    """

    #: What the clock shows at first.
    BEGIN = 1000.0

    def __init__(
        self,
        workers: int | Mapping[str, int] = 1,
        *,
        duration: Callable[[Job], float] = lambda job: 1.0,
        cost: float = 0.0,
        saving: float | None = None,
        resources: Mapping[str, Resources] | None = None,
        offers: Sequence[Resources] | None = None,
        before: Hook | None = None,
    ) -> None:
        if isinstance(workers, int):
            workers = {f"w{number}": 1 for number in range(workers)}
        self.deeds: list[Deed] = []
        self.jobs: dict[str, Job] = {}
        self.tasks: dict[str, Task] = {}
        self.closed = False
        self._at_start = dict(workers)
        self._slots: dict[str, int] = {}
        self._duration = duration
        self._cost = cost
        self._saving = saving
        self._resources = dict(resources or {})
        self._offers = offers
        self._done: defaultdict[int, float] = defaultdict(
            float
        )  # seconds that interrupted attempts did, by trial
        self._begun: dict[str, float] = {}
        self._before = before
        self._target: BoundTarget | None = None
        self._now = self.BEGIN
        self._order = itertools.count()
        self._dues: list[_Due] = []
        self._places: dict[str, str] = {}  # of evaluations, by key
        self._kept: dict[str, Any] = {}
        self._fates: list[tuple[str, Callable[[str], Event]]] = []
        self._woken = False
        self._idle = 0

    # ------------------------------------------------------------ what a test arranges

    def at(self, time: float, action: Callable[[], object]) -> None:
        """Call `action` when the clock has advanced by `time` seconds from now."""

        def happen() -> list[Event]:
            action()
            return []

        self._arrange(time, "", happen)

    def join(self, worker: str, slots: int = 1) -> None:
        """Let a worker come."""
        self._slots[worker] = slots
        self._say(WorkerJoined(worker, slots, resources=self._resources.get(worker)))

    def kill(self, worker: str) -> None:
        """Let a worker die, with all that runs and lies there."""
        del self._slots[worker]
        reason = f"worker {worker} died"
        for key in [key for key, place in self._places.items() if place == worker]:
            self.lose(key, reason, worker_died=True)
        dues = {due.key for due in self._dues}
        for key, task in self.tasks.items():
            if task.worker == worker and (key in dues or key in self._kept):
                self.lose(key, reason, worker_died=True)
        self._say(WorkerLeft(worker))

    def lose(self, key: str, reason: str = "it was lost", *, worker_died: bool = False) -> None:
        """Lose a task or an evaluation that is on its way, or a result that is kept."""
        self._drop(key)
        self._say(Lost(key, reason, worker_died))

    def doom(self, prefix: str, fate: Callable[[str], Event], times: int = 1) -> None:
        """Let the next `times` submissions with such a key end with `fate(key)` instead."""
        self._fates += [(prefix, fate)] * times

    # ------------------------------------------------------------ the contract

    def start(self, setting: Setting) -> None:
        """Announce the workers."""
        self._target = setting.target
        for worker, slots in self._at_start.items():
            self.join(worker, slots)

    def submit(self, task: Task) -> None:
        """Run a task at once; its result comes after `cost` seconds."""
        self._check(task.key, task)
        self.tasks[task.key] = task
        self._note("submit", task.key, task.worker)
        event = self._fate(task.key) or self._run(task)
        if not task.keep:
            self._arrange(self._cost, task.key, lambda: [event])
        elif isinstance(event, Finished):
            self._kept[task.key] = event.value
        else:
            self._say(event, task.key)

    def evaluate(self, key: str, job: Job, worker: str) -> None:
        """Run the target when `duration` seconds are over, if its worker still lives then."""
        self._check(key, job)
        self.jobs[key] = job
        self._note("evaluate", key, worker)
        if worker not in self._slots:
            self._say(Lost(key, f"worker {worker} is not there", worker_died=False))
            return
        self._places[key] = worker
        if list(self._places.values()).count(worker) > self._slots[worker]:
            raise AssertionError(f"{key} was given to {worker}, which has no free slot")
        content = {"kind": "started", "trial": job.trial, "attempt": job.attempt}
        self._say(Message(content), key)
        if self._saving is not None:
            self._say(Message({**content, "kind": "checkpoint", "step": None}), key)
        duration = self._duration(job) - self._done[job.trial]
        self._begun[key] = self._now
        self._arrange(duration, key, lambda: self._end(key, job, duration))

    def wait(self, timeout: float | None) -> list[Event]:
        """Advance the clock to what happens next, at most by `timeout`."""
        deadline = None if timeout is None else self._now + timeout
        events: list[Event] = []
        while not self._woken and not events:
            if not self._dues or (deadline is not None and self._dues[0].time > deadline):
                break
            self._now = self._dues[0].time
            while self._dues and self._dues[0].time == self._now:
                events += heapq.heappop(self._dues).happen()
        self._idle = 0 if events else self._idle + 1
        if self._idle > PATIENCE or (deadline is None and not events and not self._woken):
            raise RuntimeError("nothing happens any more: the search hangs")
        if not events and not self._woken and deadline is not None:
            self._now = deadline
        self._woken = False
        return events

    def cancel(self, key: str) -> None:
        """Forget a task, an evaluation or a result."""
        self._note("cancel", key, self._places.get(key))
        self._drop(key)

    def interrupt(self, key: str) -> None:
        """Let an evaluation end when it has saved itself."""
        self._note("interrupt", key, self._places.get(key))
        if self._saving is not None and key in self._places:
            self._arrange(self._saving, key, lambda: self._saved(key))

    def offers(self) -> Sequence[Resources] | None:
        """Return what slots may have."""
        return self._offers

    def wake(self) -> None:
        """Make `wait` return."""
        self._woken = True

    def clock(self) -> float:
        """Return the virtual time."""
        return self._now

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True
        self._dues.clear()

    # ------------------------------------------------------------ within

    def _check(self, key: str, what: Task | Job) -> None:
        if self.closed or key in self.tasks or key in self.jobs:
            raise AssertionError(f"{key} was used before, or the executor is closed")
        if self._before is not None:
            self._before(key, what)

    def _note(self, what: str, key: str, worker: str | None) -> None:
        self.deeds.append(Deed(self._now, what, key, worker))

    def _arrange(self, delay: float, key: str, happen: Callable[[], list[Event]]) -> None:
        heapq.heappush(self._dues, _Due(self._now + delay, next(self._order), key, happen))

    def _say(self, event: Event, key: str = "") -> None:
        self._arrange(0.0, key, lambda: [event])

    def _drop(self, key: str) -> None:
        self._dues = [due for due in self._dues if due.key != key]
        heapq.heapify(self._dues)
        self._places.pop(key, None)
        self._kept.pop(key, None)

    def _fate(self, key: str) -> Event | None:
        for number, (prefix, fate) in enumerate(self._fates):
            if key.startswith(prefix):
                del self._fates[number]
                return fate(key)
        return None

    def _run(self, task: Task) -> Event:
        try:
            args = [self._kept[arg.key] if isinstance(arg, Ref) else arg for arg in task.args]
        except KeyError as error:
            return Lost(task.key, f"{error} is gone", worker_died=False)
        try:
            return Finished(task.key, task.function(*args))
        except Exception as error:
            return Errored(task.key, error)

    def _saved(self, key: str) -> list[Event]:
        job, ran = self.jobs[key], self._now - self._begun[key]
        self._drop(key)
        self._done[job.trial] += ran
        outcome = Outcome(job.trial, job.attempt, "interrupted", checkpoint=job.attempt)
        return [Finished(key, replace(outcome, started=self._begun[key], ended=self._now))]

    def _end(self, key: str, job: Job, duration: float) -> list[Event]:
        del self._places[key]
        fate = self._fate(key)
        if fate is not None:
            return [fate]
        if self._target is None:
            raise RuntimeError("start() comes before evaluate()")
        said: list[Event] = []
        outcome = evaluate_here(self._target, job, lambda report: said.append(Message.of(report)))
        outcome = replace(outcome, started=self._now - duration, ended=self._now)
        return [*said, Finished(key, outcome)]
