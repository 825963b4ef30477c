"""What was submitted to a Dask cluster: futures of tasks and of evaluations, by key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import distributed
from distributed.scheduler import NoValidWorkerError

from phsx.execution.base import Errored, Event, Finished, Lost, Ref, Task
from phsx.execution.connection import Connection
from phsx.execution.evaluation import Job
from phsx.execution.installer import GATHER_TIMEOUT
from phsx.execution.remote import evaluate


class Evaluation(NamedTuple):
    """A job, and the worker that it was given to."""

    job: Job
    worker: str


class Submissions:
    """Futures of what is on its way.

    Parameters
    ----------
    connection : Connection
    run : str
        The run's id.
    topic : str
        On which evaluations speak.
    done : callable
        Called, in a thread of the client's, with the key of each future that has ended.

    Attributes
    ----------
    evaluations : dict of str to Evaluation
        Those that are on their way.
    """

    def __init__(
        self, connection: Connection, run: str, topic: str, done: Callable[[str], object]
    ) -> None:
        self._connection = connection
        self._run = run
        self._topic = topic
        self._done = done
        self._futures: dict[str, distributed.Future] = {}
        self._kept: dict[str, distributed.Future] = {}
        self._unsent: list[str] = []  # keys of what could not be submitted
        self.evaluations: dict[str, Evaluation] = {}

    def name(self, key: str) -> str:
        """Return the key by which Dask knows something.

        What Dask takes as its kind comes first: it learns how long each kind takes.
        """
        kind, _, number = key.partition("-")
        return f"phsx-{kind}-{self._run}-{number}"

    def submit(self, task: Task) -> None:
        """Submit a task to its worker, or to any where that one is gone."""
        kept = [self._kept.get(arg.key) for arg in task.args if isinstance(arg, Ref)]
        if self._connection.lost() or any(one is None or one.cancelled() for one in kept):
            self._unsent.append(task.key)
            return
        args = [self._kept[arg.key] if isinstance(arg, Ref) else arg for arg in task.args]
        future = self._connection.client.submit(
            task.function,
            *args,
            key=self.name(task.key),
            pure=False,
            priority=10,
            **_placed(task.worker),
        )
        if task.keep:
            self._kept[task.key] = future
        self._follow(task.key, future)

    def evaluate(self, key: str, job: Job, worker: str) -> None:
        """Submit an evaluation."""
        if self._connection.lost():
            self._unsent.append(key)
            return
        self.evaluations[key] = Evaluation(job, worker)
        future = self._connection.client.submit(
            evaluate,
            self._topic,
            key,
            job,
            key=self.name(key),
            pure=False,
            workers=[worker],
        )
        self._follow(key, future)

    def _follow(self, key: str, future: distributed.Future) -> None:
        self._futures[key] = future
        future.add_done_callback(lambda _: self._done(key))

    def unsubmitted(self) -> list[Event]:
        """Return what could not be submitted, once there is a connection for another attempt."""
        if self._connection.lost():
            return []
        keys, self._unsent = self._unsent, []
        return [Lost(key, "there was no connection", worker_died=False) for key in keys]

    def result(self, key: str) -> Event | None:
        """Return what became of something that has ended; None where nobody waits for it."""
        future = self._futures.get(key)
        if future is None:
            return None  # cancelled, or known already by its event
        if key in self._kept and future.status == "finished":
            del self._futures[key]
            return None
        if future.status == "error":
            error = future.exception()
            if isinstance(error, (distributed.KilledWorker, NoValidWorkerError)):
                return Lost(key, str(error), worker_died=True)
            return Errored(key, error)
        if future.status == "finished":
            try:
                return Finished(key, future.result(timeout=GATHER_TIMEOUT))
            except Exception as error:  # the worker with the result is gone, or the connection
                return Lost(key, f"{type(error).__name__}: {error}", worker_died=False)
        self._connection.usable()  # or not: a short break would not be seen later
        return Lost(key, f"the task was {future.status}", worker_died=False)

    def at(self, worker: str) -> dict[str, Evaluation]:
        """Return the evaluations that were given to a worker."""
        found = self.evaluations.items()
        return {key: evaluation for key, evaluation in found if evaluation.worker == worker}

    def stuck(self, worker: str) -> list[Event]:
        """Forget the tasks that are with a worker, their results too; return them as lost."""
        client = self._connection.client
        names = {self.name(key): key for key in self._futures.keys() | self._kept.keys()}
        running = client.processing([worker]).get(worker, ())
        there = client.has_what([worker]).get(worker, ())
        found = sorted({names[name] for name in (*running, *there) if name in names})
        for key in found:
            self._kept.pop(key, None)
            self.cancel(key)
        reason = f"worker {worker} is not heard of"
        return [Lost(key, reason, worker_died=False) for key in found]

    def forget(self, key: str) -> None:
        """Let go of something that has ended."""
        self._futures.pop(key, None)
        self.evaluations.pop(key, None)

    def cancel(self, key: str) -> None:
        """Have something not run any more that nobody waits for."""
        future = self._futures.get(key)
        self.forget(key)
        if self._kept.pop(key, None) is None and future is not None:
            future.cancel()  # what is kept is let go of; a task that depends on it may go on

    def gone(self) -> list[Event]:
        """Forget everything, since the client that had it is closed; return the tasks as lost."""
        tasks = self._futures.keys() - self.evaluations.keys() | self._kept.keys()
        for known in (self._futures, self._kept, self.evaluations):
            known.clear()
        return [Lost(key, "the connection was lost", worker_died=False) for key in sorted(tasks)]

    def release(self) -> None:
        """Let the scheduler forget everything, and forget it."""
        for future in [*self._futures.values(), *self._kept.values()]:
            future.release()
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._futures.clear()
        self._kept.clear()


def _placed(worker: str | None) -> dict[str, Any]:
    return {} if worker is None else {"workers": [worker], "allow_other_workers": True}


__all__ = ["Evaluation", "Submissions"]
