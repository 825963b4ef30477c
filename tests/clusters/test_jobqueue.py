"""Importing dask-jobqueue leaves Ctrl-C as it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import phsx

ROOT = str(Path(phsx.__file__).parents[1])


def said(code):
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": ROOT},
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("handler", ["signal.default_int_handler", "signal.SIG_IGN", "print"])
def test_handler_of_ctrl_c_is_kept(handler):
    code = (
        "import signal, sys, phsx\n"
        f"signal.signal(signal.SIGINT, {handler})\n"
        "phsx.slurm(jobs=1, cores=1, memory='1GB', walltime='00:10:00', interface='lo')\n"
        "assert 'dask_jobqueue' in sys.modules\n"
        f"print(signal.getsignal(signal.SIGINT) is {handler})"
    )
    assert said(code) == "True"


def test_first_import_in_another_thread_says_what_to_do():
    code = (
        "import threading\n"
        "from phsx.clusters.jobqueue import jobqueue\n"
        "from phsx.exceptions import ClusterError\n"
        "def work():\n"
        "    try:\n"
        "        jobqueue()\n"
        "    except ClusterError as error:\n"
        "        print(error)\n"
        "thread = threading.Thread(target=work)\n"
        "thread.start()\n"
        "thread.join()\n"
        "print(jobqueue().__name__)"
    )
    first, second = said(code).splitlines()
    assert "main thread" in first and second == "dask_jobqueue"
