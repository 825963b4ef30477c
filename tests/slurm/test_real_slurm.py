"""The script that starts a Slurm for tests is itself safe: nothing left, nothing started twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

SCRIPT = Path(__file__).with_name("real_slurm.py")


def script(*arguments, **options):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


def daemons(directory):
    """Return the processes that were started for a directory."""
    found = []
    for process in psutil.process_iter(["name", "environ", "cmdline", "status"]):
        told = [*(process.info["environ"] or {}).values(), *(process.info["cmdline"] or [])]
        if process.info["name"] in {"munged", "slurmctld", "slurmd", "slurmstepd"} and any(
            str(directory) in text for text in told
        ):
            found.append(process.info["name"])
    return found


@pytest.fixture
def directory(tmp_path_factory):
    if script("check").returncode:
        pytest.skip(f"NOT TESTED ON A REAL SLURM: {script('check').stderr.strip()}")
    return tmp_path_factory.mktemp("s")


def test_it_says_how_it_is_used():
    done = script("hello")
    assert done.returncode == 1 and "real_slurm.py start DIR" in done.stderr


def test_start_and_stop_may_be_repeated(directory):
    try:
        for _ in range(2):
            assert script("start", directory).returncode == 0
            assert sorted(daemons(directory)) == ["munged", "slurmctld", *["slurmd"] * 4]
    finally:
        for _ in range(2):
            assert script("stop", directory).returncode == 0
    assert daemons(directory) == []


def test_it_ends_with_whoever_started_it(directory):
    """Even where that was killed: standard input ends."""
    done = script("run", directory, input="")
    assert done.returncode == 0 and done.stdout == "ready\n"
    assert daemons(directory) == []
