"""The command line for searches that run by themselves: submit, attach, stop, status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

import phsx
from phsx.cli import main
from phsx.experiment.submission import Submission
from phsx.journal import Journal, holder
from phsx.testing.faults import Held, Victim, check_exact, until

SEARCH = """
target = "alone:square"
[space]
x = {type = "float", low = -5, high = 5}
[[plan]]
strategy = "random"
trials = 6
"""
JOBS = '[slurm]\njobs = 2\nmemory = "2GB"\n[master]\nqueue = "long"\n'


@pytest.fixture
def files(cwd, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (cwd / "alone.py").write_text("def square(x):\n    return x**2\n")
    (cwd / "search.toml").write_text(SEARCH + JOBS)
    yield cwd
    sys.modules.pop("alone", None)


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    assert "Traceback" not in result.output
    return result.output


class TestSubmit:
    def test_says_where_and_how_to_go_on(self, files, fake_slurm):
        said = run("submit", "search.toml", "--walltime", "1-00:00:00", "--account", "me")
        assert "search: submitted as job 1; it writes to" in said and "logs/master-1.txt" in said
        for command in ("status", "attach", "stop"):
            assert f"phsx {command} {files / 'search'}" in said
        script = fake_slurm.script("1")
        for part in ("-t 1-00:00:00", "-p long", "-A me"):
            assert f"#SBATCH {part}" in script

    def test_in_json(self, files, fake_slurm):
        said = json.loads(run("submit", "search.toml", "--json"))
        assert said["job"] == "1" and said["log"].endswith("logs/master-1.txt")
        assert said["directory"] == str(files / "search")

    def test_dry_run(self, files, fake_slurm):
        said = run("submit", "search.toml", "--dry-run", "--memory", "1GB")
        assert "6 trials are left" in said and "the master's own job:" in said
        assert "#SBATCH --mem=954M" in said and "#SBATCH -J phsx-search-master" in said
        assert fake_slurm.queued() == [] and not (files / "search").exists()

    def test_what_the_job_calls(self, files, fake_slurm):
        run("submit", "search.toml", "--cluster", "inline")
        (files / "search.toml").unlink()
        command = fake_slurm.script("1").splitlines()[-1].split(" phsx ")[1].split()
        assert "value = " in run(*command)
        check_exact("search", 6)

    def test_a_directory_where_nothing_was_submitted(self, files):
        phsx.Experiment("e", lambda x: x, {"x": phsx.Float(0, 1)}, phsx.Random(2))
        assert "nothing was submitted" in run("master", "e", code=1)
        assert "has to be given" in run("submit", "e", "--cluster", "inline", "--here", code=1)

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["nowhere.toml"], 2, "does not exist"),
            (["."], 1, "not an experiment"),
            (["alone.py"], 1, "is a script"),
            (["empty.toml"], 1, "target"),
            (["local.toml"], 1, "--workers"),
            (["search.toml", "--walltime", "soon"], 1, "walltime='soon'"),
            (["search.toml", "--memory", "lots"], 1, "memory='lots'"),
            (["search.toml", "--cores", "0"], 1, "cores=0"),
            (["search.toml", "--cores", "two"], 2, "two"),
            (["search.toml", "--workers", "0"], 1, "workers=0"),
            (["search.toml", "--workers", "2", "--slurm", "jobs=2"], 1, "exclude"),
            (["search.toml"], 1, "there is no command sbatch here"),
        ],
    )
    def test_mistakes(self, files, monkeypatch, arguments, code, words):
        monkeypatch.setenv("PATH", str(files))
        (files / "empty.toml").write_text("")
        (files / "local.toml").write_text(SEARCH)
        assert words in run("submit", *arguments, code=code)


class TestStop:
    def test_a_job_that_waits(self, files, fake_slurm):
        run("submit", "search.toml")
        assert "is PENDING (Priority)" in run("status", "search")
        assert "job 1 was in the queue, and is cancelled" in run("stop", "search")
        assert fake_slurm.queued() == []
        assert "nobody runs it" in run("stop", "search", code=3)

    def test_what_runs_and_a_job_that_waits(self, files, fake_slurm):
        """Somebody runs it by hand meanwhile."""
        run("submit", "search.toml")
        with Journal.open("search"):
            said = run("stop", "search", "--no-wait")
        assert "job 1 was in the queue" in said and f"asked process {os.getpid()}" in said


class Attached:
    """`phsx attach` in a process of its own."""

    def __init__(self, directory):
        (directory.parent / "attach.py").write_text(
            "import sys\nfrom phsx.cli import main\nmain(['attach', sys.argv[1]])\n"
        )
        self.victim = Victim(directory.parent / "attach.py", str(directory))
        self.said = ""

    def read(self, words):
        deadline = time.monotonic() + 60
        while words not in self.said:
            assert time.monotonic() < deadline and self.victim.running, self.said
            self.said += self.victim.process.stdout.readline()

    def end(self):
        code, said = self.victim.end()
        self.said += said
        return code


@pytest.fixture
def held(tmp_path):
    """A search in this process, whose trials wait."""
    held = Held(tmp_path / "e", 4, workers=2)
    until(lambda: held.all_here(2, 1))
    yield held
    held.close()


@pytest.fixture
def attached(held):
    attached = Attached(held.directory)
    yield attached
    attached.victim.close()


class TestAttach:
    def test_to_the_end(self, held, attached):
        attached.read(f"running in process {os.getpid()}")
        attached.read("0 of 4 trials, 2 running")
        held.go()
        held.end()
        assert attached.end() == 0
        for number in range(4):
            assert f"{number}  completed" in attached.said
        assert "4 of 4 trials" in attached.said and "value = " in attached.said

    def test_interrupt_leaves_the_search_running(self, held, attached):
        attached.read("0 of 4 trials")
        attached.victim.signal(signal.SIGINT)
        assert attached.end() == 130
        assert "the search goes on" in attached.said and "Traceback" not in attached.said
        assert held.handle.running
        held.go()
        assert len(held.end().state.finished) == 4

    def test_to_a_search_that_is_stopped(self, held, attached):
        attached.read("0 of 4 trials")
        held.handle.stop(grace=0.0)
        assert attached.end() == 0
        assert "ended early, trials are left" in attached.said

    def test_nobody_runs_it(self, files):
        phsx.Experiment("e", lambda x: x, {"x": phsx.Float(0, 1)}, phsx.Random(2))
        said = run("attach", "e", code=3)
        assert "nobody runs it" in said and "`phsx submit e` goes on" in said

    def test_no_experiment(self, files):
        assert "not an experiment" in run("attach", ".", code=1)


@pytest.mark.leaks("processes")
def test_in_the_background_from_shell_to_shell(files):
    """As a user does it: each command in a process of its own."""
    (files / "alone.py").write_text(
        "import time\n"
        "from pathlib import Path\n"
        "def square(x, trial):\n"
        "    while not Path(trial.directory.parents[2], 'go').exists():\n"
        "        time.sleep(0.01)\n"
        "    return x**2\n"
    )

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "phsx", *arguments], capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout + done.stderr

    code, said = call("submit", "search.toml", "--here", "--workers", "1")
    assert code == 0 and "in the background of" in said, said
    assert Submission.load(files / "search").here
    code, said = call("add", "search", "2")
    assert code == 0 and "8 trials in all" in said
    code, said = call("submit", "search")
    assert code == 1 and "being run already" in said
    attached = Attached(files / "search")
    attached.read("running in process")
    (files / "go").touch()
    assert attached.end() == 0 and "8 of 8 trials" in attached.said, attached.said
    until(lambda: holder("search") is None)
    check_exact("search", 8)
