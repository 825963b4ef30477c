"""A worker's process: ``python -m phsx.clusters.local_worker``, settings on standard input."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import sys
from typing import Any

from distributed import Security, Worker
from distributed.core import Status

from phsx.clusters.parent import input_ended
from phsx.execution import worker as on_worker

#: Seconds that a worker waits for a scheduler, and that it may take to say goodbye.
PATIENCE, GOODBYE = 60, 1.0


async def serve(settings: dict[str, Any]) -> None:
    """Run a Dask worker until standard input ends or the scheduler is gone."""
    tls = settings["tls"]
    security = Security(
        require_encryption=True,
        tls_ca_file=tls["ca_file"],
        tls_worker_cert=tls["cert"],
        tls_worker_key=tls["key"],
        # The worker is a client of its peers when it fetches history from them.
        tls_client_cert=tls["cert"],
        tls_client_key=tls["key"],
    )
    ended = input_ended()
    directory = settings["directory"]
    try:
        over = asyncio.ensure_future(ended.wait())
        starting = asyncio.ensure_future(_start(settings, security))
        # Who started us may be gone, and the scheduler with it: that is not worth waiting for.
        await asyncio.wait([over, starting], return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            return
        worker = starting.result()
        logging.getLogger("distributed.worker").addFilter(_WhileServing(worker, ended))
        waits = [over, asyncio.ensure_future(worker.finished())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        on_worker.uninstall_all()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(worker.close(), GOODBYE)
            await asyncio.wait_for(worker.finished(), GOODBYE)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def _start(settings: dict[str, Any], security: Security) -> Worker:
    """Start a Dask worker; it looks for its scheduler for a while."""
    return await Worker(
        settings["scheduler"],
        name=settings["name"],
        nthreads=1,
        security=security,
        local_directory=settings["directory"],
        memory_limit=0,  # what takes memory is the target, in a process of its own
        dashboard=False,
        dashboard_address="127.0.0.1:0",
        death_timeout=PATIENCE,
        resources=settings.get("resources"),
    )


class _WhileServing(logging.Filter):
    """Lets records pass while the worker serves.

    One that is being closed may have a heartbeat on its way, whose broken connection Dask logs as
    an error with its traceback. It would be the last thing that a user finds in the log.
    """

    def __init__(self, worker: Worker, ended: asyncio.Event) -> None:
        super().__init__()
        self._worker = worker
        self._ended = ended

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether the worker serves."""
        return self._worker.status == Status.running and not self._ended.is_set()


def main() -> None:
    """Read the settings and serve."""
    logging.getLogger("distributed").setLevel(logging.WARNING)
    settings = json.loads(sys.stdin.buffer.readline())
    try:
        asyncio.run(serve(settings))
    finally:
        os._exit(0)  # whatever thread an evaluation still sits in


if __name__ == "__main__":
    main()
