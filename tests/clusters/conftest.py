"""A real Slurm for the tests that want it: one for each process that runs some of them."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "slurm" / "real_slurm.py"


def unavailable() -> str | None:
    """Return why there can be no Slurm here, or None."""
    done = subprocess.run([sys.executable, str(SCRIPT), "check"], capture_output=True, text=True)
    return None if done.returncode == 0 else done.stderr.strip()


@pytest.fixture(scope="session")
def slurm() -> Iterator[Path]:
    """Start a Slurm of four nodes with two CPUs each; return its directory.

    It ends with this process, however that ends. Where it cannot be had the tests are skipped,
    unless PHSX_SLURM=required says that they must not be.
    """
    required = os.environ.get("PHSX_SLURM") == "required"
    reason = unavailable()
    if reason is not None:
        text = f"NOT TESTED ON A REAL SLURM: {reason}; `{SCRIPT.name} install` may install it"
        if required:
            pytest.fail(text)
        pytest.skip(text)
    directory = Path(tempfile.mkdtemp(prefix="phsx-slurm-"))
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "run", str(directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    with pytest.MonkeyPatch.context() as patch, process:
        try:
            if process.stdout.readline() != "ready\n":
                text = f"NOT TESTED ON A REAL SLURM: {SCRIPT.name} could not start it"
                if required:
                    pytest.fail(text)
                pytest.skip(text)
            patch.setenv("SLURM_CONF", str(directory / "slurm.conf"))
            yield directory
        finally:
            process.stdin.close()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()  # else this process would wait for it for ever
                raise
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def restart(slurm: Path) -> Callable[[random.Random], str]:
    """End slurmctld and start it again: an attack."""

    def restart(rng: random.Random) -> str:
        for word in ("stop-controller", "start-controller"):
            subprocess.run([sys.executable, str(SCRIPT), word, str(slurm)], check=True)
        return "restarted"

    return restart
