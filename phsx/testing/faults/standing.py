"""Somebody's Dask cluster, in processes of its own: to be killed, frozen and started again."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

from phsx.testing.faults.patience import until

_SCHEDULER = """
import asyncio, sys
from distributed import Scheduler

async def main():
    async with Scheduler(
        host="127.0.0.1", port=int(sys.argv[1]), dashboard=False, dashboard_address="127.0.0.1:0"
    ) as scheduler:
        await scheduler.finished()

asyncio.run(main())
"""

_WORKER = """
import asyncio, os, sys
from distributed import Worker

async def main():
    worker = await Worker(
        sys.argv[1], name=sys.argv[2], nthreads=1, memory_limit=0, dashboard=False,
        local_directory=sys.argv[3],
    )
    await worker.finished()

try:
    asyncio.run(main())
finally:
    os._exit(0)
"""

#: Seconds between looks at whether a worker is to be started again.
_WATCH = 0.1


class StandingCluster:
    """A scheduler at a fixed address, and workers with one thread each.

    Without TLS and with Dask's own settings, as clusters are that phsx has not started.

    Parameters
    ----------
    workers : int
        How many there are at first.
    revive : bool
        Whether a worker that has ended is started again, as a batch system or a nanny would.
    settings : mapping of str to str
        Of Dask, as environment variables: ``{"SCHEDULER__WORKER_TTL": "2s"}``.
    entry : str, optional
        Address by which workers reach the scheduler, such as that of a `Relay`.

    Attributes
    ----------
    port : int
    address : str
        Of the scheduler.
    workers : list of subprocess.Popen
        Those that run, or ran when they were last looked at.
    """

    def __init__(
        self,
        workers: int,
        *,
        revive: bool = False,
        settings: Mapping[str, str] | None = None,
        entry: str | None = None,
    ) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self._entry = entry or self.address
        self._settings = {f"DASK_DISTRIBUTED__{k}": v for k, v in (settings or {}).items()}
        self._scratch = tempfile.TemporaryDirectory(prefix="phsx-standing-")
        self._count = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self.workers: list[subprocess.Popen[bytes]] = []
        self.start_scheduler()
        for _ in range(workers):
            self.add()
        self._watcher = threading.Thread(target=self._revive, daemon=True)
        if revive:
            self._watcher.start()

    def _start(
        self, code: str, *arguments: str, directory: str | None = None
    ) -> subprocess.Popen[bytes]:
        log = Path(self._scratch.name) / "log.txt"
        root = str(Path(__file__).resolve().parents[3])
        path = os.pathsep.join(filter(None, [directory, root, os.environ.get("PYTHONPATH")]))
        with log.open("ab") as file:
            return subprocess.Popen(
                [sys.executable, "-W", "ignore", "-c", code, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
                env=os.environ | self._settings | {"PYTHONPATH": path},
            )

    def log(self) -> str:
        """Return what scheduler and workers have said."""
        return (Path(self._scratch.name) / "log.txt").read_text()

    # ------------------------------------------------------------ the scheduler

    def start_scheduler(self) -> None:
        """Start it, at the address that it always has, and wait until it listens there."""
        self.scheduler = self._start(_SCHEDULER, str(self.port))
        until(self._listens, what=self.log)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
            return True
        return False

    def kill_scheduler(self) -> None:
        """Kill it."""
        self.scheduler.kill()
        self.scheduler.wait()

    # ------------------------------------------------------------ workers

    def add(
        self, entry: str | None = None, *, directory: str | None = None
    ) -> subprocess.Popen[bytes]:
        """Start another worker; what is in `directory` it can import."""
        self._count += 1
        name = f"w{self._count}"
        where = entry or self._entry
        worker = self._start(_WORKER, where, name, self._scratch.name, directory=directory)
        with self._lock:
            self.workers.append(worker)
        return worker

    def kill(self, *workers: subprocess.Popen[bytes], number: int = signal.SIGKILL) -> None:
        """Send a signal to workers; by default all are killed."""
        for worker in workers or tuple(self.workers):
            with contextlib.suppress(ProcessLookupError):
                worker.send_signal(number)

    def alive(self) -> int:
        """Return how many workers run."""
        return sum(worker.poll() is None for worker in self.workers)

    def _revive(self) -> None:
        while not self._over.wait(_WATCH):
            with self._lock:
                ended = [worker for worker in self.workers if worker.poll() is not None]
                self.workers = [worker for worker in self.workers if worker not in ended]
            for _ in ended:
                self.add()

    def close(self) -> None:
        """Kill everything."""
        self._over.set()
        if self._watcher.is_alive():
            self._watcher.join()
        for process in [*self.workers, self.scheduler]:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()
        self._scratch.cleanup()

    def __enter__(self) -> StandingCluster:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
