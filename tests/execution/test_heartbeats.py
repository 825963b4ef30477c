"""Which workers have fallen silent, whatever their clocks say."""

from __future__ import annotations

import pytest

from phsx.execution import heartbeats as module
from phsx.execution.heartbeats import EVERY, Heartbeats


@pytest.fixture
def heartbeats():
    return Heartbeats(patience=3 * EVERY)


def test_silence_is_counted_from_the_last_change(heartbeats):
    for look in range(4):
        heartbeats.hear({"a": 7.0, "b": 1e9 + look}, look * EVERY)
        assert heartbeats.silent == set()
    heartbeats.hear({"a": 7.0, "b": 1e9 + 4}, 4 * EVERY)
    assert heartbeats.silent == {"a"}
    heartbeats.hear({"a": 8.0, "b": 1e9 + 5}, 5 * EVERY)
    assert heartbeats.silent == set()


def test_a_worker_that_is_gone_is_not_silent(heartbeats):
    for look in range(9):
        heartbeats.hear({"a": 7.0}, look * EVERY)
    heartbeats.hear({}, 9 * EVERY)
    heartbeats.hear({"a": 7.0}, 10 * EVERY)
    assert heartbeats.silent == set()


def test_nobody_is_blamed_for_a_time_in_which_nobody_listened(heartbeats):
    """A suspended machine, or a scheduler that stood still."""
    heartbeats.hear({"a": 7.0}, 0.0)
    heartbeats.hear({"a": 7.0}, 3600.0)
    assert heartbeats.silent == set()


def test_the_scheduler_is_asked_now_and_then(heartbeats, monkeypatch):
    asked = []

    class Client:
        def scheduler_info(self, n_workers):
            asked.append(n_workers)
            return {"workers": {"a": {"last_seen": 7.0}}}

    for now in (0.0, 1.0, EVERY, EVERY + 1):
        monkeypatch.setattr(module.time, "monotonic", lambda now=now: now)
        heartbeats.look(Client())
    assert asked == [-1, -1]
