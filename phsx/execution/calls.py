"""Functions that are called on the loops of workers, without waiting for them."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable
from typing import Any

from phsx.execution import worker as on_worker
from phsx.execution.connection import Connection
from phsx.execution.evaluation import Job
from phsx.execution.remote import end, uninstall

#: Seconds that a worker is given to end an evaluation that was lost with the connection.
END_TIMEOUT = 10.0


class Calls:
    """What a run asks of workers beside its tasks.

    Parameters
    ----------
    connection : Connection
    run : str
        The run's id.
    """

    def __init__(self, connection: Connection, run: str) -> None:
        self._connection = connection
        self._run = run
        self._calls: set[concurrent.futures.Future[None]] = set()

    def stop(self, job: Job, worker: str) -> None:
        """Begin to end the process of an evaluation."""
        self._call([worker], on_worker.stop, self._run, job.trial, job.attempt, force=True)

    def save(self, job: Job, worker: str) -> None:
        """Ask an evaluation to save itself."""
        self._call([worker], on_worker.save, self._run, job.trial, job.attempt)

    def end(self, job: Job, worker: str, ended: Callable[[object], object]) -> None:
        """End an evaluation; `ended` is called when it does not run any more, or nobody answers."""
        call = self._call([worker], end, self._run, job.trial, job.attempt, timeout=END_TIMEOUT)
        call.add_done_callback(ended)

    def uninstall(self, timeout: float) -> None:
        """Have all workers forget the run, and wait for that."""
        # All that are there now, which may be others than those known.
        concurrent.futures.wait([self._call(None, uninstall, self._run)], timeout)

    def close(self) -> None:
        """Give up what was not answered."""
        for call in list(self._calls):
            call.cancel()

    def _call(
        self,
        workers: list[str] | None,
        function: Callable[..., Any],
        *args: Any,
        timeout: float | None = None,
        **options: Any,
    ) -> concurrent.futures.Future[None]:
        client = self._connection.client

        async def call() -> None:
            said = client.run(function, *args, workers=workers, on_error="ignore", **options)
            await asyncio.wait_for(said, timeout)

        future = asyncio.run_coroutine_threadsafe(call(), client.loop.asyncio_loop)
        self._calls.add(future)
        future.add_done_callback(self._calls.discard)
        return future


__all__ = ["END_TIMEOUT", "Calls"]
