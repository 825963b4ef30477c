"""Runs tasks on a Dask cluster, through the public API of a `distributed.Client` alone.

Evaluations leave their worker's thread pool at once (`secede`), so that every worker keeps a
control slot on which fits and suggestions run within milliseconds. What an evaluation has to say,
its outcome included, travels as an event, which saves two round trips per trial; where the event
is lost, or the outcome cannot travel so, the future brings it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import queue
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import dask
import distributed

from phsx.exceptions import ClusterError
from phsx.execution import worker as on_worker
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
from phsx.execution.evaluation import Job, Outcome
from phsx.execution.tasks import carry
from phsx.targets.package import Package

logger = logging.getLogger(__name__)

#: Seconds between two looks at which workers are there: while some are awaited, and else.
LOOK_SOON, LOOK = 0.05, 1.0
#: Characters of an event; a longer outcome comes with its future alone.
LONGEST_MESSAGE = 100_000
#: Seconds that may pass between a future's end and its result's arrival.
GATHER_TIMEOUT = 10.0


class DaskExecutor(Executor):
    """An executor on the cluster of a synchronous client.

    Parameters
    ----------
    client : distributed.Client
    closers : iterable of callable
        What is to be called at the end: closes what phsx itself has opened, and nothing else.
    expected : int
        How many workers are on their way; only used to look for them more often at the start.
    """

    def __init__(
        self,
        client: distributed.Client,
        closers: Iterable[Callable[[], object]] = (),
        expected: int = 1,
    ) -> None:
        self._client = client
        self._closers = list(closers)
        self._expected = expected
        self._queue: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._futures: dict[str, distributed.Future] = {}
        self._kept: dict[str, distributed.Future] = {}
        self._evaluations: dict[str, tuple[Job, str]] = {}
        self._installs: dict[str, str] = {}
        self._workers: dict[str, int] = {}
        self._ready: set[str] = set()
        self._looked = 0.0
        self._count = 0
        self._run = ""
        self._package: Package | None = None
        self._carried: distributed.Future | None = None

    @property
    def _topic(self) -> str:
        return f"phsx-{self._run}"

    def start(self, setting: Setting) -> None:
        """Subscribe to what evaluations say, and make the target a task of the graph."""
        self._run = setting.run
        self._client.subscribe_topic(self._topic, lambda event: self._queue.put(("said", event[1])))
        self._package = setting.package

    def submit(self, task: Task) -> None:
        """Submit a task to its worker, or to any where that one is gone."""
        args = [self._kept[arg.key] if isinstance(arg, Ref) else arg for arg in task.args]
        future = self._client.submit(
            task.function,
            *args,
            key=f"{self._topic}-{task.key}",
            pure=False,
            priority=10,
            **_placed(task.worker),
        )
        if task.keep:
            self._kept[task.key] = future
        self._follow(task.key, future)

    def evaluate(self, key: str, job: Job, worker: str) -> None:
        """Submit an evaluation."""
        self._evaluations[key] = (job, worker)
        future = self._client.submit(
            evaluate,
            self._topic,
            key,
            job,
            key=f"{self._topic}-{key}",
            pure=False,
            **_placed(worker),
        )
        self._follow(key, future)

    def _follow(self, key: str, future: distributed.Future) -> None:
        self._futures[key] = future
        future.add_done_callback(lambda _: self._queue.put(("done", key)))

    def wait(self, timeout: float | None) -> list[Event]:
        """Collect what happened on the cluster."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            events = self._look()
            left = None if deadline is None else deadline - time.monotonic()
            for kind, content in self._drain(0.0 if events else self._patience(left)):
                if kind == "said":
                    events += self._hear(content)
                elif kind == "done":
                    events += self._conclude(content)
                else:
                    return events
            if events or (left is not None and left <= 0):
                return events

    def _patience(self, left: float | None) -> float:
        every = LOOK_SOON if len(self._ready) < self._expected else LOOK
        until = max(0.0, self._looked + every - time.monotonic())
        return until if left is None else min(until, max(0.0, left))

    def _drain(self, timeout: float) -> list[tuple[str, Any]]:
        items: list[tuple[str, Any]] = []
        with contextlib.suppress(queue.Empty):
            items.append(self._queue.get(timeout=timeout) if timeout else self._queue.get_nowait())
            while True:
                items.append(self._queue.get_nowait())
        return items

    def _hear(self, text: str) -> list[Event]:
        content = json.loads(text)
        if content["kind"] != "outcome":
            return [Message(content)]
        if content["key"] not in self._evaluations:
            return []
        self._forget(content["key"])
        return [Finished(content["key"], Outcome(**content["outcome"]))]

    def _conclude(self, key: str) -> list[Event]:
        future = self._futures.get(key)
        if future is None:
            return []  # cancelled, or known already by its event
        if key in self._kept and future.status == "finished":
            del self._futures[key]
            return []
        event = self._result(key, future)
        _, worker = self._evaluations.get(key, (None, None))
        self._forget(key)
        if key in self._installs:
            return self._installed(self._installs.pop(key), event)
        match event:
            case Finished(_, Outcome(state="not_installed")):
                return self._install_again(key, worker)
        return [event]

    def _result(self, key: str, future: distributed.Future) -> Event:
        if future.status == "error":
            error = future.exception()
            if isinstance(error, distributed.KilledWorker):
                return Lost(key, str(error), worker_died=True)
            return Errored(key, error)
        if future.status == "finished":
            try:
                return Finished(key, future.result(timeout=GATHER_TIMEOUT))
            except Exception as error:  # the worker with the result is gone, or the connection
                return Lost(key, f"{type(error).__name__}: {error}", worker_died=False)
        return Lost(key, f"the task was {future.status}", worker_died=False)

    def _look(self) -> list[Event]:
        """Compare the workers that are there with those known."""
        every = LOOK_SOON if len(self._ready) < self._expected else LOOK
        if time.monotonic() - self._looked < every:
            return []
        if self._client.status == "closed":
            raise ClusterError(
                "the connection to the Dask scheduler is closed; what has finished is recorded: "
                "run the experiment again to go on"
            )
        now = self._client.nthreads()
        self._looked = time.monotonic()
        events: list[Event] = []
        for address in self._workers.keys() - now.keys():
            events += self._left(address)
        for address in now.keys() - self._workers.keys():
            self._workers[address] = now[address]
            self._install(address)
        return events

    def _install(self, address: str) -> None:
        self._count += 1
        key = f"install-{self._count}"
        self._installs[key] = address
        future = self._client.submit(
            on_worker.install,
            self._run,
            self._carry(),
            key=f"{self._topic}-{key}",
            pure=False,
            workers=[address],
            priority=20,
        )
        self._follow(key, future)

    def _install_again(self, key: str, worker: str | None) -> list[Event]:
        """Bring a worker back that has nothing of this run: it was idle for long."""
        events: list[Event] = [Lost(key, f"{worker} had lost the target", worker_died=False)]
        if worker in self._ready:
            self._ready.discard(worker)
            self._install(worker)
            events.append(WorkerLeft(worker))
        return events

    def _carry(self) -> distributed.Future:
        """Return the packed target as a task's result, for workers to fetch from one another.

        It is a literal of a task and not scattered data, so that it can be had again when workers
        are lost, and let go of when all have it.
        """
        if self._carried is None:
            self._count += 1
            with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
                self._carried = self._client.submit(
                    carry, self._package, key=f"{self._topic}-target-{self._count}", pure=False
                )
        return self._carried

    def _installed(self, address: str, event: Event) -> list[Event]:
        if not self._installs:
            self._carried = None
        if isinstance(event, Errored):
            raise ClusterError(
                f"worker {address} cannot take the target: "
                f"{type(event.error).__name__}: {event.error}. Workers need phsx and what the "
                f"target imports, in the versions of this process"
            ) from event.error
        if isinstance(event, Lost) or address not in self._workers:
            self._workers.pop(address, None)  # if it is still there, the next look finds it
            return []
        self._ready.add(address)
        return [WorkerJoined(address, self._workers[address])]

    def _left(self, address: str) -> list[Event]:
        del self._workers[address]
        events: list[Event] = []
        for key, (_, worker) in list(self._evaluations.items()):
            if worker == address:
                self._futures[key].cancel()
                self._forget(key)
                events.append(Lost(key, f"worker {address} is gone", worker_died=True))
        for key in [key for key, worker in self._installs.items() if worker == address]:
            self._futures[key].cancel()
            self._forget(key)
            del self._installs[key]
        if address in self._ready:
            self._ready.discard(address)
            events.append(WorkerLeft(address))
        return events

    def _forget(self, key: str) -> None:
        self._futures.pop(key, None)
        self._evaluations.pop(key, None)

    def cancel(self, key: str) -> None:
        """Cancel a task's future; of an evaluation, end the process that runs it too."""
        evaluation = self._evaluations.get(key)
        future = self._futures.get(key)
        self._forget(key)
        if self._kept.pop(key, None) is None and future is not None:
            future.cancel()  # what is kept is let go of; a task that depends on it may go on
        if evaluation is not None and evaluation[1] in self._workers:
            job, worker = evaluation
            self._client.run(
                on_worker.stop,
                self._run,
                job.trial,
                force=True,
                workers=[worker],
                on_error="ignore",
            )

    def wake(self) -> None:
        """Make `wait` return."""
        self._queue.put(("woken", None))

    def clock(self) -> float:
        """Return the time of this machine."""
        return time.time()

    def close(self) -> None:
        """End the target's processes on the workers, and what phsx has opened."""
        try:
            if self._client.status == "running" and self._package is not None:
                self._client.unsubscribe_topic(self._topic)
                installs = [self._futures[key] for key in self._installs if key in self._futures]
                for future in installs:  # else they would come after what takes them back
                    with contextlib.suppress(Exception):
                        future.exception(timeout=GATHER_TIMEOUT)
                for future in [*self._futures.values(), *self._kept.values()]:
                    future.release()
                if self._workers:
                    self._client.run(on_worker.uninstall, self._run, on_error="ignore")
        finally:
            self._futures.clear()
            self._kept.clear()
            self._package = self._carried = None
            for closer in self._closers:
                closer()


def evaluate(topic: str, key: str, job: Job) -> Outcome:
    """Run the target in the worker's child process (this is the task that a worker sees)."""
    distributed.secede()
    worker = distributed.get_worker()

    def say(content: dict[str, Any]) -> None:
        # As JSON, since msgpack ends the worker over an integer of 80 bits or a lone surrogate.
        text = json.dumps(content)
        if len(text) <= LONGEST_MESSAGE:
            worker.log_event(topic, text)

    say({"kind": "started", "trial": job.trial, "attempt": job.attempt})
    outcome = on_worker.evaluate(job, lambda report: say(Message.of(report).content))
    if outcome.state != "not_installed":
        say({"kind": "outcome", "key": key, "outcome": asdict(outcome)})
    return outcome


def _placed(worker: str | None) -> dict[str, Any]:
    return {} if worker is None else {"workers": [worker], "allow_other_workers": True}


__all__ = ["DaskExecutor"]
