"""Fixtures for the journal's tests: real processes, real kills."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import phsx.journal
from phsx.journal import Owner
from phsx.journal.owner import LIVE

ROOT = Path(phsx.journal.__file__).parents[2]


class Child:
    """A Python process that talks line by line."""

    def __init__(self, code, *args, cwd=None):
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.pid = self.process.pid

    def hear(self):
        return self.process.stdout.readline().rstrip("\n")

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def rest(self):
        """End of input, then everything that it still says."""
        said, _ = self.process.communicate(timeout=30)
        return said.splitlines()


@pytest.fixture
def spawn():
    children = []

    def start(code, *args, **options):
        children.append(Child(code, *args, **options))
        return children[-1]

    yield start
    for child in children:
        child.kill()
        child.process.stdin.close()
        child.process.stdout.close()


@pytest.fixture
def dead_pid():
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


@pytest.fixture
def leave_lease():
    """Leave a lease of somebody behind, as a SIGKILL would."""

    def leave(directory, *, pid, host=None, start=1):
        here = Owner.here("leftover", 0.5).to_dict()
        host = host or socket.gethostname()
        fields = here | {"pid": pid, "host": host, "start": start}
        (directory / "lease.json").write_text(json.dumps(fields | {"beat": 1}) + "\n")
        return Owner.of(fields)

    return leave


@pytest.fixture(autouse=True)
def nothing_left_open():
    yield
    assert not LIVE, "a test left a journal open"
