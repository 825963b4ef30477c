"""Workers that are killed, leave, vanish, freeze and fall silent (F2 to F5, F10, F26)."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import time

import distributed
import pytest

import phsx
from phsx.clusters.local import local_cluster
from phsx.testing.faults import Attack, Relay, check_exact
from phsx.trial import TrialState

# Connections of a cluster that is not the test's own come and go at any time.
pytestmark = pytest.mark.leaks("files")

SPACE = {"x": phsx.Float(0, 1)}


def _running():
    """Return trial and attempt of what runs in this worker."""
    from phsx.execution import worker

    return [pair for known in worker._runs.values() for pair in known.running()]


def died(state):
    return {number for number, trial in state.trials.items() if trial.deaths}


def test_workers_that_end_in_every_way(tmp_path, fault_seed):
    """F2: by SIGKILL, by retirement, and children by exit and segfault, one after the other."""

    def target(x, trial):
        crashed = trial.directory / "crashed"
        if trial.id % 8 in (3, 5) and not crashed.exists():
            crashed.touch()
            os._exit(1) if trial.id % 8 == 3 else os.kill(os.getpid(), signal.SIGSEGV)
        time.sleep(0.5)
        return x

    with local_cluster(3) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=60)
        hows = itertools.cycle(["killed", "retired"])

        def attack(rng):
            workers = client.run(os.getpid, on_error="ignore")
            if len(workers) < 2:
                return None
            address, how = rng.choice(sorted(workers)), next(hows)
            if how == "killed":
                os.kill(workers[address], signal.SIGKILL)
            else:
                client.retire_workers([address])
            return how

        plan = [phsx.Sobol(12), phsx.Bayesian(4, initial=8)]
        experiment = phsx.Experiment(tmp_path / "e", target, SPACE, plan, seed=2)
        with Attack(attack, every=2.0, seed=fault_seed) as attacked:
            experiment.run(cluster=client, progress=False, max_deaths=10)
    state = check_exact(tmp_path / "e", 16)
    assert attacked.done, "nobody was attacked"
    assert state.count(TrialState.COMPLETED) == 16
    # One of them may have been retired at that very moment.
    assert len({3, 5, 11, 13} & died(state)) >= 3
    assert phsx.verify(tmp_path / "e").identical


def test_most_workers_leave_for_good(standing, hold, wait):
    """F3: three of four within a moment."""
    cluster = standing(4)
    search = hold(10, cluster=cluster.address)
    wait(lambda: len(search.here()) == 4)
    cluster.kill(*cluster.workers[:3])
    wait(lambda: search.handle.progress.running == 1)
    search.go()
    search.end()
    state = check_exact(search.directory, 10)
    assert state.count(TrialState.COMPLETED) == 10
    assert died(state) <= {0, 1, 2, 3}, "only what ran there"
    assert cluster.alive() == 1


def test_all_workers_vanish_and_others_come(standing, hold, wait, monkeypatch, caplog):
    """F4: it waits, says so, and goes on; nothing is lost."""
    monkeypatch.setattr("phsx.master.master.PATIENCE", 0.5)
    cluster = standing(2)
    with caplog.at_level(logging.WARNING, "phsx"):
        search = hold(6, cluster=cluster.address)
        wait(lambda: len(search.here()) == 2)
        cluster.kill()
        wait(lambda: "no worker is there" in caplog.text)
        assert search.handle.running
        cluster.add()
        cluster.add()
        wait(lambda: len(search.here(2)) == 2)
        search.go()
        search.end()
    state = check_exact(search.directory, 6)
    assert state.count(TrialState.COMPLETED) == 6


@pytest.mark.parametrize("how", ["exit", "segfault", "worker"])
def test_poison(tmp_path, how):
    """F5: given up after the deaths that are allowed; its neighbours have no part in it."""

    def target(x, trial):
        if trial.id == 3:
            # Its neighbours are at work, and what it says has arrived.
            time.sleep(0.3)
            if how == "exit":
                os._exit(5)
            os.kill(os.getppid() if how == "worker" else os.getpid(), signal.SIGSEGV)
        time.sleep(0.2)
        return x

    experiment = phsx.Experiment(tmp_path / "e", target, SPACE, phsx.Random(8), seed=0)
    experiment.run(workers=2, max_deaths=1, progress=False)
    state = check_exact(tmp_path / "e", 8)
    poison = state.trials[3]
    assert poison.state is (TrialState.LOST if how == "worker" else TrialState.FAILED)
    assert (poison.attempt, poison.deaths) == (2, 1)
    said = {"exit": "exited with code 5", "segfault": "SIGSEGV", "worker": "died"}[how]
    assert said in poison.error and "1 deaths before" in poison.error
    assert state.count(TrialState.COMPLETED) == 7
    assert died(state) == {3}


def test_one_whose_workers_are_killed_runs_alone(tmp_path):
    """F5: after two deaths nothing else runs on the host, for that may have been the reason."""

    def target(x, trial):
        mark = trial.directory / "running"
        mark.touch()
        if trial.id == 3 and trial.attempt <= 2:
            time.sleep(0.3)  # what it says has arrived
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(60.0)
        time.sleep(0.3)
        others = len(list(trial.directory.parent.glob("*/running"))) - 1
        mark.unlink()
        return {"value": x, "others": others}

    experiment = phsx.Experiment(tmp_path / "e", target, SPACE, phsx.Random(12), seed=0)
    experiment.run(workers=3, progress=False)
    state = check_exact(tmp_path / "e", 12)
    suspect = state.trials[3]
    assert (suspect.attempt, suspect.deaths, suspect.result["others"]) == (3, 2, 0)
    assert any(trial.result["others"] for trial in state.trials.values()), "others do not"
    assert died(state) == {3}


@pytest.mark.parametrize("how", ["silent", "frozen"])
def test_worker_that_is_not_heard_of(standing, hold, wait, how):
    """F10: its trial runs elsewhere, and what it says in the end is dropped."""
    cluster = standing(1, settings={"SCHEDULER__WORKER_TTL": "1s"})
    relay = Relay(cluster.port)
    try:
        victim = cluster.add(entry=relay.address)
        search = hold(3, cluster=cluster.address)
        wait(lambda: len(search.here()) == 2)
        began = {number: search.experiment.trials[number].worker for number in (0, 1)}
        if how == "silent":
            relay.silence()
        else:
            cluster.kill(victim, number=signal.SIGSTOP)
        search.go()  # one of both ends there, and nobody hears of it
        wait(lambda: len(search.experiment.state.finished) == 3)
        search.end()
    finally:
        relay.speak()
        cluster.kill(victim, number=signal.SIGCONT)
        # It has to notice that the scheduler has given it up.
        wait(lambda: victim.poll() is not None)
        relay.close()
    state = check_exact(search.directory, 3)
    assert state.count(TrialState.COMPLETED) == 3
    moved = [trial for trial in state.trials.values() if trial.attempt == 2]
    assert len(moved) == 1 and moved[0].worker != began[moved[0].id]


@pytest.mark.parametrize("how", ["silent", "frozen"])
def test_worker_that_dask_waits_for(standing, hold, wait, how, monkeypatch):
    """F10: phsx has less patience than Dask with its default settings.

    When the worker is back, what it still runs is ended, and it has a part in the search again.
    """
    monkeypatch.setattr("phsx.execution.heartbeats.PATIENCE", 2.0)
    monkeypatch.setattr("phsx.execution.dask.PATIENCE", 2.0)
    monkeypatch.setattr("phsx.execution.heartbeats.EVERY", 0.5)
    cluster = standing(1)
    relay = Relay(cluster.port)
    try:
        victim = cluster.add(entry=relay.address)
        search = hold(4, cluster=cluster.address)
        wait(lambda: len(search.here()) == 2)
        began = {number: search.experiment.trials[number].worker for number in (0, 1)}
        if how == "silent":
            relay.silence()
        else:
            cluster.kill(victim, number=signal.SIGSTOP)
        wait(lambda: search.handle.progress.running == 1)
        assert len(search.here()) == 2, "there is no other worker for its trial"
        relay.speak()
        cluster.kill(victim, number=signal.SIGCONT)
        wait(lambda: len(search.here(attempt=2)) == 1)
        ((moved, _),) = search.here(attempt=2)
        assert search.experiment.trials[moved].worker == began[moved], "no other one is free"
        with distributed.Client(cluster.address, set_as_default=False) as client:
            assert client.run(_running)[began[moved]] == [(moved, 2)], "the first attempt is gone"
        search.go()
        search.end()
    finally:
        relay.close()
    state = check_exact(search.directory, 4)
    assert state.count(TrialState.COMPLETED) == 4
    assert died(state) == {moved}


def test_workers_come_and_go(standing, hold, wait):
    """F26: 0, 3, 1, 2 workers: as many trials run as there are workers."""
    cluster = standing(0)
    search = hold(12, cluster=cluster.address)
    running = lambda: search.handle.progress.running  # noqa: E731
    added = [cluster.add() for _ in range(3)]
    wait(lambda: running() == 3)
    cluster.kill(*added[:2])
    wait(lambda: running() == 1)
    cluster.add()
    wait(lambda: running() == 2)
    search.go()
    search.end()
    assert check_exact(search.directory, 12).count(TrialState.COMPLETED) == 12


def test_a_slow_worker_holds_up_nobody(tmp_path, standing, wait):
    """F26: while one trial lasts, all others come and go, those that learn from results too."""

    def target(x, trial):
        deadline = time.monotonic() + 120.0
        while trial.id == 0 and not (trial.directory / "go").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return x

    experiment = phsx.Experiment(
        tmp_path / "e", target, SPACE, [phsx.Sobol(4), phsx.Bayesian(8, initial=4)], seed=1
    )
    run = experiment.run(cluster=standing(3).address, background=True, progress=False)
    wait(lambda: len(experiment.state.finished) == 11)
    assert experiment.trials[0].state is TrialState.RUNNING
    (tmp_path / "e/trials/000000/go").touch()
    assert run.wait(60.0)
    check_exact(tmp_path / "e", 12)
    slow = experiment.trials[0].worker
    assert [trial.id for trial in experiment.trials if trial.worker == slow] == [0]


@pytest.mark.leaks("files", "threads")  # Dask's own, of a cluster that adapts
def test_cluster_that_grows_with_its_tasks(tmp_path, hold, wait):
    """F26: somebody's, with `adapt(minimum=0)`: it gets as many workers as it may have."""
    with distributed.LocalCluster(
        n_workers=0, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=40
    ) as cluster:
        cluster.adapt(minimum=0, maximum=3, interval="200ms")
        search = hold(8, cluster=cluster)
        wait(lambda: search.handle.progress.running == 3)
        search.go()
        search.end()
        state = check_exact(search.directory, 8)
        assert state.count(TrialState.COMPLETED) == 8
        wait(lambda: not cluster.scheduler_info["workers"])
        assert not cluster.scheduler.tasks, "nothing of ours stays behind"


@pytest.mark.leaks("files", "threads")  # Dask's own, of a cluster that adapts
def test_cluster_that_has_no_worker_until_there_is_work(tmp_path):
    """F26: somebody's, with `adapt(minimum=0)`."""
    with distributed.LocalCluster(
        n_workers=0, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs=40
    ) as cluster:
        cluster.adapt(minimum=0, maximum=2, interval="200ms")
        experiment = phsx.Experiment(tmp_path / "e", lambda x: x, SPACE, phsx.Random(4), seed=1)
        run = experiment.run(cluster=cluster, background=True, progress=False)
        try:
            assert run.wait(60), "no worker ever came"
        finally:
            if run.running:
                run.stop(grace=0.0)
    assert check_exact(tmp_path / "e", 4).count(TrialState.COMPLETED) == 4
