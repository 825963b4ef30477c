"""Runs in a job that ends: when they stop, and who goes on."""

from __future__ import annotations

import functools
import json
from types import SimpleNamespace

import pytest

import phsx
from phsx.experiment import shift as module
from phsx.experiment.order import Order
from phsx.experiment.shift import Shift
from phsx.experiment.submission import Submission
from phsx.testing.bench import Bench
from phsx.testing.virtual_executor import VirtualExecutor


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def begin(tmp_path, clock):
    return functools.partial(Shift, tmp_path, "7", clock=clock)


class TestWhen:
    @pytest.mark.parametrize(
        ("seconds", "expected", "when", "left"),
        [
            (86400, 3600.0, 86400 - 30 - 3602, 3602),  # as long as a trial takes
            (86400, None, 86400 - 30, 0),  # nothing is known: as late as can be
            (3600, 3000.0, 3600 - 30 - 900, 900),  # at most a quarter of the time
            (60, 1.0, 60 - 6 - 3, 3),  # a short job
        ],
    )
    def test_it_is_due(self, begin, clock, seconds, expected, when, left):
        shift = begin(seconds)
        clock.now = when - 0.1
        assert shift.due(expected) is None
        clock.now = when
        assert shift.due(expected) == pytest.approx(left)
        assert shift.due(expected) is None, "once"

    def test_a_job_that_is_about_to_end(self, begin, clock):
        shift = begin(60)
        clock.now = 59.0
        assert shift.due(10.0) == 0.0


class TestHere:
    @pytest.fixture(autouse=True)
    def no_job(self, monkeypatch):
        for name in ("SLURM_JOB_ID", "SLURM_JOB_END_TIME", "PHSX_JOB_STARTED", "PHSX_WALLTIME"):
            monkeypatch.delenv(name, raising=False)

    def test_in_no_job(self, tmp_path):
        assert Shift.here(tmp_path) is None

    def test_by_what_the_job_is_told(self, tmp_path, monkeypatch):
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.setenv("SLURM_JOB_END_TIME", "5000")
        monkeypatch.setattr(module.time, "time", lambda: 4000.0)
        shift = Shift.here(tmp_path)
        assert shift._seconds == 1000.0 and shift.reason == "the walltime of job 7 ends"

    @pytest.mark.parametrize(("said", "seconds"), [("1:30", 90.0), ("UNLIMITED", None), ("", None)])
    def test_by_what_the_queue_says(self, tmp_path, fake_slurm, monkeypatch, said, seconds):
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        fake_slurm.left.write_text(f"{said}\n")
        shift = Shift.here(tmp_path)
        assert (shift and shift._seconds) == seconds

    def test_nobody_knows(self, tmp_path, monkeypatch):
        monkeypatch.setenv("SLURM_JOB_ID", "7")
        monkeypatch.setenv("PATH", str(tmp_path))
        assert Shift.here(tmp_path) is None


class TestMaster:
    def test_stops_in_time(self, tmp_path, clock, monkeypatch):
        """Trials of 10 s on 2 workers, 100 s: those of the last round end, and no more begin."""
        b, executor = (
            Bench(tmp_path, phsx.Random(40)),
            VirtualExecutor(2, duration=lambda job: 10.0),
        )
        master = b.make(executor)
        shift = Shift(tmp_path, "7", 100.0, clock=executor.clock)
        handed = []
        monkeypatch.setattr(shift, "hand_over", lambda: handed.append(executor.clock()))
        master._on_tick = lambda: shift.tick(master, len(b.state.finished))
        began = executor.clock()
        master.run()
        assert len(handed) == 1 and master.stop_reason == "the walltime of job 7 ends"
        assert executor.clock() - began <= 90.0
        assert b.states() == {"completed": 2 * 7} or b.states() == {"completed": 2 * 8}

    @pytest.mark.parametrize(
        ("ended", "ran", "again"), [(0, 60, False), (1, 60, True), (0, 40, True)]
    )
    def test_no_further_job_where_no_trial_ends(
        self, begin, clock, monkeypatch, caplog, ended, ran, again
    ):
        """Those that save checkpoints do not count: they go on from there."""
        shift = begin(100.0, 3)
        handed, stopped = [], []
        monkeypatch.setattr(shift, "hand_over", lambda: handed.append(1))
        clock.now = 95.0
        master = SimpleNamespace(
            stopping=lambda life: None, longest=ran, stop=lambda *given: stopped.append(given)
        )
        shift.tick(master, 3 + ended)
        assert len(stopped) == 1 and bool(handed) is again
        assert ("longer walltime" in caplog.text) is not again


class TestRelief:
    @pytest.fixture
    def submitted(self, tmp_path, fake_slurm):
        """A search whose master's job is number 7."""
        directory = tmp_path / "e"
        phsx.Experiment(directory, json.dumps, {"obj": phsx.Float(0, 1)}, phsx.Random(2))
        (directory / "logs").mkdir()
        fake_slurm.next.write_text("7")
        return Submission(directory, Order(directory, {"workers": 1})).queue()

    def shift(self, submitted, clock, job="7"):
        return Shift(submitted.directory, job, 100.0, clock=clock)

    def test_goes_on(self, submitted, fake_slurm, clock):
        shift = self.shift(submitted, clock)
        shift.hand_over()
        shift.close(wanted=True)
        now = Submission.load(submitted.directory)
        assert now.job == "8" and now.log == "logs/master-8.txt"
        assert now.order == submitted.order
        assert "--dependency=afterany:7" in fake_slurm.script("8")
        assert fake_slurm.queued() == ["7", "8"]

    def test_is_not_wanted_any_more(self, submitted, fake_slurm, clock):
        """Somebody has stopped the run while its last trials ended, or they were the last ones."""
        shift = self.shift(submitted, clock)
        shift.hand_over()
        shift.close(wanted=False)
        assert fake_slurm.queued() == ["7"]

    def test_the_queue_systems_own_signal_at_the_end_is_nobodys_wish(
        self, submitted, fake_slurm, clock
    ):
        shift = self.shift(submitted, clock)
        shift.hand_over()
        clock.now = 100.0
        shift.close(wanted=False)
        assert fake_slurm.queued() == ["7", "8"]

    def test_somebodys_own_job(self, submitted, fake_slurm, clock):
        """It was not submitted by phsx, and is not submitted again by it."""
        shift = self.shift(submitted, clock, job="99")
        shift.hand_over()
        shift.close(wanted=True)
        assert fake_slurm.queued() == ["7"]

    def test_is_refused(self, submitted, fake_slurm, clock, caplog):
        fake_slurm.refuse("no more jobs today")
        shift = self.shift(submitted, clock)
        shift.hand_over()
        shift.close(wanted=True)
        assert "no more jobs today" in caplog.text and "phsx submit" in caplog.text
        assert Submission.load(submitted.directory).job == "7"

    def test_nothing_was_due(self, submitted, fake_slurm, clock):
        self.shift(submitted, clock).close(wanted=False)
        assert fake_slurm.queued() == ["7"]


def test_a_run_in_a_job(tmp_path, fake_slurm, monkeypatch):
    """A run in this process that takes itself for job 7, of 3 s."""
    directory = tmp_path / "e"

    def target(x):
        import time

        time.sleep(0.1)
        return x

    experiment = phsx.Experiment(directory, target, {"x": phsx.Float(0, 1)}, phsx.Random(500))
    (directory / "logs").mkdir()
    fake_slurm.next.write_text("7")
    Submission(directory, Order(directory, {"workers": 1})).queue()
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(module, "remaining", lambda environment, now: 3.0)
    experiment.run(cluster="inline", progress=False)
    assert 5 <= len(experiment.state.finished) < 30
    assert fake_slurm.queued() == ["7", "8"]
