"""Runs tasks on the jobs of a queue system: a Dask cluster that is lost and replaced in parts."""

from __future__ import annotations

import asyncio
import concurrent.futures
from dataclasses import replace

import distributed

from phsx.clusters.deadline import remaining_here
from phsx.clusters.provision import Provision
from phsx.execution.base import Event, WorkerJoined, WorkerLeft
from phsx.execution.dask import DaskExecutor


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
        self._asked: dict[str, tuple[WorkerJoined, concurrent.futures.Future[float | None]]] = {}

    def wait(self, timeout: float | None) -> list[Event]:
        """Collect what happened; a worker is announced when it has said how long it lives."""
        self._provision.check()
        events: list[Event] = []
        for event in super().wait(timeout):
            if isinstance(event, WorkerJoined):
                self._ask(event)
                continue
            if isinstance(event, WorkerLeft) and event.worker in self._asked:
                del self._asked[event.worker]
                continue
            events.append(event)
        return events + self._answered()

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
