"""Masters as jobs of a real Slurm: killed, submitted again, and at the end of their walltime."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

import phsx
from phsx.cli import main
from phsx.experiment.submission import Submission, submit
from phsx.journal import holder
from phsx.testing.faults import check_exact, completed, until
from phsx.testing.slurm import check_nothing_left, life, queued
from phsx.trial import TrialState

MODEL = """
import time

def slow(x, trial):
    time.sleep({seconds})
    while trial.id >= {held} and not (trial.directory.parents[2] / "go").exists():
        time.sleep(0.01)
    return (x - 1) ** 2
"""
SEARCH = """
target = "{module}:slow"
seed = 1
[space]
x = {{type = "float", low = -5, high = 5}}
[[plan]]
strategy = "random"
trials = {trials}
"""
JOBS = """
[slurm]
jobs = 2
memory = "500MB"
walltime = "00:10:00"
interface = "lo"
poll = 1.0
# A job that nobody cancels stays.
job_script_prologue = ["trap 'sleep 300 & wait' EXIT", "trap 'trap - EXIT; exit' TERM"]
[master]
walltime = "00:10:00"
memory = "1GB"
"""


def write(directory, module, trials, more="", seconds=0.1, held=10**6):
    """Write a search; from the trial `held` on they wait for the file `go`."""
    (directory / f"{module}.py").write_text(MODEL.format(seconds=seconds, held=held))
    file = directory / "search.toml"
    file.write_text(SEARCH.format(module=module, trials=trials) + more)
    return file


def in_a_shell(directory, *arguments):
    """Run a command in a session of its own, which ends with it: the shell is closed."""
    done = subprocess.run(
        [sys.executable, "-m", "phsx", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=150,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def command(*arguments, code=0):
    """Run a command in this process, which is quicker."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    assert "Traceback" not in result.output
    return result.output


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))


def assert_nothing_left(directory):
    until(lambda: not queued(), what=queued)
    check_nothing_left(directory)


def test_killed_and_submitted_again(slurm, tmp_path):
    """Item 7: submit, close the shell, status, kill the master's job, submit again: exact."""
    write(tmp_path, "killed_model", 10, JOBS, held=6)
    directory = tmp_path / "search"
    said = in_a_shell(tmp_path, "submit", "search.toml")
    job = Submission.load(directory).job
    assert f"submitted as job {job}" in said
    until(lambda: len(completed(directory)) == 6)
    status = json.loads(command("status", directory, "--json"))
    assert status["running"] and status["owner"]["job"] == job and status["job"]["id"] == job
    assert "12 trials in all" in command("add", directory, 2)

    left = [number for number in queued() if number != job]
    os.kill(status["owner"]["pid"], signal.SIGKILL)
    until(lambda: job not in queued())
    before = completed(directory)
    assert len(left) == 2 and (directory / "cluster" / "key.pem").exists()

    (tmp_path / "go").touch()
    command("submit", directory)
    said = command("attach", directory)
    assert "12 of 12 trials" in said and "value = " in said
    state = check_exact(directory, 12)
    assert state.count(TrialState.COMPLETED) == 12 and before <= completed(directory)
    assert sum(trial.deaths for trial in state.trials.values()) == 0
    log = Submission.load(directory).output.read_text()
    assert "2 jobs of a run that was killed are cancelled" in log
    local = phsx.Experiment(
        tmp_path / "local",
        lambda x: (x - 1) ** 2,
        {"x": phsx.Float(-5, 5)},
        phsx.Random(12),
        seed=1,
    ).run(cluster="inline", progress=False)
    assert [t.value for t in local.trials] == [t.value for t in phsx.open(directory).trials]
    assert_nothing_left(directory)


def _living(directory):
    owner = holder(directory)
    return owner if owner is not None and owner.alive() else None


@pytest.mark.chaos
def test_killed_again_and_again(slurm, tmp_path):
    """60 trials of 2 s on 2 jobs; the master's job is killed every 15 to 30 s."""
    file = write(tmp_path, "often_model", 60, JOBS, seconds=2.0)
    directory, chance, kills = tmp_path / "search", random.Random(7), 0
    submit(file)
    while len(completed(directory)) < 60:
        deadline = time.monotonic() + chance.uniform(15.0, 30.0)
        while time.monotonic() < deadline and len(completed(directory)) < 60:
            time.sleep(0.5)
        # The last one's lease stays until the next master has taken it.
        until(lambda: len(completed(directory)) == 60 or _living(directory))
        owner = _living(directory)
        if owner is not None and len(completed(directory)) < 60:
            os.kill(owner.pid, signal.SIGKILL)
            kills += 1
            until(lambda: not any(name.endswith("-master") for name in queued(columns="%j")))
            submit(directory)
        assert kills < 60
    until(lambda: holder(directory) is None)
    state = check_exact(directory, 60)
    again = sum(trial.attempt - 1 for trial in state.trials.values())
    print(f"{kills} kills, {again} attempts more than trials")
    assert kills >= 2 and again <= 2 * kills
    assert sum(trial.deaths for trial in state.trials.values()) == 0
    assert_nothing_left(directory)


def test_goes_on_after_its_walltime(slurm, tmp_path):
    """A master whose job ends after some seconds; Slurm itself counts in minutes."""
    seconds = life(3)
    prologue = f'["export PHSX_WALLTIME={seconds}"]'
    more = f'[master]\njob_script_prologue = {prologue}\nwalltime = "00:10:00"\n'
    file = write(tmp_path, "walltime_model", 24, more, 0.04 * seconds)
    first = submit(file, cluster="inline")
    until(lambda: len(completed(first.directory)) == 24, 120)
    until(lambda: holder(first.directory) is None)
    state = check_exact(first.directory, 24)
    handed_over = int(Submission.load(first.directory).job) - int(first.job)
    assert handed_over >= 1
    # One that is about to begin just then, which is counted as an attempt.
    assert sum(trial.attempt - 1 for trial in state.trials.values()) <= handed_over
    said = first.output.read_text()
    assert f"the walltime of job {first.job} ends" in said
    assert f"goes on when job {first.job} has ended" in said
    assert_nothing_left(first.directory)


def test_stop_of_a_job_that_waits(slurm, tmp_path):
    held = '[master]\njob_extra_directives = ["--hold"]\n'
    file = write(tmp_path, "waiting_model", 4, held)
    submission = submit(file, cluster="inline")
    said = command("status", submission.directory)
    assert f"job {submission.job} is PENDING (JobHeldUser)" in said
    assert "is cancelled" in command("stop", submission.directory)
    assert_nothing_left(submission.directory)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--queue", "nowhere"], "Invalid partition name specified"),
        (["--memory", "90TB"], "Memory specification can not be satisfied"),
    ],
)
def test_refused_in_slurms_words(slurm, tmp_path, options, words):
    file = write(tmp_path, "refused_model", 4)
    assert words in command("submit", file, "--cluster", "inline", *options, code=1)
    assert_nothing_left(tmp_path / "search")
