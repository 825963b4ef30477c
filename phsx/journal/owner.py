"""Who writes a journal: a process, told apart from every other one."""

from __future__ import annotations

import os
import re
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: Nonces of the openings of this very process that still go on.
LIVE: set[str] = set()

#: Where queue systems tell a process in which job it runs: Slurm, PBS, LSF, OAR.
_JOBS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "OAR_JOB_ID")

_TYPES = {"host": str, "boot": str, "pid": int, "nonce": str, "since": float, "command": str}


@dataclass(frozen=True)
class Owner:
    """A process that writes, or wrote, a journal.

    Attributes
    ----------
    host : str
        Name of its host.
    boot : str
        What tells this boot of the host, and this process name space, from others: hosts may have
        equal names, and containers of one host do not see each other's processes.
    pid : int
        Its process id.
    start : int or None
        When it started, in clock ticks after the boot: process ids are used again. None where the
        system does not tell.
    nonce : str
        A random number in hexadecimal, new for every opening of a journal.
    since : float
        When it opened the journal, in seconds since 1970 by its own clock.
    command : str
        What it was asked to do.
    job : str or None
        The id of the batch job that it runs in, if it does.
    """

    host: str
    boot: str
    pid: int
    start: int | None
    nonce: str
    since: float
    command: str = ""
    job: str | None = None

    @classmethod
    def here(cls, command: str, now: float) -> Owner:
        """Return this process as an owner."""
        pid = os.getpid()
        start = _start(pid)
        nonce = secrets.token_hex(8)
        job = next((os.environ[name][:100] for name in _JOBS if os.environ.get(name)), None)
        return cls(socket.gethostname(), _boot(), pid, start, nonce, now, command[:500], job)

    @classmethod
    def of(cls, fields: object) -> Owner | None:
        """Return the owner that JSON fields describe; None where they describe none."""
        if not isinstance(fields, Mapping):
            return None
        start, job = fields.get("start"), fields.get("job")
        if not all(type(fields.get(name)) is kind for name, kind in _TYPES.items()):
            return None
        if start is not None and type(start) is not int:
            return None
        if job is not None and type(job) is not str:
            return None
        if fields["pid"] <= 0 or not re.fullmatch("[0-9a-f]{16}", fields["nonce"]):
            return None
        return cls(start=start, job=job, **{name: fields[name] for name in _TYPES})

    def to_dict(self) -> dict[str, Any]:
        """Return the owner as JSON fields."""
        return asdict(self)

    def alive(self) -> bool | None:
        """Tell whether the process lives; None where that cannot be known from here."""
        if self.host != socket.gethostname() or self.boot != _boot():
            return None
        if not process_lives(self.pid) or _start(self.pid) != self.start:
            return False
        return self.pid != os.getpid() or self.nonce in LIVE

    def __str__(self) -> str:
        command = f" ({self.command})" if self.command else ""
        try:
            since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since))
        except (OverflowError, ValueError, OSError):
            since = "an unknown time"
        job = f", job {self.job}" if self.job else ""
        text = f"process {self.pid} on host {self.host}{job}{command}, since {since}"
        # It may come from a stranger's file: nothing in it is to steer a terminal.
        return "".join(char if char.isprintable() else "?" for char in text)


def process_lives(pid: int) -> bool:
    """Tell whether there is a process of this number on this host, and it has not ended."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # somebody else's, but there
    return not _is_zombie(pid)


def _boot() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot}/{space}"


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name, from the state on; [] without them."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _start(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[19]) if len(fields) > 19 else None


def _is_zombie(pid: int) -> bool:
    return _stat(pid)[:1] in (["Z"], ["X"])
