"""Looks at a queue that tells what it is told to."""

from __future__ import annotations

import pytest

from phsx.clusters import watch as module
from phsx.clusters.queue import Entry, Look
from phsx.clusters.watch import Watch


class Shown:
    def __init__(self):
        self.entries, self.looks = {}, 0

    def look(self, now):
        self.looks += 1
        return None if self.entries is None else Look(now, dict(self.entries))


@pytest.fixture
def now(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def watch(now):
    made = Watch(Shown(), 10.0)
    made.queue = made._queue
    made.look()
    return made


def test_seldom_and_sooner_where_a_worker_has_left(watch, now):
    watch.see({"a": "1", "b": "2"})
    now[0] += 5.0
    assert watch.look() is None
    watch.see({"a": "1"})
    assert watch.look() is not None and watch.queue.looks == 2
    now[0] += 9.0
    assert watch.look() is None
    now[0] += 2.0
    assert watch.look() is not None


def test_who_has_left_is_remembered_with_its_job(watch, now):
    watch.see({"a": "1"})
    watch.see({})
    assert watch.ended_from_outside("nobody", 100.0) is None
    assert watch.ended_from_outside("a", 101.0) is None, "not looked at since"
    assert watch.soon
    now[0] += 2.0
    watch.queue.entries = {"1": Entry("CANCELLED", "None")}
    watch.look()
    assert watch.ended_from_outside("a", 101.0) is True


def test_a_queue_that_cannot_be_looked_at_says_nothing(watch, now):
    watch.see({"a": "1"})
    watch.queue.entries = None
    now[0] += 20.0
    assert watch.look() is None
    assert watch.ended_from_outside("a", 101.0) is None
