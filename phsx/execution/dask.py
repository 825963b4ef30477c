"""Runs tasks on a Dask cluster, through the public API of a `distributed.Client` alone.

Evaluations leave their worker's thread pool at once (`secede`), so that every worker keeps a
control slot on which fits and suggestions run within milliseconds. What an evaluation has to say,
its outcome included, travels as an event, which saves two round trips per trial; where the event
is lost, or the outcome cannot travel so, the future brings it.

An evaluation runs on the worker that it is given to or nowhere: Dask has none that could take it,
since the master alone counts slots. When that worker goes, the scheduler's record of it tells
whether it went down with the evaluation (`phsx.execution.departure`).
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import queue
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import distributed
from distributed.scheduler import NoValidWorkerError

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
from phsx.execution.departure import killed
from phsx.execution.evaluation import Job, Outcome
from phsx.execution.installer import Installer
from phsx.execution.remote import evaluate, uninstall

#: Seconds between two looks at which workers are there: while some are awaited, and else.
LOOK_SOON, LOOK = 0.05, 1.0
#: Seconds that may pass between a future's end and its result's arrival.
GATHER_TIMEOUT = 10.0
#: Seconds that workers are given to end what runs there; one that hangs must not hold up the end.
CLOSE_TIMEOUT = 10.0


class _Evaluation(NamedTuple):
    job: Job
    worker: str


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
        self._evaluations: dict[str, _Evaluation] = {}
        self._orphans: list[_Evaluation] = []  # lost, but their worker may not know
        self._calls: set[concurrent.futures.Future[None]] = set()
        self._workers: dict[str, int] = {}
        self._ready: set[str] = set()
        self._looked = 0.0
        self._run = ""
        self._installer: Installer | None = None

    @property
    def _topic(self) -> str:
        return f"phsx-{self._run}"

    def start(self, setting: Setting) -> None:
        """Subscribe to what evaluations say, and let workers be given the target."""
        if setting.package is None:
            raise ValueError("a Dask cluster needs the target's package")
        self._run = setting.run
        self._subscribe()
        self._installer = Installer(
            self._client,
            self._run,
            self._topic,
            setting.package,
            partial(_put_installed, self._queue),
        )

    def _subscribe(self) -> None:
        # The client keeps its handler after the end: that must not keep more than the queue.
        self._client.subscribe_topic(self._topic, partial(_put_said, self._queue))

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
        self._evaluations[key] = _Evaluation(job, worker)
        future = self._client.submit(
            evaluate,
            self._topic,
            key,
            job,
            key=f"{self._topic}-{key}",
            pure=False,
            workers=[worker],
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
            woken = False
            left = None if deadline is None else deadline - time.monotonic()
            for kind, content in self._drain(0.0 if events else self._patience(left)):
                if kind == "said":
                    events += self._hear(content)
                elif kind == "done":
                    events += self._conclude(content)
                elif kind == "installed":
                    events += self._installed(content)
                else:
                    woken = True  # what was drained with it is still to be heard
            if events or woken or (left is not None and left <= 0):
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
        evaluation = self._evaluations.get(key)
        match event:
            case Lost(worker_died=True) | Finished(_, Outcome(state="not_installed")) if evaluation:
                return self._left(evaluation.worker)
            case Lost() if evaluation:
                self._orphans.append(evaluation)
                self._looked = 0.0
            case Lost(worker_died=True):
                self._looked = 0.0  # there is news of workers
        self._forget(key)
        return [event]

    def _result(self, key: str, future: distributed.Future) -> Event:
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
        self._looked = time.monotonic()
        try:
            now = self._client.nthreads()
        except OSError:
            return []  # the client connects again, or closes, which the next look finds
        if self._orphans:
            self._reconnected()
        events: list[Event] = []
        used = {evaluation.worker for evaluation in self._evaluations.values()}
        for address in (self._workers.keys() | used) - now.keys():
            events += self._left(address)
        for address in now.keys() - self._workers.keys():
            self._workers[address] = now[address]
            if self._installer is not None:
                self._installer.install(address)
        return events

    def _reconnected(self) -> None:
        """End what the scheduler has let go of with the connection, and be told of events anew."""
        orphans, self._orphans = self._orphans, []
        for evaluation in orphans:
            self._end(evaluation)
        self._subscribe()

    def _installed(self, number: int) -> list[Event]:
        installed = None if self._installer is None else self._installer.conclude(number)
        if installed is None or installed.worker not in self._workers:
            return []
        if not installed.ready:
            del self._workers[installed.worker]  # if it is still there, the next look finds it
            return []
        self._ready.add(installed.worker)
        return [WorkerJoined(installed.worker, self._workers[installed.worker])]

    def _left(self, worker: str) -> list[Event]:
        """Give up a worker that is gone, or has lost the target, with all that was to run there.

        If there is a worker with its address now, the next look finds it.
        """
        self._workers.pop(worker, None)
        if self._installer is not None:
            self._installer.drop(worker)
        events: list[Event] = []
        lost = [key for key, evaluation in self._evaluations.items() if evaluation.worker == worker]
        down = self._taken_down(worker) if lost else set()
        for key in lost:
            self._futures[key].cancel()
            self._forget(key)
            died = f"{self._topic}-{key}" in down
            reason = f"worker {worker} {'died' if died else 'is gone'}"
            events.append(Lost(key, reason, worker_died=died))
        if worker in self._ready:
            self._ready.discard(worker)
            events.append(WorkerLeft(worker))
        return events

    def _taken_down(self, worker: str) -> set[str]:
        """Return the keys of what was running on a worker when it was killed."""
        try:
            return killed(self._client.get_events(worker))
        except OSError:
            return set()  # the scheduler itself is away: nobody is to blame

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
        if evaluation is not None:
            self._end(evaluation)

    def _end(self, evaluation: _Evaluation) -> None:
        """End the process of an evaluation, without waiting for it."""
        job, worker = evaluation
        if worker in self._workers:
            self._call([worker], on_worker.stop, self._run, job.trial, job.attempt, force=True)

    def _call(
        self, workers: list[str] | None, function: Callable[..., Any], *args: Any, **options: Any
    ) -> concurrent.futures.Future[None]:
        """Have a function called on the loops of workers, without waiting for it."""

        async def call() -> None:
            await self._client.run(function, *args, workers=workers, on_error="ignore", **options)

        future = asyncio.run_coroutine_threadsafe(call(), self._client.loop.asyncio_loop)
        self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        return future

    def wake(self) -> None:
        """Make `wait` return."""
        self._queue.put(("woken", None))

    def clock(self) -> float:
        """Return the time of this machine."""
        return time.time()

    def close(self) -> None:
        """End the target's processes on the workers, and what phsx has opened."""
        try:
            if self._client.status == "running" and self._installer is not None:
                self._client.unsubscribe_topic(self._topic)
                self._installer.settle(CLOSE_TIMEOUT)
                for future in [*self._futures.values(), *self._kept.values()]:
                    future.release()
                if self._workers:
                    # On all that are there now, which may be others than those known.
                    last = self._call(None, uninstall, self._run)
                    concurrent.futures.wait([last], CLOSE_TIMEOUT)
                for call in list(self._calls):
                    call.cancel()
        finally:
            self._futures.clear()
            self._kept.clear()
            self._installer = None
            for closer in self._closers:
                closer()


def _put_said(said: queue.SimpleQueue[tuple[str, Any]], event: tuple[float, Any]) -> None:
    said.put(("said", event[1]))


def _put_installed(ended: queue.SimpleQueue[tuple[str, Any]], number: int) -> None:
    ended.put(("installed", number))


def _placed(worker: str | None) -> dict[str, Any]:
    return {} if worker is None else {"workers": [worker], "allow_other_workers": True}


__all__ = ["DaskExecutor"]
