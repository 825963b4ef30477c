"""A script in a process of its own, which is killed: the master as the victim."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class Victim:
    """A Python script that runs until it ends or is ended.

    Parameters
    ----------
    script : path
    *arguments : str
    cwd : path, optional
    prefix : sequence of str
        A command that runs the script's, such as ``unshare``.
    """

    def __init__(
        self,
        script: str | os.PathLike[str],
        *arguments: str,
        cwd: str | os.PathLike[str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        root = str(Path(__file__).resolve().parents[3])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        self.process = subprocess.Popen(
            [*prefix, sys.executable, os.fspath(script), *arguments],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": path},
            text=True,
            start_new_session=True,
        )

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill_after(self, seconds: float) -> bool:
        """Kill it when it has run that long; tell whether it was still running then."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return True
        return False

    def kill(self) -> None:
        """Kill it, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def end(self, timeout: float = 120.0) -> tuple[int, str]:
        """Wait for its end; return its exit status and what it has said."""
        try:
            said, _ = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            said, _ = self.process.communicate()
            raise AssertionError(f"it did not end within {timeout:g} s; it said:\n{said}") from None
        return self.process.returncode, said

    def close(self) -> None:
        """Kill it if it still runs, and its descendants with it, for they notice."""
        if self.running:
            self.kill()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Victim:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
