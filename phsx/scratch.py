"""Directories for files that nobody needs after the process that made them.

A process that is killed cannot remove its own, and what was to clean up behind it may have been
killed with it, as a batch job is as a whole. So each is locked by its maker for as long as that
lives, and who makes a new one removes those that nobody holds any more.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
from pathlib import Path

_PREFIX = "phsx-scratch"
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


class Scratch:
    """A directory of this process in the system's temporary directory.

    Locks are those of `flock`, which the kernel lets go with their holder, however it ends. Where
    the file system has none, nothing is ever taken for abandoned. Directories bear the host's
    name, since other hosts may see them and not the locks.

    Attributes
    ----------
    path : str

    Raises
    ------
    OSError
        There is no room for a directory.

    Examples
    --------
    >>> scratch = Scratch()
    >>> Path(scratch.path).is_dir()
    True
    >>> scratch.remove()
    >>> Path(scratch.path).exists()
    False
    """

    def __init__(self) -> None:
        prefix = f"{_PREFIX}-{socket.gethostname().replace(os.sep, '-')}-"
        _sweep(prefix)
        self._descriptor: int | None = None
        while self._descriptor is None:
            self.path = tempfile.mkdtemp(prefix=prefix)
            self._descriptor = _held(self.path)

    def remove(self) -> None:
        """Remove the directory with everything in it; again does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            shutil.rmtree(self.path, ignore_errors=True)
            _let_go(descriptor)


def _held(path: str) -> int | None:
    """Lock a directory that was just made; None where somebody has found and removed it before."""
    try:
        descriptor = os.open(path, _OPEN)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        same = os.path.samestat(os.fstat(descriptor), Path(path).stat())
    except (BlockingIOError, FileNotFoundError):
        same = False
    except OSError:  # this file system has no locks, for nobody
        same = True
    if same:
        return descriptor
    os.close(descriptor)
    return None


def _let_go(descriptor: int) -> None:
    """Unlock and close, also where a copy of this process made by fork has the descriptor too."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    except OSError:  # there was no lock to be had
        pass
    finally:
        os.close(descriptor)


def _sweep(prefix: str) -> None:
    """Remove the directories of this user on this host that nobody holds."""
    try:
        with os.scandir(tempfile.gettempdir()) as entries:
            found = [entry.path for entry in entries if entry.name.startswith(prefix)]
    except OSError:
        return
    for path in found:
        _remove_abandoned(path)


def _remove_abandoned(path: str) -> None:
    try:
        descriptor = os.open(path, _OPEN)
    except OSError:  # somebody else's, a link, or gone
        return
    try:
        if os.fstat(descriptor).st_uid == os.getuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path, ignore_errors=True)
    except OSError:  # its maker lives, or there are no locks
        return
    finally:
        os.close(descriptor)
