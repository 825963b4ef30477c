"""A scheduler of many workers may open as many files as it needs, or is not started."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from phsx.clusters.descriptors import BASE, allow_files, files_needed, raise_limit
from phsx.exceptions import ClusterError


@pytest.fixture
def limits(monkeypatch):
    """Limits of open files that are not this process's."""
    state = [1024, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda kind: tuple(state))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, new: state.__setitem__(slice(2), new))
    return state


def allow(workers, **options):
    allow_files(files_needed(workers), workers, **options)


def test_few_workers_need_nothing(limits):
    allow(100)
    assert limits == [1024, 4096]


def test_the_soft_limit_is_raised_as_far_as_is_needed(limits):
    allow(500)
    assert limits == [3200, 4096]


def test_where_the_hard_limit_is_too_low_the_number_is_named(limits):
    with pytest.raises(ClusterError, match=r"1000 workers need about 6200 .* limit is 4096"):
        allow(1000)
    assert limits == [1024, 4096]
    with pytest.raises(ClusterError, match="6200"):
        allow(1000, here=False)


def test_no_limit_is_enough(limits):
    limits[:] = [resource.RLIM_INFINITY] * 2
    allow(10**6)
    limits[:] = [1024, resource.RLIM_INFINITY]
    allow(10**6)
    assert limits[0] == 6_000_200


def test_a_scheduler_elsewhere_needs_little_here(limits):
    allow(500, here=False)
    assert limits == [1024, 4096]
    limits[:] = [256, 4096]
    allow(500, here=False)
    assert limits == [BASE + 500, 4096]


def test_as_far_as_the_hard_limit_allows(limits):
    raise_limit(10**6)
    assert limits == [4096, 4096]


def test_for_real():
    code = (
        "import resource, sys\n"
        "from phsx.clusters.descriptors import raise_limit\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 300))\n"
        "raise_limit(250)\n"
        "files = [open('/dev/null') for _ in range(200)]\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "(250, 300)\n", done.stderr
