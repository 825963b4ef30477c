"""Whether the holder of a lease lives, told by its heartbeat, from any host."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from phsx.journal import Journal, Vigil
from phsx.journal.lease import lease_path


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on when somebody sleeps, and what happens meanwhile."""
    clock = SimpleNamespace(now=1000.0, happens={})

    def sleep(seconds):
        clock.now += seconds
        for time in [time for time in clock.happens if time <= clock.now]:
            clock.happens.pop(time)()

    time = SimpleNamespace(monotonic=lambda: clock.now, sleep=sleep)
    monkeypatch.setattr("phsx.journal.vigil.time", time)
    return clock


def beat(directory, number):
    def write():
        path = lease_path(directory)
        path.write_text(json.dumps(json.loads(path.read_text()) | {"beat": number}))

    return write


def test_nobody(tmp_path):
    vigil = Vigil(tmp_path)
    assert vigil.wait() is False and vigil.owner is None


def test_this_process(tmp_path):
    with Journal.open(tmp_path) as journal:
        vigil = Vigil(tmp_path)
        assert vigil.wait() is True and vigil.owner == journal.owner
        assert vigil.look() is True
    vigil.look()
    assert vigil.changed


def test_a_dead_process_of_this_host(tmp_path, leave_lease, dead_pid):
    leave_lease(tmp_path, pid=dead_pid)
    assert Vigil(tmp_path).wait() is False


def test_another_host_without_a_heartbeat(tmp_path, leave_lease, clock):
    owner = leave_lease(tmp_path, pid=17, host="far-away")
    vigil = Vigil(tmp_path)
    assert vigil.alive is None
    assert vigil.wait() is False and vigil.owner == owner
    assert 1015.0 <= clock.now < 1016.0


def test_another_host_with_a_heartbeat(tmp_path, leave_lease, clock):
    leave_lease(tmp_path, pid=17, host="far-away")
    clock.happens[1004.0] = beat(tmp_path, 2)
    vigil = Vigil(tmp_path)
    assert vigil.wait() is True and clock.now < 1005.0
    while vigil.look():
        clock.now += vigil.period
    assert vigil.alive is False and clock.now >= 1019.0, "it died later"


def test_a_lease_that_goes(tmp_path, leave_lease, clock):
    leave_lease(tmp_path, pid=17, host="far-away")
    clock.happens[1003.0] = lease_path(tmp_path).unlink
    vigil = Vigil(tmp_path)
    assert vigil.wait() is None and vigil.changed


def test_a_lease_that_somebody_else_takes(tmp_path, leave_lease, clock):
    leave_lease(tmp_path, pid=17, host="far-away")
    clock.happens[1003.0] = lambda: leave_lease(tmp_path, pid=18, host="farther-away")
    vigil = Vigil(tmp_path)
    assert vigil.wait() is None and vigil.owner.pid == 17


def test_a_lease_that_nobody_can_read(tmp_path, clock):
    lease_path(tmp_path).write_text("?")
    vigil = Vigil(tmp_path)
    assert vigil.wait() is False and vigil.owner is None
