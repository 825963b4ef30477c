"""When a job ends, and what fits before."""

from __future__ import annotations

import numpy as np

from phsx.clusters.deadline import fits, longest, remaining


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


def test_what_fits():
    assert fits(20.0, 22.0) and not fits(20.0, 21.9)
    assert fits(None, 0.0) and fits(1e9, None)


def test_the_next_trial_may_take_longer_than_any_before():
    """And the more so the fewer there were."""
    rng = np.random.default_rng(0)
    cut = 0
    for _ in range(200):
        durations = list(rng.uniform(5, 20, size=20))
        for number in range(1, 20):
            expected = longest(durations[:number])
            cut += durations[number] > expected
            assert expected <= 1.6 * 20
    assert cut < 0.05 * 200 * 19
