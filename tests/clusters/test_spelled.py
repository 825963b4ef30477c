"""Jobs as text and as tables."""

from __future__ import annotations

import pytest

import phsx
from phsx.clusters.spelled import describe, parse
from phsx.exceptions import ConfigurationError


def test_text():
    text = "jobs=8, cores=4,memory=8GB,walltime=30,account=007,nanny=false,poll=0.5,interface=ib0"
    assert parse(text) == {
        "jobs": 8,
        "cores": 4,
        "memory": "8GB",
        "walltime": "30",
        "account": "007",
        "nanny": False,
        "poll": 0.5,
        "interface": "ib0",
    }
    assert parse("jobs=0-64,") == {"jobs": (0, 64)} and parse("") == {}


@pytest.mark.parametrize("text", ["8", "jobs", "jobs=", "=8", "jobs=8 cores", "jobs=1,jobs=2"])
def test_nonsense(text):
    with pytest.raises(ConfigurationError):
        describe("slurm", {"memory": "1GB"} | parse(text))


def test_a_table_is_what_the_function_takes():
    assert describe("slurm", {"jobs": [0, 64], "memory": "8GB"}) == phsx.slurm(
        (0, 64), memory="8GB"
    )
    with pytest.raises(ConfigurationError, match="mesos"):
        describe("mesos", {})
