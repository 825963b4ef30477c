"""Jobs of a real Slurm that are cancelled, or whose node fails."""

from __future__ import annotations

import time

import pytest

from phsx.journal import read
from phsx.testing.faults import Attack, completed, until
from phsx.testing.faults.slurm import NodeFailure, cancel_one
from phsx.testing.paraboloid import check_table, repeated, search
from phsx.testing.slurm import call, check_nothing_left, jobs, queued

# Connections of a scheduler that was closed go a little later; one Slurm serves all tests.
pytestmark = pytest.mark.leaks("files")


class TestLosses:
    @pytest.fixture
    def node(self, slurm):
        node = NodeFailure()
        yield node
        node.mend()

    def test_jobs_are_cancelled_a_node_fails_and_slurmctld_restarts(self, restart, node, tmp_path):
        """One after the other, in one search; `make chaos` has each of them for itself."""
        experiment = search(tmp_path / "s", 24, 1.0)
        steps = [cancel_one, cancel_one, cancel_one, node.set_down, restart]
        due = dict(zip([1, 4, 7, 10, 13], steps))  # when so many trials have ended
        times = []

        def step(rng):
            if len(completed(experiment.directory)) < min(due):
                return None
            began, found = time.time(), due[min(due)](rng)
            if found:
                due.pop(min(due))
                times.append(began)
            return found

        with Attack(step, every=0.5, seed=0, times=5) as attack:
            experiment.run(cluster=jobs(), progress=False)
        assert len(attack.done) == 5
        check_table(experiment.directory, 24)
        records = read(experiment.directory).records
        blamed = [record for record in records if record["type"] == "death" and record["counted"]]
        assert all(record["t"] > times[3] for record in blamed), "nobody is to blame for a scancel"
        check_nothing_left(experiment.directory)

    @pytest.mark.chaos
    def test_a_job_is_cancelled_every_5_seconds(self, slurm, tmp_path):
        experiment = search(tmp_path / "s", 60, 2.0)
        began = time.monotonic()
        with Attack(cancel_one, every=5.0, seed=0) as attack:
            experiment.run(cluster=jobs(), progress=False)
        elapsed = time.monotonic() - began
        print(f"{len(attack.done)} cancelled, {elapsed:.0f} s, repeated {repeated(experiment)}")
        assert len(attack.done) >= 6
        check_table(experiment.directory, 60)
        assert sum(trial.deaths for trial in experiment.trials) == 0
        check_nothing_left(experiment.directory)

    def test_a_job_that_is_cancelled_while_it_waits_is_replaced(self, slurm, tmp_path, caplog):
        """There is room for one of two jobs; the other is replaced when it is cancelled."""
        go = tmp_path / "go"
        experiment = search(tmp_path / "s", 10, fixed={"go": str(go)})

        def cancel(rng):
            job = cancel_one(rng, "PD")
            if job is not None:
                until(lambda: f"job {job} has ended before its worker" in caplog.text)
                until(lambda: set(queued("PD")) - {job})
                go.touch()
            return job

        options = ["-N4", "-c1", "--mem=100", "-o", "/dev/null"]
        blocker = call("sbatch", "--parsable", *options, "--wrap", "sleep 600")
        until(lambda: queued("R"))
        for node in range(1, 4):
            call("scontrol", "update", f"nodename=n{node}", "state=drain", "reason=test")
        try:
            with Attack(cancel, every=1.0, seed=0, times=1) as attack:
                experiment.run(cluster=jobs(jobs=2), max_time=240, progress=False)
        finally:
            for node in range(1, 4):
                call("scontrol", "update", f"nodename=n{node}", "state=resume")
            call("scancel", blocker.strip())
        assert len(attack.done) == 1
        check_table(experiment.directory, 10)
        until(lambda: queued() == [])

    @pytest.mark.chaos
    def test_a_node_is_set_down_and_slurmctld_restarted(self, restart, node, tmp_path):
        experiment = search(tmp_path / "s", 60, 2.0)
        due = [(10, node.set_down), (30, restart)]  # when so many trials have ended

        def step(rng):
            return due.pop(0)[1](rng) if len(completed(experiment.directory)) >= due[0][0] else None

        with Attack(step, every=0.5, seed=0, times=2) as attack:
            experiment.run(cluster=jobs(), progress=False)
        print(f"{attack.done}, repeated {repeated(experiment)}")
        assert len(attack.done) == 2 and 1 <= repeated(experiment) <= 4
        check_table(experiment.directory, 60)
        check_nothing_left(experiment.directory)
