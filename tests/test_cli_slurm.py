"""The command line on a queue system: `--slurm`, [slurm] in a file, and `--dry-run`."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner

from phsx.cli import main

SEARCH = """
target = "squares:square"
[space]
x = {type = "float", low = -5, high = 5}
[[plan]]
strategy = "random"
trials = 6
[run]
trial_time = 60
"""
TABLE = """
[slurm]
jobs = 2
memory = "2GB"
walltime = "00:10:00"
queue = "long"
"""


@pytest.fixture
def files(cwd, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (cwd / "squares.py").write_text("def square(x):\n    return x**2\n")
    (cwd / "local.toml").write_text(SEARCH)
    (cwd / "search.toml").write_text(SEARCH + TABLE)
    yield cwd
    sys.modules.pop("squares", None)


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["run", *map(str, arguments)])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result.output


def test_dry_run_shows_script_plan_and_what_is_to_be_expected(files):
    said = run("search.toml", "--dry-run")
    for part in ("6 trials are left", "Random(6)", "#SBATCH -p long", "-t 00:10:00", "2 jobs"):
        assert part in said
    assert "about 2 jobs, 2 at a time" in said and "/search/cluster/key.pem" in said
    assert not (files / "search").exists(), "that would settle the space"


def test_what_a_trial_takes_on_the_command_line(files):
    said = run("search.toml", "--dry-run", "--trial-time", 300)
    assert "about 6 jobs, 2 at a time, for 0.25 hours" in said


def test_dry_run_of_a_search_that_is_there(files):
    run("local.toml", "--cluster", "inline", "--quiet")
    said = run("local", "--dry-run", "--more", 4, "--slurm", "memory=1GB")
    assert "4 trials are left, 6 have ended" in said and "#SBATCH --mem=954M" in said


def test_the_command_line_adds_to_the_file(files):
    said = run("search.toml", "--dry-run", "--slurm", "jobs=3,cores=4")
    assert "3 jobs of slurm with 4 cores" in said and "#SBATCH -p long" in said


POOLS = """
[[slurm]]
jobs = 2
memory = "2GB"
queue = "cpu"
[[slurm]]
jobs = [0, 4]
memory = "8GB"
queue = "gpu"
gpus = 2
slots = 2
resources = {licence = 1}
"""


def test_several_kinds_of_jobs_in_a_file(files):
    (files / "pools.toml").write_text(SEARCH + "resources = {GPU = 'x > 0'}\n" + POOLS)
    said = run("pools.toml", "--dry-run")
    for part in (
        "on 2 jobs of slurm with 1 core, in cpu and 0 to 4 jobs of slurm with 2 cores, 2 GPUs",
        "#SBATCH -J phsx-pools\n#SBATCH -p cpu",
        "#SBATCH -J phsx-pools.2\n#SBATCH -p gpu",
        "#SBATCH --gres=gpu:2",
        "--resources cores=1,GPU=1,licence=1",
    ):
        assert part in said, said
    assert "with 1 core\n" in run("pools.toml", "--dry-run", "--slurm", "memory=1GB")


def test_several_kinds_of_jobs_on_the_command_line(files):
    one, other = "memory=1GB,queue=cpu", "memory=1GB,queue=gpu,gpus=1"
    said = run("local.toml", "--dry-run", "--slurm", one, "--slurm", other)
    assert "#SBATCH -p cpu" in said and "#SBATCH -p gpu" in said
    said = run("search.toml", "--dry-run", "--slurm", "queue=cpu", "--slurm", "queue=gpu")
    assert said.count("#SBATCH --mem=2G") == 2, "the file says it of both"


def test_other_workers_take_the_place_of_the_files(files):
    run("search.toml", "--cluster", "inline", "--quiet")
    assert (files / "search" / "results.csv").exists()
    assert "local worker processes" in run("search.toml", "--workers", 2, "--dry-run")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--slurm", "jobs=0,memory=1GB"], "--slurm: jobs=0"),
        (["--slurm", "jobs"], "--slurm: 'jobs'"),
        (["--slurm", "memory=1GB", "--workers", "2"], "--workers and --slurm exclude each other"),
    ],
)
def test_mistakes(files, arguments, said):
    assert said in run("local.toml", *arguments, code=1)
    assert not (files / "local").exists()


def test_without_slurm_here(files, monkeypatch):
    monkeypatch.setenv("PATH", str(files))
    assert "there is no command sbatch here" in run("search.toml", "--quiet", code=1)
    assert not (files / "search" / "cluster").exists()
