"""When a job ends."""

from __future__ import annotations

from phsx.execution.remaining import remaining


def test_slurms_own_word_comes_first():
    environment = {
        "SLURM_JOB_END_TIME": "1000",
        "PHSX_JOB_STARTED": "0",
        "PHSX_WALLTIME": "10",
    }
    assert remaining(environment, 900.0) == 100.0


def test_else_the_walltime_counts_from_the_jobs_start():
    environment = {"PHSX_JOB_STARTED": "900", "PHSX_WALLTIME": "3600"}
    assert remaining(environment, 1000.0) == 3500.0


def test_a_worker_without_a_job_has_no_deadline():
    assert remaining({}, 0.0) is None
    assert remaining({"PHSX_JOB_STARTED": "900"}, 0.0) is None
    assert remaining({"PHSX_JOB_STARTED": "x", "PHSX_WALLTIME": "1"}, 0.0) is None
