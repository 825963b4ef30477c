"""Runs tasks on a Dask cluster, through the public API of a `distributed.Client` alone.

Evaluations leave their worker's thread pool at once (`secede`), so that every worker keeps a
control slot on which fits and suggestions run within milliseconds. What an evaluation has to say,
its outcome included, travels as an event, which saves two round trips per trial; where the event
is lost, or the outcome cannot travel so, the future brings it.

An evaluation runs on the worker that it is given to or nowhere: Dask has none that could take it,
since the master alone counts slots. When that worker goes, the scheduler's record of it tells
whether it went down with the evaluation (`phsx.execution.departure`).

When the connection breaks, the client forgets its futures, but what they stood for may go on. Such
an evaluation is reported as lost when its process has been ended, so that its slot is free then.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import json
import queue
import time
from collections.abc import Callable, Collection, Iterable
from functools import partial
from typing import Any, NamedTuple

import distributed
from distributed.scheduler import NoValidWorkerError

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
from phsx.execution.connection import Connection
from phsx.execution.departure import killed
from phsx.execution.evaluation import Job, Outcome
from phsx.execution.installer import GATHER_TIMEOUT, Installer
from phsx.execution.remote import end, evaluate, uninstall
from phsx.execution.versions import Versions
from phsx.targets.package import Package

#: Seconds between two looks at which workers are there: while some are awaited, and else.
LOOK_SOON, LOOK = 0.05, 1.0
#: Seconds that workers are given to end what runs there; one that hangs must not hold up the end.
CLOSE_TIMEOUT = 10.0
#: Seconds that a worker is given to end an evaluation that was lost with the connection.
END_TIMEOUT = 10.0


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
        self._connection = Connection(client)
        self._closers = list(closers)
        self._expected = expected
        self._queue: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._futures: dict[str, distributed.Future] = {}
        self._kept: dict[str, distributed.Future] = {}
        self._evaluations: dict[str, _Evaluation] = {}
        self._orphans: dict[str, _Evaluation] = {}  # lost, but their worker may not know
        self._ending: dict[str, _Evaluation] = {}  # it has been told
        self._unsent: list[str] = []  # keys of what could not be submitted
        self._calls: set[concurrent.futures.Future[None]] = set()
        self._workers: dict[str, int] = {}
        self._ready: set[str] = set()
        self._beckoned = 0
        self._wanted = False  # whether there are trials for workers that may come
        self._call_for_one: distributed.Future | None = None
        self._looked = self._subscribed = 0.0
        self._run = ""
        self._package: Package | None = None
        self._versions = Versions({})
        self._generation = 0  # of clients
        self._installer: Installer | None = None

    @property
    def _client(self) -> distributed.Client:
        return self._connection.client

    @property
    def _topic(self) -> str:
        return f"phsx-{self._run}"

    def start(self, setting: Setting) -> None:
        """Subscribe to what evaluations say, and let workers be given the target."""
        self._run, self._package = setting.run, setting.package
        if setting.package is not None:
            self._versions = Versions(setting.package.requires)
        self._prepare()

    def _prepare(self) -> None:
        """Begin with a client that knows nothing yet."""
        if self._package is None:
            raise ValueError("a Dask cluster needs the target's package")
        self._generation += 1
        self._subscribe()
        self._installer = Installer(
            self._client,
            self._run,
            f"{self._topic}-{self._generation}",
            self._package,
            partial(_put_installed, self._queue, self._generation),
        )

    def _subscribe(self) -> None:
        """Ask to be told of events: again and again, for a broken connection ends it unnoticed."""
        self._subscribed = time.monotonic()
        # The client keeps its handler after the end: that must not keep more than the queue.
        self._client.subscribe_topic(self._topic, partial(_put_said, self._queue))

    def submit(self, task: Task) -> None:
        """Submit a task to its worker, or to any where that one is gone."""
        kept = [self._kept.get(arg.key) for arg in task.args if isinstance(arg, Ref)]
        if self._connection.lost() or any(one is None or one.cancelled() for one in kept):
            self._unsent.append(task.key)
            return
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
        if self._connection.lost():
            self._unsent.append(key)
            return
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
            events = self._unsubmitted() + self._look()
            woken = False
            left = None if deadline is None else deadline - time.monotonic()
            for kind, content in self._drain(0.0 if events else self._patience(left)):
                if kind == "said":
                    events += self._hear(content)
                elif kind == "done":
                    events += self._conclude(content)
                elif kind == "installed":
                    events += self._installed(*content)
                elif kind == "ended":
                    events += self._ended(content)
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

    def _unsubmitted(self) -> list[Event]:
        """Return what could not be submitted, once there is a connection for another attempt."""
        if self._connection.lost():
            return []
        keys, self._unsent = self._unsent, []
        return [Lost(key, "there was no connection", worker_died=False) for key in keys]

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
                self._orphans[key] = evaluation
                self._looked = 0.0
                self._forget(key)
                return []  # when its process has ended
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
        self._connection.usable()  # or not: a short break would not be seen later
        return Lost(key, f"the task was {future.status}", worker_died=False)

    def _look(self) -> list[Event]:
        """Compare the workers that are there with those known."""
        every = LOOK_SOON if len(self._ready) < self._expected else LOOK
        if time.monotonic() - self._looked < every:
            return []
        self._looked = time.monotonic()
        if self._connection.lost():
            return self._renew()
        if not self._connection.usable():
            return []  # the client looks for its scheduler
        try:
            now = self._client.nthreads()
        except OSError:
            return []  # the next look finds out why
        if self._looked - self._subscribed >= LOOK or now.keys() - self._workers.keys():
            self._subscribe()
        self._end_orphans(now)
        events: list[Event] = []
        used = {evaluation.worker for evaluation in self._evaluations.values()}
        for address in (self._workers.keys() | used) - now.keys():
            events += self._left(address)
        for address in now.keys() - self._workers.keys():
            self._workers[address] = now[address]
            if self._installer is not None:
                self._installer.install(address)
        self._beckon(len(now))
        return events

    def demand(self, trials: int | None) -> None:
        """Learn whether there is work for workers that may come."""
        self._wanted = trials is None or trials > 0

    def _beckon(self, workers: int) -> None:
        """Let a cluster that grows with its tasks see one, where it has no worker at all."""
        if workers or not self._wanted:
            self._call_for_one = None
        elif self._call_for_one is None:
            self._beckoned += 1
            key = f"{self._topic}-beckon-{self._beckoned}"
            self._call_for_one = self._client.submit(abs, 0, key=key, pure=False)

    def _renew(self) -> list[Event]:
        """Go on with a new client, if there is one: of what the old one had, nothing is left."""
        if not self._connection.renew():
            return []
        self._orphans |= self._evaluations | self._ending
        tasks = self._futures.keys() - self._evaluations.keys() | self._kept.keys()
        for known in (self._futures, self._kept, self._evaluations, self._ending, self._workers):
            known.clear()
        events: list[Event] = [
            Lost(key, "the connection was lost", worker_died=False) for key in sorted(tasks)
        ]
        events += [WorkerLeft(worker) for worker in sorted(self._ready)]
        self._ready.clear()
        self._prepare()
        self._looked, self._call_for_one = 0.0, None
        return events

    def _end_orphans(self, now: Collection[str]) -> None:
        """Have lost evaluations ended, and report those whose worker is gone, and they with it."""
        orphans, self._orphans = self._orphans, {}
        for key, evaluation in orphans.items():
            self._ending[key] = evaluation
            if evaluation.worker not in now:
                self._queue.put(("ended", key))
                continue
            job, worker = evaluation
            call = self._call([worker], end, self._run, job.trial, job.attempt, timeout=END_TIMEOUT)
            call.add_done_callback(partial(_put_ended, self._queue, key))

    def _ended(self, key: str) -> list[Event]:
        """Report an evaluation that was lost and does not run any more."""
        if self._ending.pop(key, None) is None:
            return []
        return [Lost(key, "the connection to the scheduler broke", worker_died=False)]

    def _installed(self, generation: int, number: int) -> list[Event]:
        if self._installer is None or generation != self._generation:
            return []
        installed = self._installer.conclude(number)
        if installed is None or installed.worker not in self._workers:
            return []
        if installed.offer is None:
            del self._workers[installed.worker]  # if it is still there, the next look finds it
            return []
        self._ready.add(installed.worker)
        left, resources, packages = installed.offer
        self._versions.compare(installed.worker, packages)
        deadline = None if left is None else self.clock() + left
        slots = self._workers[installed.worker]
        return [WorkerJoined(installed.worker, slots, deadline, resources)]

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

    def interrupt(self, key: str) -> None:
        """Ask an evaluation to save itself."""
        evaluation = self._evaluations.get(key)
        if evaluation is not None and evaluation.worker in self._workers:
            job, worker = evaluation
            self._call([worker], on_worker.save, self._run, job.trial, job.attempt)

    def _end(self, evaluation: _Evaluation) -> None:
        """End the process of an evaluation, without waiting for it."""
        job, worker = evaluation
        if worker in self._workers:
            self._call([worker], on_worker.stop, self._run, job.trial, job.attempt, force=True)

    def _call(
        self,
        workers: list[str] | None,
        function: Callable[..., Any],
        *args: Any,
        timeout: float | None = None,
        **options: Any,
    ) -> concurrent.futures.Future[None]:
        """Have a function called on the loops of workers, without waiting for it."""
        client = self._client

        async def call() -> None:
            said = client.run(function, *args, workers=workers, on_error="ignore", **options)
            await asyncio.wait_for(said, timeout)

        future = asyncio.run_coroutine_threadsafe(call(), client.loop.asyncio_loop)
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
            self._call_for_one = None
            self._installer = None
            self._connection.close()
            for closer in self._closers:
                closer()


def _put_said(said: queue.SimpleQueue[tuple[str, Any]], event: tuple[float, Any]) -> None:
    said.put(("said", event[1]))


def _put_ended(
    ended: queue.SimpleQueue[tuple[str, Any]], key: str, call: concurrent.futures.Future[None]
) -> None:
    ended.put(("ended", key))


def _put_installed(ended: queue.SimpleQueue[tuple[str, Any]], generation: int, number: int) -> None:
    ended.put(("installed", (generation, number)))


def _placed(worker: str | None) -> dict[str, Any]:
    return {} if worker is None else {"workers": [worker], "allow_other_workers": True}


__all__ = ["DaskExecutor"]
