"""Searches on a real Slurm: four nodes of two CPUs, on this host (see tests/slurm)."""

from __future__ import annotations

import csv
import getpass
import json
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import phsx
from phsx import demo
from phsx.exceptions import ClusterError
from phsx.testing.faults import completed
from phsx.testing.faults.stepwise import done, stepwise

SCRIPT = Path(__file__).parents[1] / "slurm" / "real_slurm.py"
SPACE = {"x": phsx.Float(-5, 5), "y": phsx.Int(0, 9)}

# Connections of a scheduler that was closed go a little later; one Slurm serves all tests.
pytestmark = pytest.mark.leaks("files")


def target(x, y, seconds, go=None):
    time.sleep(seconds)
    while go is not None and not Path(go).exists():
        time.sleep(0.01)
    return (x - 1) ** 2 + y


def search(directory, trials, seconds=0.0, **options):
    return phsx.Experiment(
        directory,
        target=options.pop("target", target),
        space=SPACE,
        plan=[phsx.Random(trials)],
        seed=1,
        fixed={"seconds": seconds} if "fixed" not in options else options.pop("fixed"),
        **options,
    )


def jobs(**options):
    given = {"jobs": 4, "memory": "500MB", "walltime": "00:10:00", "interface": "lo", "poll": 1.0}
    return phsx.slurm(**(given | options))


def call(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout


def queued(states=""):
    options = ["-t", states] if states else []
    return call("squeue", "-h", "-u", getpass.getuser(), "-o", "%i", *options).split()


def wait_for(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.1)
    return found


def events(experiment, kind):
    lines = (experiment.directory / "journal.jsonl").read_text().splitlines()
    return [event for line in lines if (event := json.loads(line)).get("type") == kind]


def assert_exact(experiment, trials):
    """Every trial has ended once, with the parameters that it would have had locally."""
    with (experiment.directory / "results.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(int(row["trial"]) for row in rows) == list(range(trials))
    assert {row["state"] for row in rows} == {"completed"}
    for row in rows:
        assert float(row["value"]) == (float(row["x"]) - 1) ** 2 + int(row["y"])


def assert_nothing_left(experiment):
    assert queued() == [] and not (experiment.directory / "cluster").exists()


@pytest.fixture
def attack():
    """Do something again and again while a search runs, in a thread; how often is counted."""
    stop, done, threads = threading.Event(), [], []

    def begin(action, every, times=1000):
        def work():
            while len(done) < times and not stop.wait(every):
                found = action()
                if found:
                    done.append(found)

        threads.append(threading.Thread(target=work, name="attack"))
        threads[-1].start()
        return done

    yield begin
    stop.set()
    for thread in threads:
        thread.join()


def cancel_one(states="R", chance=random.Random(0)):
    """Cancel a job, chosen at random."""
    found = queued(states)
    if found:
        job = chance.choice(found)
        call("scancel", job)
        return job
    return None


class NodeFailure:
    """Steps that set a node down on which a job runs, and that restart slurmctld."""

    def __init__(self, slurm):
        self.slurm = slurm
        self.node = None
        self.steps = [self.set_down, self.restart]

    def set_down(self):
        self.node = wait_for(lambda: call("squeue", "-h", "-t", "R", "-o", "%N").split())[0]
        call("scontrol", "update", f"nodename={self.node}", "state=down", "reason=test")
        return self.node

    def restart(self):
        for word in ("stop-controller", "start-controller"):
            subprocess.run([sys.executable, SCRIPT, word, self.slurm], check=True)
        return "restarted"

    def mend(self):
        if self.node is not None:
            call("scontrol", "update", f"nodename={self.node}", "state=resume")


@pytest.fixture(scope="module")
def directory(tmp_path_factory, slurm):
    return tmp_path_factory.mktemp("with space") / "a search"


@pytest.fixture(scope="module")
def seen(directory):
    """Look at a search while it runs: it does not end before all is seen."""
    go = directory.parent / "go"
    experiment = search(directory, 12, fixed={"seconds": 0.1, "go": str(go)})
    seen = {"experiment": experiment}
    run = experiment.run(cluster=jobs(jobs=2, cores=2, slots=2), background=True)
    try:
        wait_for(lambda: run.progress.running == 4)
        seen["jobs"] = queued()
        seen["modes"] = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in [directory / "cluster", *(directory / "cluster").iterdir()]
        }
        seen["cpus"] = call("squeue", "-h", "-o", "%C").split()
        seen["script"] = call("scontrol", "write", "batch_script", seen["jobs"][0], "-")
        workers = {trial.worker for trial in experiment.trials if trial.worker}
        addresses = wait_for(lambda: _addresses(directory)) | workers
        seen["addresses"] = addresses
        seen["intruder"] = _intrude(addresses)
        assert run.progress.running == 4
    finally:
        go.touch()
        if not run.wait(120):
            run.stop(0)
            pytest.fail("the search did not end in time")
    return seen


class TestSearch:
    """One search, and all that can be seen in it."""

    def test_same_table_as_local(self, seen, tmp_path):
        local = search(tmp_path / "local", 12)
        local.run(cluster="inline", progress=False)
        table = seen["experiment"].to_dataframe()[["x", "y", "value", "state"]]
        assert table.equals(local.to_dataframe()[["x", "y", "value", "state"]])

    def test_nothing_is_left(self, seen):
        assert_nothing_left(seen["experiment"])

    def test_jobs_are_what_was_asked_for(self, seen):
        assert len(seen["jobs"]) == 2 and seen["cpus"] == ["2"] * 2
        assert "--nworkers 2" in seen["script"]

    def test_two_slots_in_a_job(self, seen):
        workers = {trial.worker for trial in seen["experiment"].trials}
        assert len(workers) == 4

    def test_credentials_are_for_the_owner_alone(self, seen):
        modes = dict(seen["modes"])
        assert modes.pop("cluster") == 0o700
        assert {modes[name] for name in modes if name.endswith(".pem")} == {0o600}
        assert "PRIVATE KEY" not in seen["script"]

    def test_nobody_without_credentials_gets_in(self, seen):
        """F29: neither into the scheduler nor into a worker, in plain text or by TLS."""
        said, addresses = seen["intruder"], seen["addresses"]
        assert len(addresses) >= 3 and all(a.startswith("tls://") for a in addresses)
        assert said.count("refused") == 2 * len(addresses) and "GOT IN" not in said, said

    def test_each_job_has_its_log(self, seen, directory):
        assert len(list((directory / "logs").glob("phsx-a_search-*.txt"))) == 2


def _addresses(directory):
    """Return the addresses that the jobs' logs tell of: the scheduler's and the workers'."""
    text = "".join(path.read_text() for path in (directory / "logs").glob("*.txt"))
    lines = [line for line in text.splitlines() if "tls://" in line]
    found = {line.rpartition(" ")[2].strip("'") for line in lines if "Start" not in line}
    return found if "Registered to" in text else set()


def _intrude(addresses):
    code = (
        "import sys, distributed, asyncio\n"
        "from distributed.comm import connect\n"
        "async def intrude(address):\n"
        "    try:\n"
        "        comm = await connect(address, timeout=2)\n"
        "        await comm.write({'op': 'identity', 'reply': True})\n"
        "        print('GOT IN', address, await asyncio.wait_for(comm.read(), 2))\n"
        "    except Exception as error:\n"
        "        print('refused', type(error).__name__)\n"
        "async def main():\n"
        "    await asyncio.gather(*map(intrude, sys.argv[1:]))\n"
        "asyncio.run(main())\n"
    )
    both = [*addresses, *(address.replace("tls://", "tcp://") for address in addresses)]
    command = [sys.executable, "-W", "ignore", "-c", code, *both]
    return subprocess.run(command, capture_output=True, text=True, timeout=120).stdout


class TestDemo:
    """Item 1: the demo's own search, unchanged but for its cluster."""

    def assert_same(self, experiment, directory, number):
        """Compare its first trials, which are random, with those of a local search."""
        local = demo.search(directory, number).run(cluster="inline", progress=False)
        columns = [*demo.SPACE.names, "value", "state", "worst_fold"]
        frame = experiment.to_dataframe()[columns]
        assert frame[:number].equals(local.to_dataframe()[columns])
        assert set(frame["state"]) == {"completed"}
        assert_nothing_left(experiment)

    def test_same_table_as_local(self, slurm, tmp_path):
        experiment = demo.search(tmp_path / "s", 3)
        experiment.run(cluster=jobs(jobs=2, nanny=False), progress=False)
        self.assert_same(experiment, tmp_path / "local", 3)

    @pytest.mark.chaos
    def test_all_of_it(self, slurm, tmp_path):
        summary = demo.run(tmp_path / "s", cluster=jobs(jobs=4, memory="1GB"), progress=False)
        assert summary.evaluated == demo.TRIALS and len(summary.plots) == 4
        self.assert_same(phsx.open(tmp_path / "s"), tmp_path / "local", demo.RANDOM)


class TestLosses:
    def test_jobs_are_cancelled_a_node_fails_and_slurmctld_restarts(self, slurm, tmp_path, attack):
        """One after the other, in one search; `make chaos` has each of them for itself."""
        experiment = search(tmp_path / "s", 24, 1.0)
        run = NodeFailure(slurm)
        steps = [cancel_one, cancel_one, cancel_one, *run.steps]
        times = []

        def step():
            began, found = time.time(), steps[0]()
            if found:
                steps.pop(0)
                times.append(began)
            return found

        done = attack(step, 1.5, times=5)
        try:
            experiment.run(cluster=jobs(), progress=False)
        finally:
            run.mend()
        assert len(done) == 5
        assert_exact(experiment, 24)
        blamed = [event for event in events(experiment, "death") if event["counted"]]
        assert all(event["t"] > times[3] for event in blamed), "nobody is to blame for a scancel"
        assert_nothing_left(experiment)

    @pytest.mark.chaos
    def test_a_job_is_cancelled_every_5_seconds(self, slurm, tmp_path, attack):
        experiment = search(tmp_path / "s", 60, 2.0)
        cancelled = attack(cancel_one, 5.0)
        began = time.monotonic()
        experiment.run(cluster=jobs(), progress=False)
        elapsed = time.monotonic() - began
        print(f"{len(cancelled)} cancelled, {elapsed:.0f} s, repeated {repeated(experiment)}")
        assert len(cancelled) >= 6
        assert_exact(experiment, 60)
        assert sum(trial.deaths for trial in experiment.trials) == 0
        assert_nothing_left(experiment)

    def test_a_job_that_is_cancelled_while_it_waits_is_replaced(
        self, slurm, tmp_path, attack, caplog
    ):
        """There is room for one of two jobs; the other is replaced when it is cancelled."""
        experiment = search(tmp_path / "s", 10, 0.6)
        options = ["-N4", "-c1", "--mem=100", "-o", "/dev/null"]
        blocker = call("sbatch", "--parsable", *options, "--wrap", "sleep 600")
        wait_for(lambda: queued("R"))
        for node in range(1, 4):
            call("scontrol", "update", f"nodename=n{node}", "state=drain", "reason=test")
        try:
            cancelled = attack(lambda: cancel_one("PD"), 1.0, times=1)
            experiment.run(cluster=jobs(jobs=2), progress=False)
        finally:
            for node in range(1, 4):
                call("scontrol", "update", f"nodename=n{node}", "state=resume")
            call("scancel", blocker.strip())
        assert len(cancelled) == 1
        assert f"job {cancelled[0]} has ended before its worker" in caplog.text
        assert_exact(experiment, 10)
        wait_for(lambda: queued() == [])

    @pytest.mark.chaos
    def test_a_node_is_set_down_and_slurmctld_restarted(self, slurm, tmp_path, attack):
        experiment = search(tmp_path / "s", 60, 2.0)
        run = NodeFailure(slurm)
        due = [(10, run.set_down), (30, run.restart)]  # when so many trials have ended

        def step():
            return due.pop(0)[1]() if len(completed(experiment.directory)) >= due[0][0] else None

        done = attack(step, 0.5, times=2)
        try:
            experiment.run(cluster=jobs(), progress=False)
        finally:
            run.mend()
        print(f"{done}, repeated {repeated(experiment)}")
        assert len(done) == 2 and 1 <= repeated(experiment) <= 4
        assert_exact(experiment, 60)
        assert_nothing_left(experiment)


def where(x, y, trial, seconds=0.0):
    time.sleep(seconds)
    return {
        "value": (x - 1) ** 2 + y,
        "partition": os.environ["SLURM_JOB_PARTITION"],
        "devices": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
        "threads": os.environ["OMP_NUM_THREADS"],
        "node": os.environ["SLURMD_NODENAME"],
    }


class TestSeveralPools:
    """A partition with GPUs and one without, in one search: trials ask for what they need."""

    def pools(self, gpu_jobs):
        return [
            jobs(jobs=2, queue="cpu", cores=2, nanny=False),
            jobs(jobs=gpu_jobs, queue="gpu", cores=2, slots=2, gpus=2),
        ]

    def test_trials_run_where_their_resources_are(self, slurm, tmp_path, attack):
        """A job of each kind is cancelled in the middle."""
        experiment = search(tmp_path / "s", 24, target=where, fixed={"seconds": 0.4})
        asks = lambda p: {"GPU": 1} if p["y"] >= 5 else {}  # noqa: E731
        partitions = ["cpu", "gpu"]

        def cancel():
            running = call("squeue", "-h", "-t", "R", "-p", partitions[0], "-o", "%i").split()
            if not running or not events(experiment, "ended"):
                return None
            call("scancel", running[0])
            return partitions.pop(0)

        cancelled = attack(cancel, 1.0, times=2)
        experiment.run(cluster=self.pools((0, 2)), resources=asks, progress=False)
        assert cancelled == ["cpu", "gpu"]
        assert_exact(experiment, 24)
        assert_nothing_left(experiment)
        asked = [trial for trial in experiment.trials if trial.params["y"] >= 5]
        others = [trial for trial in experiment.trials if trial not in asked]
        assert {trial.result["partition"] for trial in asked} == {"gpu"}
        assert {trial.result["devices"] for trial in asked} == {"0", "1"}
        assert {trial.result["devices"] for trial in others} == {""}
        assert "cpu" in {trial.result["partition"] for trial in others}
        for trial in experiment.trials:
            assert trial.result["threads"] == {"cpu": "2", "gpu": "1"}[trial.result["partition"]]
        seen = {}
        for trial in asked:
            seen.setdefault(trial.worker, set()).add(trial.result["devices"])
        assert all(len(devices) == 1 for devices in seen.values()), "each slot has its own"

    def test_no_jobs_for_which_there_are_no_trials(self, slurm, tmp_path, attack):
        """Nor for those that ask for what no slot has: they fail, and say so."""
        experiment = search(tmp_path / "s", 12, target=where, fixed={"seconds": 0.3})
        asks = lambda p: {"GPU": 2} if p["y"] >= 5 else {}  # noqa: E731
        seen = set()
        attack(lambda: seen.update(call("squeue", "-h", "-o", "%P").split()), 0.3)
        pools = self.pools((0, 2))
        experiment.run(cluster=pools, resources=asks, max_failed=1.0, progress=False)
        assert seen == {"cpu"}
        for trial in experiment.trials:
            assert trial.state == ("failed" if trial.params["y"] >= 5 else "completed")
            if trial.state == "failed":
                assert "asks for GPU=2, and no slot has that: they have" in trial.error
        assert_nothing_left(experiment)

    @pytest.mark.parametrize("number", [1, (0, 1)])
    def test_one_that_is_refused_ends_the_run_with_its_words(self, slurm, tmp_path, number):
        experiment = search(tmp_path / "s", 4)
        with pytest.raises(
            ClusterError, match=r"phsx-s\.2 \(nowhere\): sbatch(.|\n)*nvalid partition"
        ):
            pools = [jobs(), jobs(jobs=number, queue="nowhere")]
            experiment.run(cluster=pools, progress=False)
        assert_nothing_left(experiment)


class TestElastic:
    def test_jobs_follow_the_trials_that_are_left(self, slurm, tmp_path, attack):
        """At first there is work for 3 jobs; then a long trial is left, and one job for it.

        In plain text, where that is asked for.
        """
        experiment = search(tmp_path / "s", 9, target=last_is_long, fixed={})
        counts = []
        attack(lambda: counts.append(len(queued())), 0.3)
        experiment.run(cluster=jobs(jobs=(0, 3), tls=False, nanny=False), progress=False)
        assert_exact(experiment, 9)
        assert max(counts) == 3 and counts[-1] <= 1
        assert all(trial.worker.startswith("tcp://") for trial in experiment.trials)
        assert_nothing_left(experiment)


class TestRefused:
    def test_the_command_line_says_it_in_one_paragraph(self, slurm, tmp_path):
        (tmp_path / "model.py").write_text("def square(x):\n    return x**2\n")
        (tmp_path / "search.toml").write_text(
            'target = "model:square"\n[space]\nx = {type = "float", low = -5, high = 5}\n'
            '[[plan]]\nstrategy = "random"\ntrials = 2\n'
        )
        command = [sys.executable, "-m", "phsx", "run", "search.toml", "--slurm"]
        done = subprocess.run(
            [*command, "memory=500MB,interface=lo,queue=nowhere"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert "Invalid partition name specified" in done.stderr
        assert queued() == [] and not (tmp_path / "search" / "cluster").exists()

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"queue": "nowhere"}, "Invalid partition name specified"),
            ({"memory": "90TB"}, "Memory specification can not be satisfied"),
        ],
    )
    def test_sbatchs_own_words(self, slurm, tmp_path, given, words):
        experiment = search(tmp_path / "s", 4)
        began = time.monotonic()
        with pytest.raises(ClusterError, match=words):
            experiment.run(cluster=jobs(**given), progress=False)
        assert time.monotonic() - began < 60
        assert_nothing_left(experiment)

    def test_jobs_that_end_at_once_show_their_log(self, slurm, tmp_path, monkeypatch):
        monkeypatch.setattr("phsx.clusters.keeper.BACKOFF", 0.1)
        experiment = search(tmp_path / "s", 4)
        with pytest.raises(ClusterError, match=r"(?s)in a row.*/nowhere/python"):
            experiment.run(cluster=jobs(python="/nowhere/python"), progress=False)
        assert_nothing_left(experiment)

    @pytest.mark.parametrize(("system", "command"), [("slurm", "sbatch"), ("pbs", "qsub")])
    def test_no_such_system_at_all(self, tmp_path, monkeypatch, system, command):
        monkeypatch.setenv("PATH", str(tmp_path))
        cluster = getattr(phsx, system)(memory="500MB", interface="lo")
        with pytest.raises(ClusterError, match=f"no command {command} .*login node"):
            search(tmp_path / "s", 4).run(cluster=cluster, progress=False)


@pytest.fixture
def master(slurm, tmp_path):
    """A search in a process of its own, two jobs of which are running."""
    code = (
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from test_slurm import *\n"
        f"search({str(tmp_path / 's')!r}, 12, 0.5).run(cluster=jobs(jobs=2), progress=False)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code])
    try:
        wait_for(lambda: (tmp_path / "s" / "results.csv").exists() and len(queued("R")) == 2)
        yield process
    finally:
        process.kill()
        process.wait()


class TestMasterEnds:
    def test_a_run_that_is_told_to_end_takes_its_jobs_along(self, master, tmp_path):
        master.send_signal(signal.SIGTERM)
        assert master.wait(60) == 128 + signal.SIGTERM
        assert queued() == [] and not (tmp_path / "s" / "cluster").exists()


def lasting(x, y, shortest, longest):
    time.sleep(shortest + (longest - shortest) * y / 9)
    return (x - 1) ** 2 + y


def longer_than_its_job(x, y, pause, trial):
    """Go on until it is asked to save itself, and from there for 10 steps more."""
    saved = trial.restore()
    stepwise(x, 10**6 if saved is None else saved.step + 11, pause, trial)
    return (x - 1) ** 2 + y


def repeated(experiment):
    return sum(trial.attempt - 1 for trial in experiment.trials)


def last_is_long(x, y, trial):
    time.sleep(4.0 if trial.id == 8 else 0.7)
    return (x - 1) ** 2 + y


class TestWalltime:
    """F21: a trial that cannot end before its job does is not started there."""

    def short_lived(self, seconds, **options):
        """Jobs that are ended after some seconds; Slurm itself counts in minutes."""
        end = f"(sleep {seconds}; exec scancel $SLURM_JOB_ID) &"
        return jobs(job_script_prologue=[f"export PHSX_WALLTIME={seconds}", end], **options)

    def test_new_jobs_take_the_place_of_ended_ones(self, slurm, tmp_path):
        fixed = {"shortest": 0.5, "longest": 2.0}
        experiment = search(tmp_path / "s", 11, target=lasting, fixed=fixed)
        experiment.run(cluster=self.short_lived(20, jobs=1, replacements=0), progress=False)
        assert_exact(experiment, 11)
        assert len({trial.worker for trial in experiment.trials}) >= 2
        assert repeated(experiment) <= 2
        assert sum(trial.deaths for trial in experiment.trials) == 0
        assert_nothing_left(experiment)

    def test_a_trial_that_fits_no_walltime_fails_and_says_so(self, slurm, tmp_path):
        experiment = search(tmp_path / "s", 1, 60.0)
        experiment.run(cluster=self.short_lived(8, jobs=1), max_failed=1.0, progress=False)
        (trial,) = experiment.trials
        assert trial.state == "failed" and "ask for a longer walltime=" in trial.error
        assert_nothing_left(experiment)

    def test_a_trial_with_checkpoints_runs_in_pieces(self, slurm, tmp_path):
        """It takes longer than its job lives, and each step is done once."""
        fixed = {"pause": 0.1}
        experiment = search(tmp_path / "s", 1, target=longer_than_its_job, fixed=fixed)
        experiment.run(cluster=self.short_lived(16, jobs=1), max_deaths=0, progress=False)
        assert_exact(experiment, 1)
        for trial in experiment.trials:
            assert trial.attempt == 1 + trial.interruptions >= 2 and trial.deaths == 0
            steps = [step for _, step in done(experiment.directory, trial.id)]
            assert len(steps) > 11 and steps == list(range(len(steps)))
        assert_nothing_left(experiment)

    @pytest.mark.chaos
    def test_a_minute(self, slurm, tmp_path):
        """Walltime 1 minute, trials of 5 to 20 s, 60 of them on 3 jobs."""
        fixed = {"shortest": 5.0, "longest": 20.0}
        experiment = search(tmp_path / "s", 60, target=lasting, fixed=fixed)
        began = time.monotonic()
        experiment.run(cluster=jobs(jobs=3, walltime="00:01:00"), progress=False)
        elapsed = time.monotonic() - began
        assert_exact(experiment, 60)
        ideal = sum(trial.ended - trial.started for trial in experiment.trials) / 3
        print(f"elapsed {elapsed:.0f} s, ideal {ideal:.0f} s, repeated {repeated(experiment)}")
        assert repeated(experiment) <= 3 and elapsed <= 1.5 * ideal
        assert_nothing_left(experiment)
