"""A scheduler of many workers may open as many files as it needs, or is not started."""

from __future__ import annotations

import resource

import pytest

from phsx.clusters.descriptors import allow_workers
from phsx.exceptions import ClusterError


@pytest.fixture
def limits(monkeypatch):
    """Limits of open files that are not this process's."""
    state = [1024, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda kind: tuple(state))
    monkeypatch.setattr(resource, "setrlimit", lambda kind, new: state.__setitem__(slice(2), new))
    return state


def test_few_workers_need_nothing(limits):
    allow_workers(100)
    assert limits == [1024, 4096]


def test_the_soft_limit_is_raised_as_far_as_is_needed(limits):
    allow_workers(500)
    assert limits == [3200, 4096]


def test_where_the_hard_limit_is_too_low_the_number_is_named(limits):
    with pytest.raises(ClusterError, match=r"1000 workers need about 6200 .* limit is 4096"):
        allow_workers(1000)
    assert limits == [1024, 4096]


def test_no_limit_is_enough(limits):
    limits[:] = [resource.RLIM_INFINITY] * 2
    allow_workers(10**6)
    limits[:] = [1024, resource.RLIM_INFINITY]
    allow_workers(10**6)
    assert limits[0] == 6_000_200
