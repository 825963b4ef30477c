"""Waking a Dask executor loses nothing of what has happened."""

from __future__ import annotations

import json
from types import SimpleNamespace

from phsx.execution.base import Message, Setting
from phsx.execution.dask import DaskExecutor
from phsx.targets.packing import pack


def executor():
    """Return an executor on a client that nothing happens to."""
    executor = DaskExecutor(
        SimpleNamespace(
            status="running",
            nthreads=dict,
            scheduler_info=lambda n_workers: {"workers": {}},
            close=lambda: None,
            subscribe_topic=lambda topic, handler: None,
            unsubscribe_topic=lambda topic: None,
            scheduler=SimpleNamespace(address="tcp://127.0.0.1:1"),
        )
    )
    executor.start(Setting("r", None, pack(lambda x: x, ["x"])))
    return executor


def test_what_comes_together_with_a_wake_is_heard():
    """Else a trial's end is lost, and the search waits for it for ever."""
    woken = executor()
    said = {"kind": "report", "trial": 3, "attempt": 1, "step": 0, "value": 1.0}
    woken.wake()
    woken._inbox.put("said", json.dumps(said))
    assert woken.wait(0.0) == [Message(said)]


def test_a_wake_alone_ends_a_long_wait():
    woken = executor()
    woken.wake()
    assert woken.wait(None) == []
