"""Several pools on a real Slurm: jobs of several kinds in one search."""

from __future__ import annotations

import os
import time

import pytest

from phsx.exceptions import ClusterError
from phsx.testing.faults import Attack, completed
from phsx.testing.paraboloid import check_table, search
from phsx.testing.slurm import call, check_nothing_left, jobs, queued

# Connections of a scheduler that was closed go a little later; one Slurm serves all tests.
pytestmark = pytest.mark.leaks("files")


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

    def test_trials_run_where_their_resources_are(self, slurm, tmp_path):
        """A job of each kind is cancelled in the middle."""
        experiment = search(tmp_path / "s", 24, target=where, fixed={"seconds": 0.4})
        asks = lambda p: {"GPU": 1} if p["y"] >= 5 else {}  # noqa: E731
        partitions = ["cpu", "gpu"]

        def cancel(rng):
            running = call("squeue", "-h", "-t", "R", "-p", partitions[0], "-o", "%i").split()
            if not running or not completed(experiment.directory):
                return None
            call("scancel", running[0])
            return partitions.pop(0)

        with Attack(cancel, every=1.0, seed=0, times=2) as attack:
            experiment.run(cluster=self.pools((0, 2)), resources=asks, progress=False)
        assert attack.done == ["cpu", "gpu"]
        check_table(experiment.directory, 24)
        check_nothing_left(experiment.directory)
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

    def test_no_jobs_for_which_there_are_no_trials(self, slurm, tmp_path):
        """Nor for those that ask for what no slot has: they fail, and say so."""
        experiment = search(tmp_path / "s", 12, target=where, fixed={"seconds": 0.3})
        asks = lambda p: {"GPU": 2} if p["y"] >= 5 else {}  # noqa: E731
        seen = set()
        with Attack(lambda rng: seen.update(queued(columns="%P")), every=0.3, seed=0):
            pools = self.pools((0, 2))
            experiment.run(cluster=pools, resources=asks, max_failed=1.0, progress=False)
        assert seen == {"cpu"}
        for trial in experiment.trials:
            assert trial.state == ("failed" if trial.params["y"] >= 5 else "completed")
            if trial.state == "failed":
                assert "asks for GPU=2, and no slot has that: they have" in trial.error
        check_nothing_left(experiment.directory)

    @pytest.mark.parametrize("number", [1, (0, 1)])
    def test_one_that_is_refused_ends_the_run_with_its_words(self, slurm, tmp_path, number):
        experiment = search(tmp_path / "s", 4)
        with pytest.raises(
            ClusterError, match=r"phsx-s\.2 \(nowhere\): sbatch(.|\n)*nvalid partition"
        ):
            pools = [jobs(), jobs(jobs=number, queue="nowhere")]
            experiment.run(cluster=pools, progress=False)
        check_nothing_left(experiment.directory)
