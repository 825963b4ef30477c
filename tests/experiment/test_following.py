"""Following an experiment that somebody else runs."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

import phsx
from phsx.experiment import following as module
from phsx.experiment.following import Following
from phsx.experiment.order import Order
from phsx.experiment.submission import Submission
from phsx.journal import Journal, Owner
from phsx.journal.lease import lease_path

SPACE = {"x": phsx.Float(0, 1)}


@pytest.fixture
def experiment(tmp_path):
    return phsx.Experiment(tmp_path / "e", json.dumps, {"obj": phsx.Float(0, 1)}, phsx.Random(2))


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=1000.0)
    time = SimpleNamespace(monotonic=lambda: clock.now, time=lambda: clock.now)
    monkeypatch.setattr(module, "time", time)
    return clock


def test_nobody_runs_it(experiment):
    following = Following(experiment)
    assert not following.look() and not following.complete
    assert following.progress.total == 2


def test_from_beginning_to_end(experiment):
    following = Following(phsx.open(experiment.directory))
    with Journal.open(experiment.directory) as journal:
        assert following.look() and following.note == f"running in {journal.owner}"
    assert not following.look()
    with Journal.open(experiment.directory) as journal:
        assert following.look() and str(journal.owner) in following.note


def test_news_come_once(tmp_path):
    experiment = phsx.Experiment(tmp_path / "e", lambda x: x, SPACE, phsx.Random(6))
    experiment.run(cluster="inline", progress=False)
    following = Following(phsx.open(tmp_path / "e"))
    assert [trial.id for trial in following.news(2)] == [4, 5], "the newest"
    assert following.news(2) == [] and following.complete
    experiment.add_trials(1).run(cluster="inline", progress=False)
    assert [trial.id for trial in following.news(2)] == [6]


def test_from_job_to_job(experiment, fake_slurm, clock):
    """It waits for the next one in the queue."""
    directory = experiment.directory
    (directory / "logs").mkdir()
    submission = Submission(directory, Order(directory, {"workers": 1})).queue()
    following = Following(phsx.open(directory))
    assert following.look() and following.note == "job 1 is PENDING (Priority)"
    fake_slurm.becomes("1", "RUNNING")
    with Journal.open(directory):
        assert following.look() and "running in process" in following.note
        submission.queue(after="1")
    fake_slurm.becomes("1", "COMPLETED")
    assert following.look() and following.note == "job 2 is PENDING (Priority)"
    fake_slurm.becomes("2", "COMPLETED")
    assert following.look(), "the queue is not asked all the time"
    clock.now += 5.0
    assert not following.look()


def test_another_host(experiment, monkeypatch):
    monkeypatch.setattr(module, "DEAD", 0.0)
    owner = Owner.here("phsx run", 0.5).to_dict() | {"host": "far-away", "pid": 17}
    lease_path(experiment.directory).write_text(json.dumps(owner | {"beat": 1}))
    assert not Following(experiment).look(), "it gives no sign of life"
