"""Trials that ask for resources, on real workers."""

from __future__ import annotations

import os

import pytest

import phsx
from phsx.exceptions import ConfigurationError
from phsx.testing.faults import StandingCluster, until

SPACE = {"x": phsx.Float(0, 1), "device": phsx.Categorical(["cpu", "gpu"])}


def target(x, device, trial):
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return {"value": x, "seen": seen, "threads": os.environ["OMP_NUM_THREADS"]}


def search(directory, trials=12, **options):
    return phsx.Experiment(directory, target, SPACE, phsx.Random(trials), seed=1, **options)


def test_local_workers_share_the_gpus_of_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    experiment = search(tmp_path / "s")
    experiment.run(
        workers=3,
        resources=lambda p: {"GPU": 1, "cores": 2} if p["device"] == "gpu" else {},
        progress=False,
    )
    on_gpu = [trial for trial in experiment.trials if trial.params["device"] == "gpu"]
    others = [trial for trial in experiment.trials if trial not in on_gpu]
    assert on_gpu and others
    assert {trial.result["seen"] for trial in on_gpu} <= {"3", "5"}
    assert {(trial.result["seen"], trial.result["threads"]) for trial in others} == {("", "1")}
    assert {trial.result["threads"] for trial in on_gpu} == {"2"}
    by_worker = {trial.worker: trial.result["seen"] for trial in on_gpu}
    assert len(set(by_worker.values())) == len(by_worker) <= 2, "each has its own"


def test_where_nothing_is_said_all_see_all(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    experiment = search(tmp_path / "s", 2)
    experiment.run(workers=1, progress=False)
    assert {trial.result["seen"] for trial in experiment.trials} == {"3,5"}


def test_what_no_local_worker_has_fails_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    experiment = search(tmp_path / "s")
    experiment.run(workers=1, resources={"GPU": "device == 'gpu'"}, max_failed=1.0, progress=False)
    for trial in experiment.trials:
        failed = trial.params["device"] == "gpu"
        assert trial.state == ("failed" if failed else "completed")
        assert not failed or ("asks for GPU=1" in trial.error and trial.attempt == 0)
    frame = experiment.to_dataframe()
    assert (frame["state"] == "failed").any() and frame["worker"].isna().any()
    assert "GPU=1" in (tmp_path / "s" / "results.csv").read_text()
    figure = phsx.plot.worker_timeline(experiment)
    assert figure is not None


def test_what_every_trial_asks_for_is_checked_before(tmp_path):
    with pytest.raises(ConfigurationError, match="asks for licence=1, and no slot has that"):
        search(tmp_path / "s").run(workers=1, resources={"licence": 1})


def test_in_this_process_everything_is_there(tmp_path):
    experiment = search(tmp_path / "s", 3)
    experiment.run(cluster="inline", resources={"GPU": 8}, progress=False)
    assert all(trial.state == "completed" for trial in experiment.trials)


@pytest.mark.leaks("files")
def test_what_workers_of_dask_declare_counts(tmp_path, monkeypatch, caplog):
    """A trial that asks for more waits for a worker that has it."""
    monkeypatch.setattr("phsx.master.waiting.PATIENCE", 0.1)
    experiment = search(tmp_path / "s", 6)
    with StandingCluster(1, settings={"WORKER__RESOURCES__LICENCE": "2"}) as cluster:
        run = experiment.run(
            cluster=cluster.address,
            resources=lambda p: {"licence": 3 if p["device"] == "gpu" else 2},
            background=True,
            progress=False,
        )
        until(lambda: "asks for licence=3, which no worker has; waiting" in caplog.text)
        until(lambda: not run.progress.running and run.progress.ended)
        run.stop(0.0)
    states = {trial.params["device"]: str(trial.state) for trial in experiment.trials}
    assert states["gpu"] == "waiting" and states.get("cpu", "completed") == "completed"
