"""The lease: a file that says who writes a journal, and that it still lives."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path

from phsx.exceptions import JournalError, LeaseError
from phsx.journal.files import publish, read_small
from phsx.journal.owner import LIVE, Owner

_MAX_LENGTH = 2**16
_LOG = logging.getLogger(__name__)


def lease_path(directory: Path) -> Path:
    """Return the file of the lease."""
    return directory / "lease.json"


def read_lease(directory: Path) -> bytes | None:
    """Return the lease as it stands; None where there is none."""
    path = lease_path(directory)
    try:
        return read_small(path, _MAX_LENGTH)
    except FileNotFoundError:
        return b"" if path.is_symlink() else None  # a link to nowhere names nobody


def parse_lease(content: bytes) -> Owner | None:
    """Return whom a lease names; None where it cannot be read."""
    try:
        return Owner.of(json.loads(content))
    except (ValueError, RecursionError):
        return None


def holder(directory: str | os.PathLike[str]) -> Owner | None:
    """Return who holds the lease of an experiment's journal, dead or alive; None for nobody.

    `Owner.alive` tells whether it lives, where that can be known from this host.

    Raises
    ------
    JournalError
        The lease cannot be read.
    """
    try:
        content = read_lease(Path(directory))
    except OSError as error:
        raise JournalError(
            f"The lease {lease_path(Path(directory))}, which says who runs the experiment, cannot "
            f"be read: {error.strerror}."
        ) from error
    return parse_lease(content) if content is not None else None


class Lease:
    """A lease that this process holds, with the thread that keeps it fresh.

    The heartbeat is written in place, through the descriptor of the very file that was created.
    So a master that slept through its own takeover beats on a file without a name, and can never
    put its lease back over that of its successor.

    Parameters
    ----------
    directory : Path
        The experiment's directory.
    owner : Owner
        This process.
    interval : float
        Seconds between heartbeats.
    replace : bool
        Whether a dead owner's lease is replaced. Otherwise only one of several takers gets it.

    Raises
    ------
    FileExistsError
        There is a lease already.
    """

    def __init__(
        self, directory: Path, owner: Owner, interval: float, *, replace: bool = False
    ) -> None:
        self.owner = owner
        self._path = lease_path(directory)
        self._interval = interval
        self._beat = 0
        self._beaten = time.monotonic()
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._descriptor = publish(self._path, self._content(), owner.nonce, replace=replace)
        self._thread = threading.Thread(target=self._keep, name="phsx-lease", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Make sure that the lease is still held.

        Raises
        ------
        LeaseError
            It is not: somebody else took it, or it was removed.
        """
        try:
            content = read_small(self._path, _MAX_LENGTH)
        except FileNotFoundError:
            content = b""
        if self.owner.nonce.encode() not in content:
            raise LeaseError(
                f"This master has lost its lease {self._path}: it is now held by "
                f"{parse_lease(content) or 'nobody'}. It stops, because only one may write."
            )
        if time.monotonic() - self._beaten > 2 * self._interval:
            self.beat()  # the thread was held up: show life before writing, not after

    def beat(self) -> None:
        """Renew the heartbeat; OSError where it cannot be written."""
        with self._lock:
            if self._released.is_set():
                return
            self._beat += 1
            os.pwrite(self._descriptor, self._content(), 0)
            os.fsync(self._descriptor)
            self._beaten = time.monotonic()

    def release(self) -> None:
        """Let the lease go; without effect when it is lost already."""
        with self._lock:
            if self._released.is_set():
                return
            self._released.set()
            os.close(self._descriptor)
            LIVE.discard(self.owner.nonce)
        self._thread.join()
        with suppress(OSError):
            if self.owner.nonce.encode() in read_small(self._path, _MAX_LENGTH):
                self._path.unlink()

    def _content(self) -> bytes:
        # Of constant length, so that rewriting it in place leaves nothing of the older one.
        owner = json.dumps(self.owner.to_dict())[:-1]
        return f'{owner}, "beat": {self._beat:10}}}\n'.encode("ascii")

    def _keep(self) -> None:
        failing = False
        while not self._released.wait(self._interval):
            try:
                self.beat()
            except OSError as error:
                if not failing:
                    _LOG.warning("The lease %s cannot be renewed: %s", self._path, error)
                failing = True
            else:
                failing = False
