"""Which host is kept for a trial that has to run alone."""

from __future__ import annotations

import pytest

from phsx.master.quarantine import DEATHS, Quarantine, host_of


@pytest.fixture
def quarantine():
    quarantine = Quarantine()
    for _ in range(DEATHS):
        quarantine.died(7, "tls://a:1")
    return quarantine


def place(quarantine, trial=7, fits=lambda worker: True, **busy):
    """Place a trial; workers are named by their hosts, `a1` is on `a`."""
    workers = {f"tls://{name[0]}:{name[1]}": running for name, running in busy.items()}
    return quarantine.place(trial, workers, fits)


def test_one_death_is_none(quarantine):
    quarantine.died(8, "tls://a:1")
    assert quarantine.holds(7) and not quarantine.holds(8) and not quarantine.holds(9)


def test_another_host_that_is_free(quarantine):
    assert place(quarantine, a1=0, a2=0, b1=0) == "tls://b:1"
    assert quarantine.closed("tls://b:9") and not quarantine.closed("tls://a:1")
    quarantine.ended(7)
    assert not quarantine.closed("tls://b:1") and quarantine.holds(7)


def test_the_least_busy_one_is_kept_until_it_is_free(quarantine):
    assert place(quarantine, a1=0, b1=1, b2=1, c1=1) is None
    assert quarantine.closed("tls://c:1")
    assert place(quarantine, a1=0, b1=0, b2=0, c1=1) is None, "it stays with its choice"
    assert place(quarantine, a1=0, b1=0, c1=0) == "tls://c:1"


def test_where_there_is_one_host_alone_there(quarantine):
    assert place(quarantine, a1=1, a2=0) is None
    assert quarantine.closed("tls://a:2")
    assert place(quarantine, a1=0, a2=0) == "tls://a:1"


def test_a_host_that_leaves(quarantine):
    assert place(quarantine, a1=1, b1=1) is None
    assert place(quarantine, a1=1) is None and quarantine.closed("tls://a:1")
    assert place(quarantine) is None and not quarantine.closed("tls://a:1")


def test_one_host_at_a_time(quarantine):
    for _ in range(DEATHS):
        quarantine.died(8, "tls://a:1")
    assert place(quarantine, b1=0, c1=0) == "tls://b:1"
    assert place(quarantine, trial=8, b1=1, c1=0) is None and not quarantine.closed("tls://c:1")
    quarantine.forget(7)
    assert place(quarantine, trial=8, b1=0, c1=0) == "tls://b:1"
    assert not quarantine.holds(7)


def test_only_where_it_fits(quarantine):
    assert place(quarantine, fits=lambda worker: "c" in worker, a1=0, b1=0, c1=0) == "tls://c:1"
    quarantine.ended(7)
    assert place(quarantine, fits=lambda worker: False, a1=0, b1=0) is None
    assert not quarantine.closed("tls://a:1")


@pytest.mark.parametrize(
    ("worker", "host"), [("inline", "inline"), ("tcp://n-1.cluster:1", "n-1.cluster"), ("", "")]
)
def test_hosts(worker, host):
    assert host_of(worker) == host
