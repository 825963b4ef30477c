"""A small process that cleans up behind a worker that was killed.

The kernel ends a worker's children with it, but not the programs that these have started, nor the
files. The guard, one per worker, waits at a pipe that closes when the worker is gone in whatever
way. It is run by its path, without phsx and without site-packages.

A program that has left its child's process group is known by a mark in its environment.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterable
from typing import IO

#: The variable by which the programs that a child has started are known.
MARK = "PHSX_CHILD"
#: How often marked processes are looked for, since those found may have started others, and the
#: seconds in between.
_ROUNDS, _PAUSE = 20, 0.005


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
            # Not marked, where this worker was itself started by a trial.
            env={name: value for name, value in os.environ.items() if name != MARK},
        )
        self._lock = threading.Lock()
        pipe = self._process.stdin
        if pipe is None:
            raise OSError("the guard process has no pipe")
        self._pipe: IO[bytes] = pipe

    def add(self, kind: str, name: str) -> None:
        """Clean up something when this process is gone.

        Parameters
        ----------
        kind : str
            ``"group"`` of processes, by its number; what has a ``"mark"``; or a ``"directory"``.
        name : str
        """
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
    end_marked({name for kind, name in left if kind == "mark"})
    for kind, name in left:
        if kind == "directory":
            shutil.rmtree(name, ignore_errors=True)


def end_marked(marks: Collection[str]) -> None:
    """Kill all processes that have one of the marks, wherever they have gone; on Linux alone."""
    wanted = {f"{MARK}={mark}".encode() for mark in marks}
    for _ in range(_ROUNDS if wanted else 0):
        again = False
        for pid in _processes():
            environment = _environment(pid)
            if not wanted.isdisjoint(environment):
                again = True
                try:
                    os.kill(pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    continue
            elif environment == [b""] and _has_program(pid):
                again = True  # it is just being started
        if not again:
            return
        time.sleep(_PAUSE)


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208
    except OSError:
        return []


def _environment(pid: int) -> list[bytes]:
    """Return the variables that a process was started with; none where that is not ours to see."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123
            return file.read().split(b"\0")
    except OSError:
        return []


def _has_program(pid: int) -> bool:
    """Tell whether a process runs a program, which zombies and the kernel's own do not."""
    try:
        return bool(os.readlink(f"/proc/{pid}/exe"))  # noqa: PTH115
    except OSError:
        return False


if __name__ == "__main__":
    # A batch system signals all processes of a job: this one is needed until the worker has gone.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(sys.stdin.buffer)
