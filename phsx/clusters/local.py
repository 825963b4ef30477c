"""Workers as processes of this machine: one slot each, TLS between them, started anew if they die.

Dask's own `LocalCluster` is not used because it starts its processes by `multiprocessing`, which
imports the user's script once more in every worker.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distributed import Security, SpecCluster
from distributed.core import Status
from distributed.deploy.spec import ProcessInterface

from phsx.clusters.environment import environment
from phsx.clusters.scheduler import open_cluster
from phsx.execution.devices import OWN
from phsx.execution.resources import GPU
from phsx.scratch import Scratch

logger = logging.getLogger(__name__)

#: Seconds between looks at whether a worker's process is alive, and that closing may take.
WATCH, CLOSING = 0.2, 3.0
#: Seconds to wait before a worker that died at once is started again: doubled up to the limit.
BACKOFF, BACKOFF_LIMIT = 0.2, 30.0


class LocalWorker(ProcessInterface):  # type: ignore[misc]
    """One worker process, started again whenever it ends by itself.

    The process gets its settings, the TLS credentials among them, on its standard input, where
    nobody else can read them; and it ends when that is closed, by us or by our death.
    """

    def __init__(
        self,
        scheduler: str,
        security: Security,
        log: str | None = None,
        gpus: Sequence[str] = (),
        name: object = None,
    ) -> None:
        super().__init__(scheduler=scheduler, name=name)
        self._gpus = gpus
        self._scheduler = scheduler
        self._security = security
        self._log = log
        self._name = name
        self._starts = 0
        self._scratch: Scratch | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process; it connects to the scheduler by itself."""
        self._spawn()
        self._watcher = asyncio.create_task(self._watch())
        await super().start()

    def _spawn(self) -> None:
        self._starts += 1
        self._scratch = Scratch()
        settings = {
            "scheduler": self._scheduler,
            # A name is free again only when the scheduler has noticed the death.
            "name": f"{self._name}" if self._starts == 1 else f"{self._name}-{self._starts}",
            "directory": self._scratch.path,
            "tls": self._security.get_tls_config_for_role("worker"),
            "resources": {GPU: len(self._gpus)} if self._gpus else {},
        }
        variables = {OWN: ",".join(self._gpus)} if self._gpus else {}
        with contextlib.ExitStack() as stack:
            log: Any = subprocess.DEVNULL
            if self._log is not None:
                log = stack.enter_context(Path(self._log).open("ab"))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "phsx.clusters.local_worker"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the master's business
                env=environment() | variables,
            )
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.write(json.dumps(settings).encode() + b"\n")
                self._process.stdin.flush()

    async def _watch(self) -> None:
        backoff = BACKOFF
        while True:
            lived = 0.0
            while self._process is not None and self._process.poll() is None:
                await asyncio.sleep(WATCH)
                lived += WATCH
            backoff = BACKOFF if lived > BACKOFF_LIMIT else min(2 * backoff, BACKOFF_LIMIT)
            await asyncio.sleep(backoff)
            self._release()
            self._remove_directory()
            try:
                self._spawn()
            except OSError as error:  # no room for a directory or a process: that may change
                logger.warning("worker %s could not be started again: %s", self._name, error)

    def _release(self) -> None:
        """Let the process end by itself, if it has not ended yet."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()

    async def close(self) -> None:
        """End the process: politely, then not."""
        if self._watcher is not None:
            self._watcher.cancel()
        self._release()
        if self._process is not None:
            waited = 0.0
            while self._process.poll() is None and waited < CLOSING:
                await asyncio.sleep(0.02)
                waited += 0.02
            if self._process.poll() is None:
                self._process.kill()
                self._process.wait()
        self._remove_directory()
        self._drop_empty_log()
        if self.status != Status.closed:
            await super().close()

    def _remove_directory(self) -> None:
        """Remove what a worker leaves that was killed."""
        if self._scratch is not None:
            self._scratch.remove()

    def _drop_empty_log(self) -> None:
        if self._log is not None:
            log = Path(self._log)
            with contextlib.suppress(OSError):  # gone, or the directory has other logs
                if log.stat().st_size == 0:
                    log.unlink()
                log.parent.rmdir()


def local_cluster(
    workers: int, log_directory: Path | None = None, gpus: Sequence[Sequence[str]] | None = None
) -> SpecCluster:
    """Start a scheduler and worker processes.

    Parameters
    ----------
    workers : int
        How many, one slot each.
    log_directory : Path, optional
        Where each worker writes its log; nowhere by default.
    gpus : sequence, optional
        What the GPUs of each worker are called, that trials may ask for.

    Returns
    -------
    distributed.SpecCluster
        Reachable over the loopback interface alone, by TLS with credentials made for it.
    """
    security = Security.temporary()
    specification = {
        number: {
            "cls": LocalWorker,
            "options": {
                "security": security,
                "log": log_directory and str(log_directory / f"worker-{number}.txt"),
                "gpus": gpus[number] if gpus else (),
            },
        }
        for number in range(workers)
    }
    options = {"host": "127.0.0.1"}
    return open_cluster(
        "phsx-local",
        workers,
        options,
        security,
        specification=specification,
        log_directory=log_directory,
    )
