"""The contract between the master and whatever runs its tasks.

An executor is a small task graph: tasks are pure functions of literals and of other tasks'
results (`Ref`), each is placed on a worker, and what became of them comes back as events. The
master knows nothing else, so that Dask, one process, or a simulation can stand behind it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from phsx.execution.evaluation import Job
from phsx.execution.handle import Report, Saved
from phsx.execution.resources import NOTHING, Resources
from phsx.targets.calling import BoundTarget
from phsx.targets.package import Package


@dataclass(frozen=True)
class Ref:
    """Stands in a task's arguments for the result of the task with this key."""

    key: str


@dataclass(frozen=True)
class Task:
    """One node of the graph.

    Attributes
    ----------
    key : str
        Never used before in this run.
    function : callable
        Importable, without side effects. `phsx.execution.tasks` has them all.
    args : tuple
        Literals, and `Ref` to tasks that were submitted before with ``keep=True``.
    worker : str or None
        Address of the worker that should run it; None leaves it to the executor.
    keep : bool
        The result stays with the workers, for other tasks; only its failure is an event.
    """

    key: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    worker: str | None = None
    keep: bool = False


@dataclass(frozen=True)
class Finished:
    """A task's result has arrived."""

    key: str
    value: Any


@dataclass(frozen=True)
class Errored:
    """A task raised an exception."""

    key: str
    error: BaseException


@dataclass(frozen=True)
class Lost:
    """A task went down with its worker or connection; nobody is to blame but perhaps itself."""

    key: str
    reason: str
    worker_died: bool


@dataclass(frozen=True)
class WorkerJoined:
    """A worker is ready: the target is there.

    Attributes
    ----------
    worker : str
        Its address.
    slots : int
        How many evaluations may run there at once.
    deadline : float or None
        When it ends, as with its batch job, in s since the epoch by the executor's clock; None
        where that is not known.
    resources : Resources or None
        What its evaluations share, such as ``{"GPU": 2}``; None where whatever is asked for is
        there.
    """

    worker: str
    slots: int
    deadline: float | None = None
    resources: Resources | None = None


@dataclass(frozen=True)
class WorkerLeft:
    """A worker is gone; its tasks are reported as lost by themselves."""

    worker: str


@dataclass(frozen=True)
class Message:
    """Something that a running evaluation says: that it started, or what its target tells."""

    content: dict[str, Any]

    @classmethod
    def of(cls, said: Report | Saved) -> Message:
        """Return the message that carries what a running trial has said."""
        content = {"trial": said.trial, "attempt": said.attempt, "step": said.step}
        if isinstance(said, Saved):
            return cls({"kind": "checkpoint", **content})
        return cls({"kind": "report", **content, "value": said.value})


Event = Finished | Errored | Lost | WorkerJoined | WorkerLeft | Message


@dataclass(frozen=True)
class Setting:
    """What the workers need to know of a run before the first task.

    Attributes
    ----------
    run : str
        Unique to this run of the experiment; part of every key and topic.
    target : BoundTarget
        What is evaluated, for an executor that stays in this process.
    package : Package or None
        The target, packed, for all others.
    isolate : bool
        Whether targets run in a process of their own.
    """

    run: str
    target: BoundTarget
    package: Package | None = None
    isolate: bool = True


class Executor(ABC):
    """Runs tasks on workers. All methods but `wake` are called from one thread, the master's."""

    #: Whether suggestions may be computed while a worker evaluates.
    concurrent: bool = True

    @abstractmethod
    def start(self, setting: Setting) -> None:
        """Connect, and begin to announce workers by events."""

    @abstractmethod
    def submit(self, task: Task) -> None:
        """Run a task; returns at once."""

    @abstractmethod
    def evaluate(self, key: str, job: Job, worker: str) -> None:
        """Run the target on a worker; returns at once.

        The event is `Finished` with an `Outcome`. An evaluation does not keep its worker from
        fits and suggestions (unless `concurrent` is False), and sends `Message` while it runs.
        """

    @abstractmethod
    def wait(self, timeout: float | None) -> list[Event]:
        """Return events in the order they happened; block for the first, at most `timeout` s."""

    @abstractmethod
    def cancel(self, key: str) -> None:
        """Forget a task: no event of it will come any more. An evaluation is ended."""

    def interrupt(self, key: str) -> None:  # noqa: B027  (inline, nobody could tell the target)
        """Ask an evaluation to save itself and to end, by an event, where its target can do that.

        The event is `Finished` with an outcome that is ``"interrupted"``. To ask again does no
        harm: the first time may come before the evaluation has begun.
        """

    @abstractmethod
    def wake(self) -> None:
        """Make `wait` return soon; may be called from any thread and from signal handlers."""

    @abstractmethod
    def clock(self) -> float:
        """Return seconds since the epoch, by the clock of this executor."""

    def demand(  # noqa: B027  (most have no need to know)
        self, trials: int | None, asked: Sequence[Resources] = (), common: Resources = NOTHING
    ) -> None:
        """Learn how many trials could run now at most, where workers come and go by that.

        `asked` is what those ask for of which that is known, `common` what the others do at least.
        """

    def offers(self) -> Sequence[Resources] | None:
        """Return the resources that slots have or may have, each kind once.

        None where nobody knows, since any kind of worker may come.
        """
        return None

    def release(self, worker: str) -> None:  # noqa: B027
        """Learn that nothing will be given to a worker any more, since its deadline is near."""

    @abstractmethod
    def close(self) -> None:
        """End what `start` began; what was there before stays as it was."""
