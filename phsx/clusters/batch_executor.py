"""Runs tasks on the jobs of a queue system: a Dask cluster that is lost and replaced in parts."""

from __future__ import annotations

import asyncio
import concurrent.futures
from dataclasses import replace

import distributed

from phsx.clusters.deadline import remaining_here
from phsx.clusters.provision import Provision
from phsx.execution.base import Event, Finished, Lost, WorkerJoined, WorkerLeft
from phsx.execution.dask import DaskExecutor
from phsx.execution.evaluation import Job, Outcome

#: What is said of a trial whose process was ended by a signal that queue systems send.
SIGNALS = ("signal 15", "signal 9")
#: Seconds in which a worker goes whose job was ended; its trials' processes may go first.
FOLLOWING = 5.0


class BatchExecutor(DaskExecutor):
    """An executor that says of each worker when its job ends, and keeps the jobs.

    Parameters
    ----------
    client : distributed.Client
        Of the provision's cluster.
    provision : Provision
        Open. It is closed with the executor, as is the client.
    """

    def __init__(self, client: distributed.Client, provision: Provision) -> None:
        super().__init__(client, [client.close, provision.close])
        self._asker = client
        self._provision = provision
        self._places: dict[str, str] = {}
        self._held: dict[str, tuple[Finished, float]] = {}
        self._asked: dict[str, tuple[WorkerJoined, concurrent.futures.Future[float | None]]] = {}

    def evaluate(self, key: str, job: Job, worker: str) -> None:
        """Submit an evaluation."""
        self._places[key] = worker
        super().evaluate(key, job, worker)

    def wait(self, timeout: float | None) -> list[Event]:
        """Collect what happened; a worker is announced when it has said how long it lives.

        A queue system that ends a job ends its trials' processes too: what looks like a crash of
        one is none where the worker goes as well.
        """
        self._provision.check()
        if self._held:
            timeout = min(1.0, timeout or 0.0)
        events: list[Event] = []
        for event in super().wait(timeout):
            if isinstance(event, Finished) and _signalled(event):
                self._held[event.key] = event, self.clock() + FOLLOWING
                continue
            if isinstance(event, WorkerLeft):
                events += self._gone(event.worker)
            if isinstance(event, Finished | Lost):
                self._places.pop(event.key, None)
            if isinstance(event, WorkerJoined):
                self._ask(event)
                continue
            if isinstance(event, WorkerLeft) and event.worker in self._asked:
                del self._asked[event.worker]
                continue
            events.append(event)
        return events + self._late() + self._answered()

    def _gone(self, worker: str) -> list[Event]:
        """Return what is to be said of crashes on a worker that has gone."""
        events: list[Event] = []
        for key in [key for key in self._held if self._places[key] == worker]:
            del self._held[key], self._places[key]
            events.append(Lost(key, f"the job of worker {worker} was ended", worker_died=False))
        return events

    def _late(self) -> list[Event]:
        """Return crashes whose worker has stayed."""
        now = self.clock()
        late = [key for key, (_, until) in self._held.items() if now >= until]
        for key in late:
            del self._places[key]
        return [self._held.pop(key)[0] for key in late]

    def cancel(self, key: str) -> None:
        """Cancel a task."""
        self._held.pop(key, None)
        self._places.pop(key, None)
        super().cancel(key)

    def _ask(self, event: WorkerJoined) -> None:
        async def ask() -> float | None:
            answers = await self._asker.run(
                remaining_here, workers=[event.worker], on_error="ignore"
            )
            left: float | None = answers.get(event.worker)
            return left

        future = asyncio.run_coroutine_threadsafe(ask(), self._asker.loop.asyncio_loop)
        self._asked[event.worker] = event, future
        future.add_done_callback(lambda _: self.wake())

    def _answered(self) -> list[Event]:
        events: list[Event] = []
        for worker, (event, future) in list(self._asked.items()):
            if not future.done():
                continue
            del self._asked[worker]
            left = None if future.cancelled() or future.exception() else future.result()
            deadline = None if left is None else self.clock() + left
            events.append(replace(event, deadline=deadline))
        return events

    def demand(self, trials: int | None) -> None:
        """Tell how many trials could run now at most: jobs follow."""
        self._provision.need(trials)
        if trials is not None:
            busy = {evaluation.worker for evaluation in self._evaluations.values()}
            self._provision.spare(self._workers.keys() - busy)

    def release(self, worker: str) -> None:
        """Give up a worker on which nothing fits any more; another job takes its place."""
        self._provision.release(worker)

    def close(self) -> None:
        """End what runs, and the jobs."""
        for _, future in self._asked.values():
            future.cancel()
        self._asked.clear()
        super().close()


def _signalled(event: Finished) -> bool:
    """Tell whether an evaluation's process was ended by a signal that queue systems send."""
    outcome = event.value
    return (
        isinstance(outcome, Outcome)
        and outcome.state == "crashed"
        and any(signal in (outcome.error or "") for signal in SIGNALS)
    )
