"""A scheduler of ours: in a thread of this process, or for many workers in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask
from distributed import Scheduler, Security, SpecCluster
from distributed.core import Status
from distributed.deploy.spec import ProcessInterface

from phsx.clusters.descriptors import allow_files, files_needed
from phsx.clusters.environment import environment
from phsx.exceptions import ClusterError

#: Beyond so many workers the scheduler has a process of its own: it would take a good part of
#: this one's time, in which the master runs, and perhaps a notebook.
APART = 200
#: Seconds for it to start, and to end.
STARTING, CLOSING = 60.0, 5.0
#: Settings of every scheduler that phsx starts: the master places all tasks, copies of history
#: stay where they are, and the first death of a worker is made known.
SETTINGS = {
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.allowed-failures": 0,
}
#: Its web server, which Dask starts without a dashboard too, takes any port and is not for others:
#: by default that would be 8787 of every interface, and a warning where somebody has it.
OPTIONS = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}


def open_cluster(
    name: str,
    workers: int,
    options: Mapping[str, Any],
    security: Security | None,
    *,
    specification: Mapping[Any, Any] | None = None,
    log_directory: Path | None = None,
    silence_logs: Any = logging.ERROR,
) -> SpecCluster:
    """Start a scheduler.

    Parameters
    ----------
    name : str
        Of the cluster.
    workers : int
        How many there will be at most.
    options : mapping
        Of `distributed.Scheduler`, beyond `OPTIONS`.
    security : Security, optional
        None: in plain text.
    specification : mapping, optional
        Workers to be started too, as `distributed.SpecCluster` takes them.
    log_directory : Path, optional
        Where a scheduler in a process of its own writes its log.
    silence_logs : int or str
        What is logged here of Dask, at least.

    Raises
    ------
    ClusterError
        The limit of open files is too low, and cannot be raised.
    OSError, RuntimeError, ValueError, TypeError
        It cannot be started.
    """
    apart = workers > APART
    # A child process inherits the hard limit, so what it needs can be told here.
    allow_files(files_needed(workers), workers, here=not apart)
    given = {"protocol": "tls://" if security else None, "security": security}
    given |= OPTIONS | dict(options)
    cls: type[Any] = Scheduler
    if apart:
        log = None if log_directory is None else log_directory / "scheduler.txt"
        cls, given = SchedulerProcess, {"options": given, "workers": workers, "log": log}
    with dask.config.set(SETTINGS):
        return _Cluster(
            workers=dict(specification or {}),
            scheduler={"cls": cls, "options": given},
            security=security,
            name=name,
            silence_logs=silence_logs,
        )


class _Cluster(SpecCluster):  # type: ignore[misc]
    """A cluster that leaves nothing behind where it cannot start, or its scheduler is gone."""

    shutdown_scheduler: bool

    def __init__(self, **options: Any) -> None:
        try:
            super().__init__(**options)
        except BaseException:
            self.close()
            raise

    def close(self, timeout: float | None = None) -> Any:
        """End it; Dask would try for long to reach a scheduler that is gone, to end it."""
        if ended(self) and self.shutdown_scheduler:
            self.shutdown_scheduler = False
            self.sync(self.scheduler.close)
        return super().close(timeout)


def ended(cluster: SpecCluster) -> bool:
    """Tell whether the scheduler has a process of its own, which has ended."""
    scheduler = cluster.scheduler
    return isinstance(scheduler, SchedulerProcess) and not scheduler.alive


def check(cluster: SpecCluster) -> None:
    """Raise an error where a cluster's scheduler has ended by itself.

    Raises
    ------
    ClusterError
    """
    if ended(cluster):
        raise ClusterError(
            "the scheduler's process has ended; what has finished is recorded: run the experiment "
            "again to go on"
        )


class SchedulerProcess(ProcessInterface):  # type: ignore[misc]
    """A scheduler in a process of its own, which ends with this one.

    Parameters
    ----------
    options : mapping
        Of `distributed.Scheduler`; with plain values, but for `security`.
    workers : int
        How many there will be at most.
    log : Path, optional
    """

    def __init__(self, options: Mapping[str, Any], workers: int, log: Path | None = None) -> None:
        super().__init__()
        self._options = dict(options)
        self._security: Security | None = self._options.pop("security", None)
        self._workers = workers
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False
        self.contact_address: str | None = None

    @property
    def status(self) -> Status:
        """What Dask is told: one that has ended is not asked for anything."""
        found: Status = super().status
        return Status.failed if found == Status.running and not self.alive else found

    @status.setter
    def status(self, status: Status) -> None:
        ProcessInterface.status.fset(self, status)

    async def start(self) -> None:
        """Start it, and wait until it listens.

        Raises
        ------
        RuntimeError
            It cannot start, in its own words.
        TypeError
            An option is no plain value.
        """
        settings = json.dumps(
            {
                "options": self._options,
                "files": files_needed(self._workers),
                "config": dask.config.serialize(dask.config.config),
                "tls": self._security and self._security.get_tls_config_for_role("scheduler"),
            }
        )
        with contextlib.ExitStack() as stack:
            log: Any = subprocess.DEVNULL
            if self._log is not None:
                log = stack.enter_context(self._log.open("ab"))
            self._process = subprocess.Popen(
                [sys.executable, "-m", "phsx.clusters.scheduler_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the master's business
                env=environment(),
            )
        try:
            said = asyncio.to_thread(self._exchange, settings.encode() + b"\n")
            found = await asyncio.wait_for(said, STARTING)
        except BaseException:
            await self.close()
            raise
        self.address, self.contact_address = found["address"], found["contact_address"]
        await super().start()

    def _exchange(self, settings: bytes) -> dict[str, Any]:
        """Tell the process what it is to do, and return what it says of that."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("there is no process")
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(settings)
            process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            where = "" if self._log is None else f"; its log is {self._log}"
            raise RuntimeError(f"the scheduler's process ended before it listened{where}")
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise RuntimeError(said["error"])
        return said

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    async def close(self) -> None:
        """End the process: politely, then not."""
        process = self._process
        if process is not None and not self._closed:
            self._closed = True
            if process.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()
            try:
                await asyncio.to_thread(process.wait, CLOSING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()
        if self._log is not None:
            with contextlib.suppress(OSError):
                if self._log.stat().st_size == 0:
                    self._log.unlink()
        await super().close()
