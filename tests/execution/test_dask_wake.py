"""Waking a Dask executor loses nothing of what has happened."""

from __future__ import annotations

import json
from types import SimpleNamespace

from phsx.execution.base import Message
from phsx.execution.dask import DaskExecutor


def test_what_comes_together_with_a_wake_is_heard():
    """Else a trial's end is lost, and the search waits for it for ever."""
    executor = DaskExecutor(SimpleNamespace(status="running", nthreads=dict, close=lambda: None))
    said = {"kind": "report", "trial": 3, "attempt": 1, "step": 0, "value": 1.0}
    executor.wake()
    executor._queue.put(("said", json.dumps(said)))
    assert executor.wait(0.0) == [Message(said)]


def test_a_wake_alone_ends_a_long_wait():
    executor = DaskExecutor(SimpleNamespace(status="running", nthreads=dict, close=lambda: None))
    executor.wake()
    assert executor.wait(None) == []
