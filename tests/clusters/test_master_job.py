"""The job of a master: what may be said of it, and its script."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from phsx.clusters.master_job import MasterJob
from phsx.exceptions import ConfigurationError

LOG = Path("/home/me/100% mine/logs/master-%j.txt")


def script(after=None, **table):
    return MasterJob.of(table).script("phsx-s-master", LOG, ["-m", "phsx", "x y"], after).text


def test_all_that_may_be_said():
    text = script(
        walltime="1-00:00:00",
        memory="2GB",
        cores=2,
        queue="long",
        account="me",
        job_extra_directives=["--qos=low"],
        job_script_prologue=["module load python"],
        python="/opt/python",
    )
    for line in (
        "-J phsx-s-master",
        '-o "/home/me/100%% mine/logs/master-%j.txt"',
        "--requeue",
        "--open-mode=append",
        "--cpus-per-task=2",
        "--mem=1908M",
        "-t 1-00:00:00",
        "-p long",
        "-A me",
        "--qos=low",
    ):
        assert f"\n#SBATCH {line}\n" in text
    assert "PHSX_WALLTIME=86400" in text
    assert text.endswith("module load python\nexec /opt/python -m phsx 'x y'\n")


def test_nothing_said():
    text = script()
    for part in ("-t ", "-p ", "-A ", "--mem", "PHSX_WALLTIME", "--dependency"):
        assert part not in text
    assert f"exec {sys.executable} -m phsx" in text and "--cpus-per-task=1" in text


def test_after_another_job():
    assert "\n#SBATCH --dependency=afterany:17\n" in script(after="17")


def test_the_script_runs(tmp_path):
    """Without Slurm its directives are comments."""
    job = MasterJob.of({"walltime": "00:10:00", "job_script_prologue": ["export A=b"]})
    code = "import os, phsx; print(os.environ['A'], os.environ['PHSX_WALLTIME'], phsx.__file__)"
    text = job.script("name", LOG, ["-c", code]).job_script()
    done = subprocess.run(
        ["bash", "-c", text],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        cwd=tmp_path,
        check=True,
    )
    assert done.stdout.startswith("b 600 ") and "phsx/__init__.py" in done.stdout


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"waltime": "1:00"}, "'waltime' is nothing.*did you mean walltime"),
        ({"gpus": 1}, "'gpus' is nothing that a master's job has; known are"),
        ({"walltime": "soon"}, "walltime='soon'"),
        ({"memory": "much"}, "memory='much'"),
        ({"memory": 3}, "memory=3"),
        ({"cores": 0}, "cores=0"),
        ({"queue": "a b"}, "queue='a b'"),
        ({"account": 7}, "account=7"),
        ({"job_extra_directives": "--qos=low"}, "job_extra_directives='--qos=low': give a list"),
        ({"job_script_prologue": ["a\nb"]}, "job_script_prologue"),
    ],
)
def test_mistakes(table, words):
    with pytest.raises(ConfigurationError, match=words):
        MasterJob.of(table)
