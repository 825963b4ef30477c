"""A small process that cleans up behind a worker that was killed.

The kernel ends a worker's children with it, but not the programs that these have started, nor the
files. The guard, one per worker, waits at a pipe that closes when the worker is gone in whatever
way. It is run by its path, without phsx and without site-packages.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
from collections.abc import Iterable
from typing import IO


class Guard:
    """The worker's side: what the guard is to clean up is told line by line."""

    def __init__(self) -> None:
        import subprocess

        command = [sys.executable, "-I", "-S", __file__]
        null = subprocess.DEVNULL
        # A session of its own, so that what ends the worker's process group spares it.
        # Unbuffered, since a buffer has a lock, which a copy made by fork may find held.
        self._process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=null,
            stderr=null,
            start_new_session=True,
        )
        self._lock = threading.Lock()
        pipe = self._process.stdin
        if pipe is None:
            raise OSError("the guard process has no pipe")
        self._pipe: IO[bytes] = pipe

    def add(self, kind: str, name: str) -> None:
        """Clean up a ``"group"`` of processes, or a ``"directory"``, when this process is gone."""
        self._write(f"+{kind} {name}\n")

    def remove(self, kind: str, name: str) -> None:
        """Forget what was added."""
        self._write(f"-{kind} {name}\n")

    def forked(self) -> None:
        """Close the pipe in a copy of this process, which is none of the guard's concern."""
        self._pipe.close()

    def close(self) -> None:
        """End the guard, which cleans up what is left."""
        with self._lock:
            self._pipe.close()
        self._process.wait()

    def _write(self, line: str) -> None:
        with self._lock:
            try:
                self._pipe.write(line.encode("utf-8", "surrogateescape"))
            except (OSError, ValueError):  # somebody ended the guard; the kernel's net remains
                return


def watch(lines: Iterable[bytes]) -> None:
    """Follow the worker's lines to their end, then clean up what is still there."""
    left: dict[tuple[str, str], None] = {}
    for line in lines:
        kind, _, name = line.decode("utf-8", "surrogateescape").rstrip("\n").partition(" ")
        if kind.startswith("+"):
            left[kind[1:], name] = None
        else:
            left.pop((kind[1:], name), None)
    for kind, name in left:
        if kind == "group":
            try:
                os.killpg(int(name), signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
    for kind, name in left:
        if kind == "directory":
            shutil.rmtree(name, ignore_errors=True)


if __name__ == "__main__":
    watch(sys.stdin.buffer)
