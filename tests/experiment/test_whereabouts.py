"""Where the master is: in a process that lives, or not, or about to come."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace

import pytest

import phsx
from phsx.clusters.credentials import ClusterDirectory
from phsx.clusters.queue import SlurmQueue
from phsx.experiment.order import Order
from phsx.experiment.submission import Submission
from phsx.experiment.whereabouts import Whereabouts
from phsx.journal import Journal, Owner


@pytest.fixture
def directory(tmp_path):
    directory = tmp_path / "e"
    phsx.Experiment(directory, json.dumps, {"obj": phsx.Float(0, 1)}, phsx.Random(2))
    (directory / "logs").mkdir()
    return directory


@pytest.fixture
def submitted(directory, fake_slurm):
    return Submission(directory, Order(directory, {"workers": 1})).queue()


def test_nowhere(directory):
    where = Whereabouts.of(directory)
    assert where.lines() == ["nobody runs it now"]
    assert where.to_dict() == {"running": False, "owner": None, "job": None, "workers": {}}
    assert where.owner is None


def test_in_a_process(directory):
    with Journal.open(directory) as journal:
        where = Whereabouts.of(directory)
        assert where.owner == journal.owner
        (line,) = where.lines()
        assert line.startswith(f"running in process {os.getpid()} on host")
        assert where.to_dict()["running"] is True


def test_jobs_of_its_workers(directory, fake_slurm, tmp_path):
    script = SimpleNamespace(submit_command="sbatch", job_script=lambda: "#SBATCH -J phsx-e\n")
    numbers = [SlurmQueue().submit(script) for _ in range(4)]
    files = ClusterDirectory(directory)
    files.make()
    files.remember(dict.fromkeys(numbers[:3], "phsx-e"))
    fake_slurm.becomes("1", "PENDING", "Resources")
    fake_slurm.becomes("2", "RUNNING")
    fake_slurm.becomes("3", "RUNNING")
    assert Whereabouts.of(directory).workers == {}, "nobody runs it"
    with Journal.open(directory):
        where = Whereabouts.of(directory)
        assert where.lines()[1] == "jobs of its workers: 2 RUNNING, 1 PENDING (Resources)"
        assert where.to_dict()["workers"] == {"RUNNING": 2, "PENDING (Resources)": 1}
        fake_slurm.fail()
        assert Whereabouts.of(directory).workers == {}


def test_in_a_process_that_has_died(directory, monkeypatch):
    monkeypatch.setattr("phsx.journal.vigil.PATIENCE", 0.1)
    owner = Owner.here("phsx run", 0.5).to_dict() | {"host": "far-away", "pid": 17}
    (directory / "lease.json").write_text(json.dumps(owner | {"beat": 1}))
    where = Whereabouts.of(directory)
    assert where.owner is None and where.holder.host == "far-away"
    assert "has ended without a word" in where.lines()[0]


def test_in_the_queue(directory, submitted, fake_slurm):
    where = Whereabouts.of(directory)
    (line,) = where.lines()
    assert "job 1 is PENDING (Priority), and is waiting for its turn" in line
    assert where.to_dict()["job"]["id"] == "1" and where.to_dict()["job"]["reason"] == "Priority"
    fake_slurm.becomes("1", "RUNNING")
    (line,) = Whereabouts.of(directory).lines()
    assert "job 1 is RUNNING, and has begun" in line


def test_at_the_end_of_a_walltime(directory, submitted, fake_slurm):
    submitted.queue(after="1")
    fake_slurm.becomes("2", "PENDING", "Dependency")
    with Journal.open(directory):
        first, second = Whereabouts.of(directory).lines()
    assert first.startswith("running in process")
    assert second == "job 2 is PENDING (Dependency), and goes on then"


def test_after_its_job(directory, submitted, fake_slurm):
    fake_slurm.becomes("1", "FAILED")
    assert Whereabouts.of(directory).lines()[1] == "it was submitted, and did not begin"
    submitted.output.touch()
    lines = Whereabouts.of(directory).lines()
    assert lines[0] == "nobody runs it now" and "logs/master-1.txt" in lines[1]
