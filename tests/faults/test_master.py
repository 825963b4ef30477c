"""The master is killed, told to end, and finds the disk full (F11, F12, F16)."""

from __future__ import annotations

import os
import random
import runpy
import shutil
import signal
import subprocess

import psutil
import pytest

import phsx
from phsx.exceptions import RecoveryWarning
from phsx.testing.faults import Lifetimes, Victim, check_exact, completed, until
from phsx.trial import TrialState

SCRIPT = """
import sys, time
import phsx

SECONDS = float(sys.argv[2])

def target(x, y):
    time.sleep(SECONDS)
    return (x - 1) ** 2 + y

experiment = phsx.Experiment(
    "search",
    target=target,
    space={"x": phsx.Float(-5, 5), "y": phsx.Int(0, 3)},
    plan=[phsx.Random(5), phsx.Bayesian(3, initial=3)],
    seed=2,
)
pool = sys.argv[1]
pool = {"workers": int(pool)} if pool.isdigit() else {"cluster": pool}
experiment.run(**pool, progress=False)
"""


@pytest.fixture
def script(cwd):
    (cwd / "script.py").write_text(SCRIPT)
    return cwd / "script.py"


def rounds_of_kills(script, cwd, rng, pool, seconds, shortest, longest):
    """Kill the master again and again until the search is done; return how often."""
    before, kills, lives = set(), 0, Lifetimes(rng, shortest, longest)
    while True:
        with Victim(script, pool, str(seconds), cwd=cwd) as master:
            if not master.kill_after(lives.next()):
                status, said = master.end()
                assert status == 0, said
                break
        kills += 1
        now = completed(cwd / "search")
        assert before <= now, "progress never goes back"
        lives.ended(progress=now > before)
        before = now
        assert kills < 100
    state = check_exact(cwd / "search", 8)
    assert before <= completed(cwd / "search")
    assert state.count(TrialState.COMPLETED) == 8
    assert all(trial.deaths == 0 for trial in state.trials.values())
    slots = int(pool) if pool.isdigit() else 1
    assert sum(trial.attempt for trial in state.trials.values()) <= 8 + slots * kills
    assert phsx.verify(cwd / "search").identical
    return kills


def test_killed_again_and_again(script, cwd, fault_seed):
    """F11: at random moments, also while it starts; each time it goes on."""
    rng = random.Random(fault_seed)
    assert rounds_of_kills(script, cwd, rng, "inline", 0.3, 0.5, 3.0) >= 2


@pytest.mark.leaks("files")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, -2), (signal.SIGTERM, 143)])
def test_signal_leaves_a_cluster_that_is_not_its_own(script, cwd, standing, number, code):
    """F12: the workers live on, without anything of the search's."""
    cluster = standing(2)
    with Victim(script, cluster.address, "30", cwd=cwd) as master:
        journal = cwd / "search" / "journal.jsonl"
        until(lambda: journal.exists() and journal.read_text().count('"running"') == 2)
        workers = [psutil.Process(worker.pid) for worker in cluster.workers]
        until(lambda: all(worker.children() for worker in workers))
        master.signal(number)
        master.signal(number)
        status, said = master.end()
    assert status == code, said  # Python ends by SIGINT itself, which a shell calls 130
    assert cluster.alive() == 2 and cluster.scheduler.poll() is None
    until(lambda: not any(worker.children() for worker in workers))
    state = phsx.open(cwd / "search").state
    assert not state.finished, (state.trials, said)
    assert not state.count(TrialState.RUNNING)
    assert not (cwd / "search" / "lease.json").exists()


FULL = """
import os, resource, shutil, sys
import phsx
from phsx.exceptions import JournalError

def target(x):
    return {"value": x, "ballast": "b" * 3000}

def main(room, copy):
    space = {"x": phsx.Float(0, 1)}
    experiment = phsx.Experiment("full/search", target, space, phsx.Random(40), seed=1)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    if room != "tmpfs":
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(room), unlimited[1]))
    try:
        experiment.run(cluster="inline", progress=False)
        print("it never became full")
    except JournalError as error:
        print("refused:", error, *error.__notes__)
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    print("seen:", len(experiment.state.finished))
    shutil.copytree("full/search", copy)

if __name__ == "__main__":
    main(*sys.argv[1:])
"""


@pytest.mark.parametrize("how", ["RLIMIT_FSIZE", "tmpfs"])
def test_disk_that_becomes_full(cwd, how):
    """F16: the run stops and says why; with room again it goes on and has lost nothing."""
    (cwd / "full").mkdir()
    (cwd / "full.py").write_text(FULL)
    prefix = ()
    if how == "tmpfs":
        mount = f"mount -t tmpfs -o size=96k none {cwd}/full && " + 'exec "$@"'
        prefix = ("unshare", "--mount", "sh", "-c", mount, "sh")
        if subprocess.run([*prefix, "true"], capture_output=True).returncode:
            pytest.skip("mounting needs root; the other form ran with RLIMIT_FSIZE")
    room = "tmpfs" if how == "tmpfs" else "60000"
    with Victim("full.py", room, "copy", cwd=cwd, prefix=prefix) as one:
        status, said = one.end()
    assert status == 0, said
    assert "refused: The journal" in said and "could not be written" in said
    assert ("No space left" if how == "tmpfs" else "File too large") in said or "bytes were" in said
    assert "run the same script again" in said
    before = completed(cwd / "copy")
    assert 2 < len(before) < 40
    assert f"seen: {len(before)}\n" in said, "it showed what was not safe"
    target = runpy.run_path(str(cwd / "full.py"))["target"]
    experiment = phsx.Experiment(cwd / "copy", target)
    with pytest.warns(RecoveryWarning):
        experiment.run(cluster="inline", progress=False)
    check_exact(cwd / "copy", 40)
    assert before < completed(cwd / "copy")
    shutil.rmtree(cwd / "copy")
    assert os.listdir(cwd / "full") == (["search"] if how != "tmpfs" else [])
