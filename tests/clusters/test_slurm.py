"""Searches on a real Slurm: four nodes of two CPUs, on this host (see tests/slurm)."""

from __future__ import annotations

import stat
import subprocess
import sys
import time

import pytest

import phsx
from phsx import demo
from phsx.exceptions import ClusterError
from phsx.testing.faults import Attack, until
from phsx.testing.paraboloid import check_table, search
from phsx.testing.slurm import call, check_nothing_left, jobs, queued

# Connections of a scheduler that was closed go a little later; one Slurm serves all tests.
pytestmark = pytest.mark.leaks("files")


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
        until(lambda: run.progress.running == 4)
        seen["jobs"] = queued()
        seen["modes"] = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in [directory / "cluster", *(directory / "cluster").iterdir()]
        }
        seen["cpus"] = call("squeue", "-h", "-o", "%C").split()
        seen["script"] = call("scontrol", "write", "batch_script", seen["jobs"][0], "-")
        workers = {trial.worker for trial in experiment.trials if trial.worker}
        addresses = until(lambda: _addresses(directory)) | workers
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
        check_nothing_left(seen["experiment"].directory)

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
        "        print('GOT IN', address, await asyncio.until(comm.read(), 2))\n"
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
        check_nothing_left(experiment.directory)

    def test_same_table_as_local(self, slurm, tmp_path):
        experiment = demo.search(tmp_path / "s", 3)
        experiment.run(cluster=jobs(jobs=2, nanny=False), progress=False)
        self.assert_same(experiment, tmp_path / "local", 3)

    @pytest.mark.chaos
    def test_all_of_it(self, slurm, tmp_path):
        summary = demo.run(tmp_path / "s", cluster=jobs(jobs=4, memory="1GB"), progress=False)
        assert summary.evaluated == demo.TRIALS and len(summary.plots) == 4
        self.assert_same(phsx.open(tmp_path / "s"), tmp_path / "local", demo.RANDOM)


def last_is_long(x, y, trial):
    time.sleep(4.0 if trial.id == 8 else 0.7)
    return (x - 1) ** 2 + y


class TestElastic:
    def test_jobs_follow_the_trials_that_are_left(self, slurm, tmp_path):
        """At first there is work for 3 jobs; then a long trial is left, and one job for it.

        In plain text, where that is asked for.
        """
        experiment = search(tmp_path / "s", 9, target=last_is_long, fixed={})
        counts = []
        with Attack(lambda rng: counts.append(len(queued())), every=0.3, seed=0):
            experiment.run(cluster=jobs(jobs=(0, 3), tls=False, nanny=False), progress=False)
        check_table(experiment.directory, 9)
        assert max(counts) == 3 and counts[-1] <= 1
        assert all(trial.worker.startswith("tcp://") for trial in experiment.trials)
        check_nothing_left(experiment.directory)


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
        check_nothing_left(tmp_path / "search")

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
        check_nothing_left(experiment.directory)

    def test_jobs_that_end_at_once_show_their_log(self, slurm, tmp_path, monkeypatch):
        monkeypatch.setattr("phsx.clusters.keeper.BACKOFF", 0.1)
        monkeypatch.setattr("phsx.clusters.watch.SOON", 0.1)
        experiment = search(tmp_path / "s", 4)
        with pytest.raises(ClusterError, match=r"(?s)in a row.*/nowhere/python"):
            experiment.run(cluster=jobs(python="/nowhere/python", poll=0.1), progress=False)
        check_nothing_left(experiment.directory)

    @pytest.mark.parametrize(("system", "command"), [("slurm", "sbatch"), ("pbs", "qsub")])
    def test_no_such_system_at_all(self, tmp_path, monkeypatch, system, command):
        monkeypatch.setenv("PATH", str(tmp_path))
        cluster = getattr(phsx, system)(memory="500MB", interface="lo")
        with pytest.raises(ClusterError, match=f"no command {command} .*login node"):
            search(tmp_path / "s", 4).run(cluster=cluster, progress=False)
