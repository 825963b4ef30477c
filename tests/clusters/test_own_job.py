"""The job that a process is in, and environments without it."""

from __future__ import annotations

from phsx.clusters.own_job import job_here, outside


def test_which_it_is(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    assert job_here() is None
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    assert job_here() == "17"


def test_outside_of_it():
    """A worker's job that a master's job submits is not to take the master's end for its own."""
    inside = {
        "SLURM_JOB_ID": "17",
        "SLURM_CPUS_PER_TASK": "1",
        "SLURM_JOB_END_TIME": "99",
        "PHSX_JOB_STARTED": "1",
        "PHSX_WALLTIME": "60",
        "SLURM_CONF": "/etc/slurm.conf",
        "SBATCH_ACCOUNT": "me",
        "HOME": "/home/me",
    }
    kept = {"SLURM_CONF": "/etc/slurm.conf", "SBATCH_ACCOUNT": "me", "HOME": "/home/me"}
    assert outside(inside) == kept
    assert outside(kept | {"SLURM_CPUS_PER_TASK": "2"}) == kept | {"SLURM_CPUS_PER_TASK": "2"}
