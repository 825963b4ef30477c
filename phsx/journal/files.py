"""Files as crash safety and network file systems need them: exclusive, whole, on the disk."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}
_NO_DIRECTORY_SYNC = {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EBADF}
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def publish(path: Path, data: bytes, nonce: str, *, replace: bool = False) -> int:
    """Make a file appear under its name with all of its content, and return its descriptor.

    Parameters
    ----------
    path : Path
        The file's name.
    data : bytes
        Its content, on the disk before the name exists.
    nonce : str
        What makes the temporary name unique.
    replace : bool
        Whether an existing file is replaced. Otherwise exactly one of several callers succeeds.

    Raises
    ------
    FileExistsError
        The file exists and is not to be replaced.
    OSError
        It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{nonce}.tmp")
    descriptor = os.open(temporary, _CREATE, 0o666)
    try:
        write_all(descriptor, data)
        os.fsync(descriptor)
        if replace:
            temporary.replace(path)
            return descriptor
        try:
            os.link(temporary, path)
        except FileExistsError:
            # A network file system that repeats a request whose answer was lost says that the
            # name exists although it was this process that made it.
            if os.fstat(descriptor).st_nlink < 2:
                raise
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _publish_without_links(path, data, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return descriptor


def _publish_without_links(path: Path, data: bytes, descriptor: int) -> None:
    """Create the file itself exclusively: readers may see it before it is whole."""
    created = os.open(path, _CREATE, 0o666)
    try:
        write_all(created, data)
        os.fsync(created)
        os.dup2(created, descriptor, inheritable=False)
    finally:
        os.close(created)


def remove_leftovers(directory: Path, nonce: str) -> None:
    """Remove the temporary files of a process that died in the middle of `publish`."""
    for temporary in directory.glob(f".*.{nonce}.tmp"):
        with suppress(OSError):
            temporary.unlink()


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data` or raise OSError. A short write is a full disk, and not continued."""
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes were written")


def read_small(path: Path, limit: int) -> bytes:
    """Return the first `limit` bytes of a regular file; never wait on a pipe or a device."""
    descriptor = open_regular(path)
    try:
        return os.read(descriptor, limit)
    finally:
        os.close(descriptor)


def open_regular(path: Path) -> int:
    """Open a file for reading; OSError where it is a pipe, a device or a directory."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def sync_directory(directory: Path) -> None:
    """Bring new names in a directory to the disk, where its file system can do that."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_SYNC:
            raise
    finally:
        os.close(descriptor)
