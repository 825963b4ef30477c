"""Masters that run by themselves: what is submitted, kept and refused; in the background too."""

from __future__ import annotations

import json
import os
import signal
import sys
import time

import pytest

import phsx
from phsx.clusters.queue import Entry
from phsx.exceptions import (
    ClusterError,
    ConfigurationError,
    DirectoryError,
    ExperimentError,
    LeaseError,
    TargetError,
)
from phsx.experiment.order import Order
from phsx.experiment.stopping import request_stop
from phsx.experiment.submission import FILE, Submission, plan_submission, submit
from phsx.journal import Journal, holder
from phsx.testing.faults import check_exact, until

SEARCH = """
target = "submitted:slow"
[space]
x = {type = "float", low = 0, high = 1}
[[plan]]
strategy = "random"
trials = 4
"""
SLURM = '[slurm]\njobs = 2\nmemory = "2GB"\naccount = "project"\n'
MASTER = '[master]\nwalltime = "12:00:00"\nqueue = "long"\n'
MODEL = """
import time
from pathlib import Path

def slow(x, trial):
    while not Path(trial.directory.parents[2], "go").exists():
        time.sleep(0.01)
    return x
"""


@pytest.fixture
def file(cwd, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (cwd / "submitted.py").write_text(MODEL)
    (cwd / "search.toml").write_text(SEARCH + SLURM + MASTER)
    yield cwd / "search.toml"
    sys.modules.pop("submitted", None)


class TestJob:
    def test_is_what_the_file_says(self, file, fake_slurm):
        done = submit(file)
        script = fake_slurm.script(done.job)
        for part in ("-t 12:00:00", "-p long", "-A project", "--mem=1908M", "--cpus-per-task=1"):
            assert f"#SBATCH {part}" in script
        assert f"exec {sys.executable} -m phsx master {done.directory}" in script
        assert done.directory == file.parent / "search" and (done.directory / "logs").is_dir()
        assert done.output == done.directory / "logs" / f"master-{done.job}.txt"
        assert Submission.load(done.directory) == done

    def test_options_stand_in_for_it(self, file, fake_slurm):
        done = submit(file, master={"queue": "short", "walltime": None, "memory": "1GB"})
        script = fake_slurm.script(done.job)
        for part in ("-t 12:00:00", "-p short", "--mem=954M"):
            assert f"#SBATCH {part}" in script

    def test_trials_in_the_masters_own_job(self, file, fake_slurm):
        script = fake_slurm.script(submit(file, workers=3).job)
        assert "--cpus-per-task=3" in script and "--mem" not in script and "-A" not in script

    def test_as_many_trials_as_it_has_cores(self, file, fake_slurm):
        file.write_text(SEARCH)
        done = submit(file, master={"cores": 2})
        assert done.order.settings()["workers"] == 2

    def test_nobody_says_where_trials_run(self, file, fake_slurm):
        file.write_text(SEARCH)
        with pytest.raises(ConfigurationError, match="--workers; or where else.*--slurm"):
            submit(file)
        assert not (file.parent / "search").exists()
        assert submit(file, cluster="inline").job == "1"

    def test_is_submitted_from_within_another_one(self, file, fake_slurm, monkeypatch):
        monkeypatch.setenv("SLURM_JOB_ID", "99")
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", "7")
        assert "SLURM_CPUS" not in fake_slurm.environment(submit(file).job)


class TestAgain:
    def test_a_directory_goes_on_as_before(self, file, fake_slurm):
        first = submit(file, timeout=5.0)
        first.cancel()
        file.unlink()
        second = submit(first.directory)
        assert second.order == first.order and second.master == first.master
        assert second.job == "2"

    def test_with_something_else(self, file, fake_slurm):
        first = submit(file, timeout=5.0, slurm="jobs=3")
        first.cancel()
        second = submit(first.directory, workers=2, master={"queue": "short"})
        assert second.order.options == {"timeout": 5.0, "workers": 2}
        assert second.master["queue"] == "short" and second.master["walltime"] == "12:00:00"

    def test_one_that_was_run_by_hand(self, file, fake_slurm):
        directory = Order.of(file, {}).make().directory
        with pytest.raises(ConfigurationError, match="--workers"):
            submit(directory)
        done = submit(directory, slurm="memory=1GB")
        assert done.order.text is None and done.order.what == directory


class TestRefused:
    def test_what_runs_already(self, file, fake_slurm):
        directory = Order.of(file, {}).make().directory
        with (
            Journal.open(directory),
            pytest.raises(LeaseError, match=f"being run already, by process {os.getpid()}"),
        ):
            submit(file)
        assert fake_slurm.queued() == []

    def test_what_is_in_the_queue_already(self, file, fake_slurm):
        submit(file)
        with pytest.raises(LeaseError, match=r"job 1 is PENDING \(Priority\).*phsx stop"):
            submit(file)
        assert fake_slurm.queued() == ["1"]

    def test_a_job_of_somebody_elses_with_that_number(self, file, fake_slurm):
        first = submit(file)
        queue = fake_slurm.directory / "queue"
        queue.write_text(queue.read_text().replace("phsx-search-master", "other"))
        assert first.entry() is None and submit(file).job == "2"

    def test_what_has_ended(self, file, fake_slurm):
        (file.parent / "go").touch()
        Order.of(file, {}).make().run(cluster="inline", progress=False)
        with pytest.raises(ExperimentError, match="all 4 trials of search have ended; `phsx add"):
            submit(file)

    def test_by_slurm(self, file, fake_slurm):
        fake_slurm.refuse("Invalid partition name specified")
        with pytest.raises(ClusterError, match="Invalid partition name specified"):
            submit(file)
        assert Submission.load(file.parent / "search").job is None
        (fake_slurm.directory / "refusal").unlink()
        assert submit(file).job == "1"

    def test_no_slurm(self, file, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(ClusterError, match="no command sbatch here"):
            submit(file)

    @pytest.mark.parametrize(
        ("change", "error", "words"),
        [
            (lambda text: text.replace("slow", "slowly"), TargetError, "slowly"),
            (lambda text: text.replace('"12:00:00"', '"noon"'), ConfigurationError, "noon"),
            (lambda text: text.replace("queue", "que"), ConfigurationError, "did you mean 'queue'"),
            (lambda text: text + "cores = 0\n", ConfigurationError, "cores=0"),
            (
                lambda text: "master = 3\n" + text.partition("[master]")[0],
                ConfigurationError,
                "table",
            ),
            (
                lambda text: text.replace('target = "submitted:slow"', ""),
                ConfigurationError,
                "target",
            ),
        ],
    )
    def test_a_mistake_in_the_file(self, file, fake_slurm, change, error, words):
        file.write_text(change(file.read_text()))
        with pytest.raises(error, match=words):
            submit(file)
        assert fake_slurm.queued() == [] and not (file.parent / "search").exists()

    def test_an_option_that_no_file_can_keep(self, file, fake_slurm):
        with pytest.raises(ConfigurationError, match="cannot be kept"):
            submit(file, callbacks=[print])
        assert fake_slurm.queued() == []


class TestKept:
    def test_nothing_is_made_by_a_plan(self, file):
        planned = plan_submission(file)
        assert "-p long" in planned.script().text and not planned.directory.exists()

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "{}", "7", '{"order": 3}', "[" * 10000, '{"here": true, "job": 1}']
    )
    def test_nonsense_is_nothing(self, tmp_path, text):
        (tmp_path / FILE).write_text(text)
        assert Submission.load(tmp_path) is None

    @pytest.mark.parametrize(
        "log", ["/etc/passwd", "../secret.txt", "logs/../../x.txt", "logs/a b.txt"]
    )
    def test_a_strangers_log_is_below_the_directory(self, file, fake_slurm, log):
        done = submit(file)
        path = done.directory / FILE
        path.write_text(json.dumps(json.loads(path.read_text()) | {"log": log}))
        assert Submission.load(done.directory) is None

    def test_directory_that_cannot_be_written(self, file, fake_slurm):
        directory = Order.of(file, {}).make().directory
        (directory / FILE).mkdir()
        (directory / FILE / "x").touch()
        with pytest.raises(DirectoryError, match=r"submission.json cannot be written"):
            submit(file)
        assert fake_slurm.queued() == []

    def test_entry_of_a_job(self, file, fake_slurm):
        done = submit(file)
        assert done.entry() == Entry("PENDING", "Priority", "phsx-search-master")
        fake_slurm.becomes(done.job, "RUNNING")
        assert done.entry().state == "RUNNING"
        fake_slurm.becomes(done.job, "COMPLETED")
        assert done.entry() is None
        fake_slurm.becomes(done.job, "PENDING")
        assert done.cancel() and done.entry() is None and not done.cancel()

    def test_queue_that_nobody_can_look_at(self, file, fake_slurm):
        done = submit(file)
        fake_slurm.fail()
        assert done.entry() is None and not done.cancel()


@pytest.fixture
def background(file):
    """Masters in the background, which are ended after the test."""
    file.write_text(SEARCH)
    directory = file.parent / "search"
    yield file
    (file.parent / "go").touch()
    if (owner := holder(directory)) is not None and owner.alive():
        os.kill(owner.pid, signal.SIGKILL)
        until(lambda: not owner.alive())


@pytest.mark.leaks("processes")
class TestHere:
    def test_goes_on_by_itself(self, background):
        done = submit(background, here=True, workers=1)
        owner = holder(done.directory)
        assert owner.alive() and owner.pid != os.getpid() and done.job is None
        assert os.getsid(owner.pid) not in (os.getsid(0), 0), "no terminal's"
        with pytest.raises(LeaseError, match="being run already"):
            submit(background, here=True)
        (background.parent / "go").touch()
        until(lambda: holder(done.directory) is None)
        check_exact(done.directory, 4)
        until(lambda: "4 of 4 trials" in done.output.read_text())

    def test_is_killed_and_submitted_again(self, background):
        done = submit(background, here=True, cluster="inline")
        owner = holder(done.directory)
        os.kill(owner.pid, signal.SIGKILL)
        until(lambda: not owner.alive())
        (background.parent / "go").touch()
        again = submit(done.directory, here=True)
        assert again.order == done.order
        until(lambda: holder(done.directory) is None)
        check_exact(done.directory, 4)

    def test_is_stopped(self, background):
        done = submit(background, here=True, workers=1)
        assert request_stop(done.directory, grace=0.0) is not None
        until(lambda: holder(done.directory) is None)
        until(lambda: "asked to by `phsx stop`" in done.output.read_text())

    def test_one_that_ends_before_anybody_has_looked(self, background):
        (background.parent / "go").touch()
        done = submit(background, here=True, cluster="inline")
        until(lambda: holder(done.directory) is None)
        check_exact(done.directory, 4)

    def test_one_that_cannot_begin(self, background, monkeypatch):
        Order.of(background, {}).make()
        (background.parent / "submitted.py").write_text("raise OSError('no data here')")
        began = time.monotonic()
        with pytest.raises(ClusterError, match="(?s)has ended at once; it said.*no data here"):
            submit(background, here=True, workers=1)
        assert time.monotonic() - began < 30


def test_of_the_command_line(file, fake_slurm):
    assert phsx.submit is submit
