"""What people get wrong most often is named, with what helps; the logs are of real jobs."""

from __future__ import annotations

import pytest

from phsx.clusters.diagnosis import diagnose


@pytest.mark.parametrize(
    ("log", "cure"),
    [
        (
            "Error: Invalid value for '--tls-ca-file': Path '/home/a/cluster/ca_file.pem' does not "
            "exist.",
            "shared_temp_directory=",
        ),
        (
            "/usr/bin/python3: Error while finding module specification for "
            "'distributed.cli.dask_worker' (ModuleNotFoundError: No module named 'distributed')",
            "this Python has not what the workers need",
        ),
        ("slurm_script: line 12: /nope/python: No such file or directory", "python="),
        ("slurmstepd: error: Detected 1 oom-kill event(s) in step 3.batch", "memory="),
        (
            "distributed.nanny - INFO - Closing Nanny at 'tls://127.0.0.1:39395'. Reason: "
            "failure-to-start-<class 'TimeoutError'>\n"
            "distributed.dask_worker - INFO - Timed out starting worker",
            "interface=",
        ),
    ],
)
def test_what_helps(log, cure):
    assert cure in diagnose(log)


def test_what_is_not_known():
    assert diagnose("Segmentation fault") is None
