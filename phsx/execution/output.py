"""Where the output of a trial goes: into files of its own, whoever writes it."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from typing import Any, TextIO

#: Files in a trial's directory, by descriptor.
FILES = {1: "stdout.txt", 2: "stderr.txt"}


class Output:
    """Sends the descriptors 1 and 2 of this process to files while a trial runs.

    Descriptors and not `sys.stdout`, so that C code and child processes are captured too. Both
    Python's and C's standard output are line-buffered: the files can be watched, and a process
    that is killed leaves what it has written.
    """

    def __init__(self) -> None:
        self._kept = {descriptor: os.dup(descriptor) for descriptor in FILES}
        self._streams: dict[int, TextIO] = {}
        self._libc = _c_library()
        _line_buffer(self._libc)

    def begin(self, directory: str, attempt: int) -> None:
        """Redirect to the files in `directory`, behind what earlier attempts left there.

        Raises
        ------
        OSError
            The files cannot be written.
        """
        opened: dict[int, int] = {}
        try:
            for descriptor, name in FILES.items():
                path = os.path.join(directory, name)  # noqa: PTH118 - pathlib would cost imports
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                opened[descriptor] = os.open(path, flags, 0o666)
            for descriptor, file in opened.items():
                if attempt > 1 or os.fstat(file).st_size:
                    os.write(file, _separator(attempt))
                os.dup2(file, descriptor)
        except OSError:
            self.end()
            raise
        finally:
            for file in opened.values():
                os.close(file)
        # A target may have replaced or closed them.
        sys.stdout = self._stream(1, "stdout")
        sys.stderr = self._stream(2, "stderr")

    def end(self) -> None:
        """Write what is buffered and let go of the files."""
        for stream in (sys.stdout, sys.stderr, *self._streams.values()):
            _flush(stream)
        if self._libc is not None:
            self._libc.fflush(None)
        for descriptor, kept in self._kept.items():
            os.dup2(kept, descriptor)

    def _stream(self, descriptor: int, name: str) -> TextIO:
        stream = self._streams.get(descriptor)
        if stream is None or stream.closed:
            stream = open(  # noqa: SIM115 - lives as long as the process
                descriptor,
                "w",
                buffering=1,
                encoding="utf-8",
                errors="backslashreplace",
                closefd=False,
            )
            self._streams[descriptor] = stream
            setattr(sys, f"__{name}__", stream)
        return stream


def tail(path: str, limit: int = 10_000) -> str | None:
    """Return the last `limit` bytes of a file as text, or None where there is no such file."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - pathlib would cost imports
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - limit))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return None


def _separator(attempt: int) -> bytes:
    when = time.strftime("%Y-%m-%d %H:%M:%S")
    return f"--- attempt {attempt}, {when}, {os.uname().nodename} ---\n".encode()


def _flush(stream: Any) -> None:
    try:
        stream.flush()
    except (OSError, ValueError, AttributeError):  # a full disk, closed, or no stream at all
        return


def _c_library() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except OSError:  # a static build
        return None


def _line_buffer(libc: ctypes.CDLL | None) -> None:
    """Make C's stdout line-buffered, which it is not where it goes to a file."""
    if libc is None:
        return
    name = "__stdoutp" if sys.platform == "darwin" else "stdout"
    line_buffered = 1
    try:
        stream = ctypes.c_void_p.in_dll(libc, name)
    except ValueError:
        return
    libc.setvbuf(stream, None, line_buffered, ctypes.c_size_t(0))
