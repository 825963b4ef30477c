"""`import phsx` costs a fraction of a second: what is heavy is imported when it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {
    "cloudpickle",
    "cryptography",
    "dask",
    "dask_jobqueue",
    "distributed",
    "joblib",
    "matplotlib",
    "pandas",
    "scipy",
    "sklearn",
    "tornado",
}

DEFINE = """
space = phsx.Space({"x": phsx.Float(0, 1), "kind": phsx.Categorical(["a", "b"])})
plan = [phsx.Random(20, x=[0.1, 0.2]), phsx.Bayesian(40)]
space.sample(__import__("numpy").random.default_rng(0))
"""


def modules_after(source: str) -> set[str]:
    program = f"import json, sys\nimport phsx\n{source}\nprint(json.dumps(list(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return {name.split(".")[0] for name in json.loads(ran.stdout)}


STATUS = "import phsx.experiment.whereabouts, phsx.experiment.following"


@pytest.mark.parametrize("source", ["", DEFINE, STATUS], ids=["import", "define", "status"])
def test_nothing_heavy_is_imported(source: str) -> None:
    loaded = modules_after(source)
    assert "phsx" in loaded
    assert not loaded & HEAVY
