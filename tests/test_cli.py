"""The command line: every command, its help, JSON and exit codes."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

import phsx
from phsx.cli import PLOTS, main
from phsx.journal import Owner

COMMANDS = sorted(main.commands)
ROOT = str(Path(phsx.__file__).parents[1])

CALL = "from phsx.cli import main; main()"

SEARCH = """
target = "model:square"
seed = 3
[space]
x = {type = "float", low = -5, high = 5}
n = {type = "int", low = 1, high = 3}
[[plan]]
strategy = "random"
trials = 6
[run]
cluster = "inline"
"""

MODEL = """
def square(x, n):
    if n == 3:
        raise ValueError("three")
    return {"value": x**2 * n, "note": "a,b"}
"""


def run(*arguments, code=0):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result


def of_json(*arguments):
    return json.loads(run(*arguments).stdout)


@pytest.fixture
def files(cwd, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (cwd / "model.py").write_text(MODEL)
    (cwd / "search.toml").write_text(SEARCH)
    yield cwd
    sys.modules.pop("model", None)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search that is done, some of its trials failed."""
    directory = tmp_path_factory.mktemp("cli") / "searched"

    def target(x, n, c, trial):
        (trial.directory / "stdout.txt").write_text("".join(f"line {i}\n" for i in range(30)))
        if trial.id == 2:
            raise ValueError("two is too many")
        return {"value": x**2 * n, "note": "a,b"}

    space = {"x": phsx.Float(-5, 5), "n": phsx.Int(1, 3), "c": phsx.Categorical(["u", (1, 2)])}
    experiment = phsx.Experiment(directory, target, space, phsx.Random(6), seed=3)
    experiment.run(cluster="inline", progress=False)
    return experiment


class TestHelp:
    def test_as_a_module(self, searched):
        done = subprocess.run(
            [sys.executable, "-m", "phsx", "best", searched.directory],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": ROOT},
            timeout=60,
        )
        assert done.stdout == run("best", searched.directory).output, done.stderr

    def test_overview_lists_the_commands_and_exit_codes(self):
        text = run("--help").output
        for command in COMMANDS:
            assert command in text
        assert {"run", "status", "best", "show", "plot", "export", "demo"} <= set(COMMANDS)
        for word in ("Exit codes", "130", "phsx demo"):
            assert word in text

    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_command_says_what_it_does(self, command):
        text = run(command, "-h").output
        first = text.split("\n\n")[1].strip()
        assert len(first) > 20 and first.endswith((".", ":")), first
        assert text.startswith(f"Usage: main {command}")
        assert max(map(len, text.splitlines())) <= 100

    def test_run_tells_how_to_go_on(self):
        text = " ".join(run("run", "--help").output.split())
        assert "never evaluated again" in text and "--more 40" in text

    def test_version(self):
        assert run("--version").output == f"phsx, version {phsx.__version__}\n"

    def test_nothing_is_asked_is_help(self):
        result = CliRunner().invoke(main, [])
        assert "Usage" in result.output and result.exit_code in (0, 2)

    def test_help_is_quick(self):
        """It imports nothing heavy."""
        code = (
            "import sys; from phsx.cli import main\n"
            "try: main(['--help'])\n"
            "except SystemExit: pass\n"
            "heavy = {'dask', 'distributed', 'sklearn', 'pandas', 'scipy'}\n"
            "print(sorted(heavy & set(sys.modules)))"
        )
        out = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": ROOT},
        ).stdout
        assert out.endswith("[]\n"), out[-200:]


class TestRun:
    def test_a_file_then_more_of_the_directory(self, files):
        result = run("run", "search.toml")
        assert "value = " in result.stdout and "x = " in result.stdout
        assert "6 of 6 trials" in result.stderr
        assert len(phsx.open("search").trials) == 6
        run("run", "search.toml", "-q")
        assert len(phsx.open("search").trials) == 6, "there was nothing left to do"
        run("run", "search", "--more", "4", "--cluster", "inline", "-q")
        assert len(phsx.open("search").trials) == 10

    def test_quiet_and_json(self, files):
        result = run("run", "search.toml", "--quiet", "--json")
        assert result.stderr == ""
        best = json.loads(result.stdout)
        assert best["value"] == phsx.open("search").best.value
        assert best["params"] == phsx.open("search").best.params
        assert best["result"] == {"note": "a,b"}

    def test_options_win_over_the_file(self, files):
        run("run", "search.toml", "--max-time", "1e-9", "-q", code=3)
        assert len(phsx.open("search").trials) < 6
        run("run", "search.toml", "--stop-at", "1000", "-q")
        assert len(phsx.open("search").state.finished) < 6

    def test_cluster_wins_over_the_files_workers(self, files):
        (files / "search.toml").write_text(SEARCH.replace('cluster = "inline"', "workers = 2"))
        run("run", "search.toml", "--cluster", "inline", "-q")
        assert {trial.worker for trial in phsx.open("search").trials} == {"inline"}

    def test_workers_win_over_the_files_cluster(self, files, monkeypatch):
        asked = []
        monkeypatch.setattr(phsx.Experiment, "run", lambda self, **run: asked.append(run))
        run("run", "search.toml", "--workers", "3", code=3)
        assert (asked[0]["workers"], asked[0]["cluster"]) == (3, None)

    def test_json_is_all_there_is_on_standard_output(self, files):
        """Also where the target runs in this process, and prints from C or a child process."""
        (files / "model.py").write_text(
            "import ctypes, os, subprocess\n"
            "def square(x, n):\n"
            "    print('by Python')\n"
            "    ctypes.CDLL(None).puts(b'by C')\n"
            "    os.write(1, b'by the system\\n')\n"
            "    subprocess.run(['echo', 'by a child'])\n"
            "    return x\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", CALL, "run", "search.toml", "--json", "-q"],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONPATH": ROOT},
        )
        assert json.loads(done.stdout)["state"] == "completed"
        for who in ("Python", "C", "the system", "a child"):
            assert done.stderr.count(f"by {who}\n") == 6, who

    def test_most_trials_fail(self, files):
        (files / "model.py").write_text("def square(x, n):\n    raise ValueError('never')\n")
        result = run("run", "search.toml", "-q", code=1)
        assert "max_failed" in result.output and "ValueError: never" in result.output
        assert "search" in result.output

    def test_nothing_has_completed(self, files):
        (files / "model.py").write_text("def square(x, n):\n    raise ValueError('never')\n")
        (files / "search.toml").write_text(SEARCH.replace("trials = 6", "trials = 3"))
        assert "no trial has completed" in run("run", "search.toml", "-q", code=3).output

    def test_target_of_an_importable_module_is_found_again(self, files, monkeypatch):
        run("run", "search.toml", "-q")
        sys.modules.pop("model")
        monkeypatch.chdir("/")
        run("run", files / "search", "--more", "1", "--cluster", "inline", "-q")
        assert len(phsx.open(files / "search").trials) == 7


class TestStatus:
    def test_in_words(self, searched):
        text = run("status", searched.directory).output
        assert "6 of 6 trials have ended" in text
        assert "5 completed, 1 failed" in text and "nobody runs it now" in text
        assert f"(trial {searched.best.id})" in text

    def test_in_json(self, searched):
        status = of_json("status", searched.directory, "--json")
        assert status["name"] == "searched" and status["running"] is False
        assert status["trials"] == {"completed": 5, "failed": 1}
        assert (status["total"], status["owner"]) == (6, None)
        assert status["best"]["value"] == searched.best.value

    def test_of_what_runs(self, cwd):
        import threading

        go, here = threading.Event(), threading.Event()

        def target(x):
            here.set()
            go.wait(20)
            return x

        experiment = phsx.Experiment("e", target, {"x": phsx.Float(0, 1)}, phsx.Random(2))
        handle = experiment.run(cluster="inline", background=True, progress=False)
        here.wait(20)
        try:
            status = of_json("status", "e", "--json")
            assert status["running"] and status["owner"]["pid"] == os.getpid()
            assert status["trials"] == {"running": 1} and status["best"] is None
            assert f"process {os.getpid()}" in run("status", "e").output
        finally:
            go.set()
            handle.wait()

    def test_trial_whose_run_was_killed_is_not_running(self, searched, tmp_path):
        directory = tmp_path / "killed"
        shutil.copytree(searched.directory, directory)
        journal = directory / "journal.jsonl"
        lines = journal.read_bytes().splitlines(keepends=True)
        last = max(n for n, line in enumerate(lines) if json.loads(line)["type"] == "running")
        journal.write_bytes(b"".join(lines[: last + 1]))
        assert phsx.open(directory).state.count(phsx.TrialState.RUNNING) == 1
        assert of_json("status", directory, "--json")["trials"]["interrupted"] == 1
        text = run("status", directory).output
        assert "1 interrupted" in text and f"`phsx run {directory}` goes on" in text
        assert of_json("show", directory, 5, "--json")["state"] == "interrupted"
        states = [trial["state"] for trial in of_json("show", directory, "--json")]
        assert states.count("interrupted") == 1 and "running" not in states
        assert "interrupted" in run("show", directory).output

    def test_another_host(self, searched, tmp_path, monkeypatch):
        """Whether a process lives there is told by the heartbeat of its lease."""
        directory = tmp_path / "e"
        shutil.copytree(searched.directory, directory)
        leave_lease(directory)
        monkeypatch.setattr("phsx.journal.vigil.PATIENCE", 0.2)
        said = run("status", directory).output
        assert "nobody runs it now: process 17 on host far-away, job 93 (phsx run)" in said
        assert "has ended without a word" in said
        beats = itertools.count(2)
        lease = (directory / "lease.json").read_text()

        def sleep(seconds):
            (directory / "lease.json").write_text(
                lease.replace('"beat": 1', f'"beat": {next(beats)}')
            )

        monkeypatch.setattr("phsx.journal.vigil.time.sleep", sleep)
        assert "running in process 17 on host far-away, job 93" in run("status", directory).output
        status = of_json("status", directory, "--json")
        assert status["running"] and status["owner"]["job"] == "93"

    def test_before_the_first_run(self, cwd):
        phsx.Experiment("e", lambda x: x, {"x": phsx.Float(0, 1)}, phsx.Random(2))
        assert "0 of 2 trials" in run("status", "e").output
        assert of_json("status", "e", "--json")["trials"] == {}


class TestRepair:
    def spoil(self, searched, cwd):
        shutil.copytree(searched.directory, "e")
        journal = Path("e/journal.jsonl")
        lines = journal.read_bytes().splitlines(keepends=True)
        number = max(n for n, line in enumerate(lines) if json.loads(line)["type"] == "ended")
        lines[number] = lines[number].replace(b'"t"', b'"T"')
        journal.write_bytes(b"".join(lines))

    def test_first_said_then_done(self, searched, cwd):
        self.spoil(searched, cwd)
        assert "`phsx repair`" in run("status", "e", code=1).output
        said = run("repair", "e", "--dry-run").output
        assert "results that would be kept: 5" in said and "again: 5" in said
        assert not Path("e/journal.2.jsonl").exists()
        said = run("repair", "e").output
        assert "results that are kept: 5" in said and "journal.2.jsonl" in said
        assert "5 of 6 trials have ended" in run("status", "e").output
        assert "the journal is sound; 5 trials" in run("repair", "e").output

    def test_in_json(self, searched, cwd):
        self.spoil(searched, cwd)
        done = of_json("repair", "e", "--json")
        assert (done["finished"], done["again"], done["lost"]) == (5, [5], [])
        assert done["segment"] == "journal.2.jsonl" and "line" in done["damage"]

    def test_what_is_no_experiment(self, cwd):
        assert "experiment.json" in run("repair", ".", code=1).output


class TestVerify:
    def test_all_comes_out_again(self, searched):
        said = run("verify", searched.directory).output
        assert "6 points" in said and "bit for bit" in said
        assert of_json("verify", searched.directory, "--json")["identical"] is True

    def test_what_differs_is_named(self, searched, cwd):
        shutil.copytree(searched.directory, "e")
        definition = json.loads(Path("e/experiment.json").read_text())
        definition["seed"] += 1
        Path("e/experiment.json").write_text(json.dumps(definition))
        said = run("verify", "e", code=1).output
        assert "trial 0 (journal record" in said and "bit for bit" not in said
        done = json.loads(run("verify", "e", "--json", code=1).output)
        assert not done["identical"] and done["differences"][0]["what"] == "trial"


class TestLooking:
    def test_best(self, searched):
        text = run("best", searched.directory).output
        assert text.startswith(f"value = {searched.best.value:.10g}")
        assert of_json("best", searched.directory, "--json")["id"] == searched.best.id

    def test_best_before_there_is_one(self, cwd):
        phsx.Experiment("e", lambda x: x, {"x": phsx.Float(0, 1)}, phsx.Random(2))
        assert "no trial has completed yet" in run("best", "e", code=3).output

    def test_show_lists_all(self, searched):
        lines = run("show", searched.directory).output.splitlines()
        assert len(lines) == 6
        assert "failed" in lines[2] and lines[0].split()[0] == "0"
        assert len(of_json("show", searched.directory, "--json")) == 6

    def test_show_one_with_its_output(self, searched):
        text = run("show", searched.directory, 2).output
        assert "state: failed" in text and "params.x = " in text
        assert "Traceback" in text and "two is too many" in text
        assert "line 29" in text and "line 10\n" in text and "line 9\n" not in text
        assert "line 29" not in run("show", searched.directory, 2, "--no-output").output

    def test_attempts_that_ended_early(self, cwd):
        def dies_once(x, trial):
            if trial.id == 1 and trial.attempt == 1:
                os._exit(7)
            return x

        phsx.Experiment("e", dies_once, {"x": phsx.Float(0, 1)}, phsx.Random(3)).run(
            workers=1, progress=False
        )
        shown = of_json("show", "e", 1, "--json")
        assert (shown["attempt"], shown["deaths"], shown["error"]) == (2, 1, None)
        (reason,) = shown["earlier"]
        assert "exit" in reason and "7" in reason
        assert f"attempt 1 ended: {reason}\n" in run("show", "e", 1).output
        assert "attempt 1 ended" not in run("show", "e", 0).output
        said = run("status", "e").output
        assert "attempts that ended early: 1, of which 1 by a death" in said
        assert "phsx show e TRIAL" in said

    def test_show_one_in_json(self, searched):
        shown = of_json("show", searched.directory, 2, "--json")
        assert (shown["id"], shown["state"], shown["value"]) == (2, "failed", None)
        assert "ValueError" in shown["error"] and "Traceback" in shown["traceback"]

    def test_values_are_shown_as_python_writes_them(self, searched):
        text = run("show", searched.directory).output
        assert "c='u'" in text and "c=(1, 2)" in text


class TestExport:
    def test_csv_to_standard_output(self, searched):
        rows = list(csv.DictReader(io.StringIO(run("export", searched.directory).stdout)))
        assert [row["trial"] for row in rows] == [str(number) for number in range(6)]
        assert float(rows[0]["x"]) == searched.trials[0].params["x"]
        assert {row["note"] for row in rows} == {"a,b", ""}
        header = (searched.directory / "results.csv").read_text().splitlines()[0]
        assert list(rows[0]) == header.split(",")

    def test_json_to_a_file(self, searched, cwd):
        assert run("export", searched.directory, "-f", "json", "-o", "t.json").stdout == ""
        trials = json.loads(Path("t.json").read_text())
        assert [trial["id"] for trial in trials] == list(range(6))

    def test_into_a_pipe_that_is_closed(self, searched):
        """As by `| head -1`: no traceback."""
        code = f"from phsx.cli import main; main(['export', {str(searched.directory)!r}])"
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": ROOT},
        )
        process.stdout.close()
        assert process.stderr.read() == b""
        process.stderr.close()
        process.wait(20)


class TestPlot:
    def test_all_of_them(self, searched, cwd):
        result = run("plot", searched.directory, "-o", "pictures")
        assert result.output.split() == [f"pictures/{kind}.png" for kind in PLOTS]
        assert all(Path(path).stat().st_size > 5000 for path in result.output.split())

    def test_one_with_its_axes(self, searched, cwd):
        arguments = ["-k", "parameters", "-x", "n", "-y", "x", "--contour", "-f", "svg"]
        result = run("plot", searched.directory, *arguments, "-o", cwd)
        assert Path(result.output.strip()).name == "parameters.svg"

    def test_space_of_one_parameter(self, cwd):
        experiment = phsx.Experiment("e", lambda x: x, {"x": phsx.Float(0, 1)}, phsx.Random(3))
        experiment.run(cluster="inline", progress=False)
        names = {Path(path).stem for path in run("plot", "e").output.split()}
        assert names == set(PLOTS) - {"parameters"}
        assert "two parameters" in run("plot", "e", "-k", "parameters", code=1).output

    def test_before_the_first_trial(self, cwd):
        space = {"x": phsx.Float(0, 1), "y": phsx.Float(0, 1)}
        phsx.Experiment("e", lambda x, y: x, space, phsx.Random(3))
        result = CliRunner().invoke(main, ["plot", "e"])
        assert result.exit_code in (0, 3), result.output


def test_looking_changes_nothing(searched):
    def files():
        return {
            path: (path.stat().st_mtime_ns, path.stat().st_size)
            for path in searched.directory.rglob("*")
        }

    before = files()
    for arguments in (["status"], ["best"], ["show"], ["export"]):
        run(*arguments, searched.directory)
    assert files() == before


def test_demo(cwd, monkeypatch):
    """The whole is tested elsewhere; here, that the options reach it."""
    seen = []
    monkeypatch.setattr("phsx.demo.run", lambda *a, **k: seen.append((a, k)) or "done")
    assert run("demo", "-d", "mine", "--trials", "7", "-w", "3").output == "done\n"
    assert seen == [((Path("mine"),), {"trials": 7, "workers": 3, "cluster": None})]
    run("demo", "--slurm", "jobs=4,memory=1GB")
    assert str(seen[1][1]["cluster"]) == "4 jobs of slurm with 1 core"
    assert "--slurm: jobs=0" in run("demo", "--slurm", "jobs=0,memory=1GB", code=1).output


class TestAdd:
    def test_to_a_search_that_has_ended(self, files):
        run("run", "search.toml", "-q")
        said = run("add", "search", 3).output
        assert "9 trials in all; nobody runs it now" in said and "`phsx run search`" in said
        assert "6 of 9 trials have ended" in run("status", "search").output
        run("run", "search.toml", "-q")
        assert len(phsx.open("search").trials) == 9

    def test_before_the_first_run(self, files):
        phsx.Experiment("e", lambda x: x, {"x": phsx.Float(0, 1)}, phsx.Random(2))
        assert "5 trials in all" in run("add", "e", 3).output

    def test_to_one_that_runs(self, background, cwd):
        search = background("--workers", "1")
        search.wait_for(1)
        said = run("add", "search", 2).output
        assert f"8 trials in all, which process {search.process.pid} on host" in said
        (cwd / "go").touch()
        assert search.end()[0] == 0
        assert len(phsx.open("search").state.finished) == 8

    def test_one_that_does_not_answer(self, searched, tmp_path, monkeypatch):
        shutil.copytree(searched.directory, tmp_path / "e")
        leave_lease(tmp_path / "e")
        monkeypatch.setattr("phsx.experiment.experiment.TAKEN_UP", 0.0)
        said = run("add", tmp_path / "e", 2).output
        assert "process 17 on host far-away" in said and "has not answered yet" in said
        (tmp_path / "e" / "lease.json").unlink()
        assert "9 trials in all" in run("add", tmp_path / "e", 1).output

    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["nowhere", "1"], 1, "nowhere is not an experiment"),
            (["grid", "1"], 1, "no number of trials that could grow"),
            (["grid", "0"], 2, "0"),
            (["grid", "many"], 2, "many"),
            (["grid"], 2, "TRIALS"),
        ],
    )
    def test_mistakes(self, cwd, arguments, code, words):
        phsx.Experiment("grid", lambda x: x, {"x": phsx.Float(0, 1)}, phsx.Grid(x=[0.0, 1.0]))
        said = run("add", *arguments, code=code).output
        assert words in said and "Traceback" not in said

    def test_a_space_that_is_used_up(self, cwd):
        space = {"c": phsx.Categorical(["a", "b"])}
        experiment = phsx.Experiment("e", lambda c: 1.0, space, phsx.Bayesian(9))
        with pytest.warns(phsx.exceptions.ExhaustedWarning):
            experiment.run(cluster="inline", progress=False)
        assert "has ended early and can have no more" in run("add", "e", 1, code=1).output


def leave_lease(directory, beats=False):
    """Leave the lease of a process on another host."""
    owner = Owner.here("phsx run", 0.5).to_dict() | {"host": "far-away", "pid": 17, "job": "93"}
    (directory / "lease.json").write_text(json.dumps(owner | {"beat": 1}))


SLOW = """
import os, signal, time
from pathlib import Path

def slow(x, trial):
    Path("started", str(trial.id)).touch()
    while not Path("go").exists():
        time.sleep(0.01)
    return x
"""


class Background:
    """`phsx run` in a process of its own."""

    def __init__(self, cwd, *options):
        (cwd / "model.py").write_text(SLOW)
        (cwd / "started").mkdir(exist_ok=True)
        (cwd / "search.toml").write_text(
            'target = "model:slow"\n[space]\nx = {type = "float", low = 0, high = 1}\n'
            '[[plan]]\nstrategy = "random"\ntrials = 6\n'
        )
        self.cwd = cwd
        self.process = subprocess.Popen(
            [sys.executable, "-c", CALL, "run", "search.toml", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env=os.environ | {"PYTHONPATH": ROOT},
            start_new_session=True,
        )

    def wait_for(self, number):
        deadline = time.monotonic() + 60
        while len(list((self.cwd / "started").iterdir())) < number:
            assert time.monotonic() < deadline and self.process.poll() is None
            time.sleep(0.01)

    def end(self):
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


@pytest.fixture
def background(cwd):
    started = []

    def start(*options):
        started.append(Background(cwd, *options))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.communicate()


class TestSignals:
    def test_interrupt_drains_and_ends_with_130(self, background, cwd):
        search = background("--workers", "1")
        search.wait_for(1)
        os.killpg(search.process.pid, signal.SIGINT)  # as Ctrl-C does
        while "SIGINT" not in search.process.stderr.readline():
            pass
        (cwd / "go").touch()
        code, _, said = search.end()
        assert code == 130
        assert "Traceback" not in said
        state = phsx.open("search").state
        assert len(state.finished) == 1 and not state.count(phsx.TrialState.RUNNING)
        # And it goes on from there.
        sys.modules.pop("model", None)
        again = background("--cluster", "inline", "-q", "--json")
        code, out, _ = again.end()
        assert code == 0 and json.loads(out)["state"] == "completed"
        assert len(phsx.open("search").state.finished) == 6

    @pytest.mark.parametrize(
        ("number", "code", "pool"),
        [
            (signal.SIGINT, 130, ["--cluster", "inline"]),
            (signal.SIGTERM, 143, ["--cluster", "inline"]),
            (signal.SIGTERM, 143, ["--workers", "1"]),
        ],
    )
    def test_twice_ends_at_once(self, background, number, code, pool):
        search = background(*pool, "-q")
        search.wait_for(1)
        search.process.send_signal(number)
        assert search.process.stderr.readline() == "\n"
        began = time.monotonic()
        search.process.send_signal(number)
        ended, _, said = search.end()
        assert time.monotonic() - began < 8
        assert ended == code and "Traceback" not in said
        assert phsx.open("search").state.finished == [], "it is to be evaluated again"
        assert "running" not in run("status", "search").output.replace("nobody runs", "")

    def test_termination_drains_and_ends_with_143(self, background, cwd):
        search = background("--cluster", "inline", "-q")
        search.wait_for(1)
        search.process.send_signal(signal.SIGTERM)
        assert search.process.stderr.readline() == "\n"
        (cwd / "go").touch()
        assert search.end()[0] == 143
        assert len(phsx.open("search").state.finished) == 1


class TestStop:
    def test_run_in_another_process(self, background, cwd):
        search = background("--workers", "1")
        search.wait_for(1)
        asked = run("stop", "search", "--no-wait").output
        assert f"asked process {search.process.pid}" in asked and "ended" not in asked
        deadline = time.monotonic() + 20.0
        while Path("search/stop.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        (cwd / "go").touch()
        code, out, said = search.end()
        assert code == 0 and "value = " in out
        assert "ended early, asked to by `phsx stop`" in said
        assert len(phsx.open("search").state.finished) == 1

    def test_waits_for_the_end(self, background, cwd):
        search = background("--workers", "1")
        search.wait_for(1)
        asked = run("stop", "search", "--grace", "0").output
        assert asked.endswith("it has ended\n")
        assert search.end()[0] == 3, "no trial has completed"
        assert of_json("status", "search", "--json")["running"] is False

    def test_nobody_runs_it(self, searched):
        assert "nobody runs it" in run("stop", searched.directory, code=3).output

    def test_one_that_has_died_on_another_host(self, searched, tmp_path, monkeypatch):
        shutil.copytree(searched.directory, tmp_path / "e")
        leave_lease(tmp_path / "e")
        monkeypatch.setattr("phsx.experiment.following.DEAD", 0.2)
        said = run("stop", tmp_path / "e").output
        assert said.startswith("asked process 17") and "no sign of life" in said

    def test_wrong_grace(self, searched):
        assert "grace" in run("stop", searched.directory, "--grace", "-1", code=1).output
