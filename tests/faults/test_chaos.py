"""Long faults, run by `make chaos`. PHSX_CHAOS=0.1 is a tenth of each, for a look."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time

import distributed
import psutil
import pytest

import phsx
from phsx.clusters.local import local_cluster
from phsx.journal import read
from phsx.journal.format import encode
from phsx.testing.faults import Attack, Lifetimes, Relay, Victim, check_exact, completed, until
from phsx.trial import TrialState

pytestmark = [pytest.mark.chaos, pytest.mark.leaks("files", "processes", "threads")]

#: The share of their full size that the tests have.
SIZE = float(os.environ.get("PHSX_CHAOS", "1"))
#: By how much kills of masters are slower, on a machine that takes seconds to start one.
PACE = float(os.environ.get("PHSX_CHAOS_PACE", "1"))


def size(full, least):
    return max(least, round(SIZE * full))


def test_a_worker_dies_every_four_seconds(tmp_path, fault_seed):
    """F2: 200 trials on 6 workers; they end by SIGKILL, SIGSEGV and retirement."""

    def target(x, y, trial):
        if trial.attempt == 1 and trial.id % 20 == 7:
            os._exit(1)
        time.sleep(1.0)
        return (x - 1) ** 2 + y

    number = size(200, 20)
    hows = ["SIGKILL", "SIGSEGV", "retired"]
    with local_cluster(6) as cluster, distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(6, timeout=120)

        def attack(rng):
            workers = client.run(os.getpid, on_error="ignore")
            if len(workers) < 2:
                return None
            address, how = rng.choice(sorted(workers)), rng.choice(hows)
            if how == "retired":
                client.retire_workers([address])
            else:
                os.kill(workers[address], getattr(signal, how))
            return how

        space = {"x": phsx.Float(-5, 5), "y": phsx.Int(0, 3)}
        plan = [phsx.Sobol(number - number // 4), phsx.Bayesian(number // 4)]
        experiment = phsx.Experiment(tmp_path / "e", target, space, plan, seed=fault_seed)
        began = time.monotonic()
        with Attack(attack, every=4.0, seed=fault_seed) as attacked:
            experiment.run(cluster=client, progress=False, max_deaths=20)
        took = time.monotonic() - began
    state = check_exact(tmp_path / "e", number)
    assert state.count(TrialState.COMPLETED) == number
    assert phsx.verify(tmp_path / "e").identical
    again = sum(trial.attempt - 1 for trial in state.trials.values())
    print(f"{number} trials in {took:.0f} s, {len(attacked.done)} attacks, {again} attempts more")


def test_a_killed_worker_costs_a_trial_and_the_start_of_a_worker(tmp_path):
    """F1: against the same search without a kill."""

    def target(x):
        time.sleep(2.0)
        return x

    def took(name, kill):
        plan, space = phsx.Sobol(12), {"x": phsx.Float(0, 1)}
        experiment = phsx.Experiment(tmp_path / name, target, space, plan, seed=1)
        run = experiment.run(workers=2, background=True, progress=False)
        until(lambda: len(experiment.state.finished) >= 3)
        if kill:
            until(lambda: experiment.state.count(TrialState.RUNNING) == 2)
            next(
                p for p in psutil.Process().children() if "local_worker" in str(p.cmdline())
            ).kill()
        assert run.wait(120)
        trials = check_exact(tmp_path / name, 12).trials.values()
        assert sum(trial.attempt for trial in trials) == 12 + kill
        return max(trial.ended for trial in trials) - min(trial.started for trial in trials)

    without, with_kill = took("a", False), took("b", True)
    print(f"12 trials of 2 s on 2 workers: {without:.1f} s, with a kill {with_kill:.1f} s")
    assert with_kill - without < 2.0 + 5.0, "a worker starts in a second or two; here in five"


def test_verified_after_kills_and_with_a_number_changed(tmp_path, fault_seed):
    """F2: 8 workers, one of them killed every 4 s; then one number of the journal is another."""

    def target(x, y):
        time.sleep(0.4)
        return (x - 1) ** 2 + y

    def attack(rng):
        found = [p for p in psutil.Process().children() if "local_worker" in str(p.cmdline())]
        return rng.choice(found).kill() or "SIGKILL" if found else None

    number = size(60, 24)
    space = {"x": phsx.Float(-5, 5), "y": phsx.Int(0, 3)}
    plan = [phsx.Random(number // 4), phsx.Bayesian(number - number // 4)]
    experiment = phsx.Experiment(tmp_path / "e", target, space, plan, seed=fault_seed)
    with Attack(attack, every=4.0, seed=fault_seed) as attacked:
        experiment.run(workers=8, progress=False, max_deaths=20)
    assert check_exact(tmp_path / "e", number).count(TrialState.COMPLETED) == number
    assert attacked.done and phsx.verify(tmp_path / "e").identical
    records = list(read(tmp_path / "e").records)
    changed = [record for record in records if record["type"] == "suggested"][number // 2]
    changed["params"]["x"] += 1e-9
    lines, checksum = [], 0
    for record in records:
        line, checksum = encode(record, checksum)
        lines.append(line)
    (tmp_path / "e" / "journal.jsonl").write_bytes(b"".join(lines))
    first = phsx.verify(tmp_path / "e").differences[0]
    assert (first.what, first.number) == ("suggestion", changed["id"])
    print(f"{number} trials, {len(attacked.done)} kills; trial {changed['id']} is named")


SCRIPT = """
import sys, time
import phsx

def target(x, y):
    time.sleep(1.0)
    return (x - 1) ** 2 + y

phsx.Experiment(
    sys.argv[1],
    target=target,
    space={"x": phsx.Float(-5, 5), "y": phsx.Int(0, 3)},
    plan=[phsx.Random(5), phsx.Bayesian(3, initial=3)],
    seed=int(sys.argv[2]),
).run(workers=2, progress=False)
"""


def test_master_is_killed_every_three_to_five_seconds(cwd, fault_seed):
    """F11: 8 trials until they are done, 20 rounds."""
    (cwd / "script.py").write_text(SCRIPT)
    rng, told = random.Random(fault_seed), []
    for number in range(size(20, 2)):
        name, kills, before = f"search{number}", 0, set()
        lives = Lifetimes(rng, 3.0 * PACE, 5.0 * PACE)
        while True:
            with Victim("script.py", name, str(number), cwd=cwd) as master:
                family = psutil.Process(master.process.pid)
                killed = False
                try:
                    master.process.wait(lives.next())
                except subprocess.TimeoutExpired:
                    children = family.children(recursive=True)
                    master.kill()
                    killed = True
                if not killed:
                    status, said = master.end()
                    assert status == 0, said
                    break
            _, alive = psutil.wait_procs(children, timeout=30)
            assert alive == [], "nothing of it goes on evaluating"
            kills += 1
            now = completed(cwd / name)
            assert before <= now, "progress never goes back"
            lives.ended(progress=now > before)
            before = now
            assert kills < 60, f"no progress; PHSX_CHAOS_PACE is {PACE}"
        state = check_exact(cwd / name, 8)
        assert state.count(TrialState.COMPLETED) == 8
        assert all(trial.deaths == 0 for trial in state.trials.values())
        assert sum(trial.attempt for trial in state.trials.values()) <= 8 + 2 * kills
        assert phsx.verify(cwd / name).identical
        told.append((kills, round(lives.factor, 2)))
    print(f"kills by round, and by how much lives had to be longer: {told}")


def test_scheduler_restarts_half_way(standing, tmp_path, fault_seed):
    """F19: its workers end with it, and come anew."""

    def target(x):
        time.sleep(0.5)
        return x**2

    number = size(60, 12)
    cluster = standing(3, revive=True)
    plan = [phsx.Sobol(number - 6), phsx.Bayesian(6)]
    experiment = phsx.Experiment(tmp_path / "e", target, {"x": phsx.Float(-1, 1)}, plan, seed=1)
    run = experiment.run(cluster=cluster.address, background=True, progress=False, max_deaths=0)
    until(lambda: len(experiment.state.finished) >= number // 2, 300)
    cluster.kill_scheduler()
    cluster.start_scheduler()
    assert run.wait(600)
    state = check_exact(tmp_path / "e", number)
    assert state.count(TrialState.COMPLETED) == number
    assert all(trial.deaths == 0 for trial in state.trials.values())
    assert phsx.verify(tmp_path / "e").identical


def test_connection_is_cut_for_a_minute(standing, tmp_path, fault_seed):
    """F20: longer than a client of Dask waits for its scheduler."""

    def target(x):
        time.sleep(0.5)
        return x**2

    number = size(60, 12)
    cluster = standing(2)
    relay = Relay(cluster.port)
    try:
        plan = [phsx.Sobol(number - 6), phsx.Bayesian(6)]
        experiment = phsx.Experiment(tmp_path / "e", target, {"x": phsx.Float(-1, 1)}, plan, seed=1)
        run = experiment.run(cluster=relay.address, background=True, progress=False, max_deaths=0)
        until(lambda: len(experiment.state.finished) >= number // 2, 300)
        relay.cut()
        mended = time.monotonic() + size(60, 35)
        assert not run.wait(mended - time.monotonic())
        relay.mend()
        assert run.wait(600)
    finally:
        relay.close()
    state = check_exact(tmp_path / "e", number)
    assert state.count(TrialState.COMPLETED) == number
    assert all(trial.deaths == 0 for trial in state.trials.values())
    assert phsx.verify(tmp_path / "e").identical


@pytest.mark.parametrize("seconds", [0, 20, 60])
def test_all_workers_are_away(standing, tmp_path, seconds):
    """F4: for so long."""

    def target(x):
        time.sleep(0.5)
        return x**2

    cluster = standing(2)
    experiment = phsx.Experiment(
        tmp_path / "e", target, {"x": phsx.Float(-1, 1)}, phsx.Sobol(12), seed=1
    )
    run = experiment.run(cluster=cluster.address, background=True, progress=False)
    until(lambda: len(experiment.state.finished) >= 4, 300)
    cluster.kill()
    assert not run.wait(SIZE * seconds)
    cluster.add()
    cluster.add()
    assert run.wait(300)
    assert check_exact(tmp_path / "e", 12).count(TrialState.COMPLETED) == 12
