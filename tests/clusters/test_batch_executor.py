"""Deaths whose job was ended from outside are nobody's fault."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from phsx.clusters import batch_executor as module
from phsx.clusters.batch_executor import BatchExecutor
from phsx.exceptions import ClusterError
from phsx.execution.base import Finished, Lost, WorkerLeft
from phsx.execution.dask import DaskExecutor
from phsx.execution.evaluation import Outcome

CRASHED = Finished("k", Outcome(0, 1, "crashed", error="died of signal 15 (SIGTERM: Terminated)"))
SEGFAULT = Finished("k", Outcome(0, 1, "crashed", error="died of signal 11 (SIGSEGV)"))
DIED = Lost("k", "worker a died", worker_died=True)
INNOCENT = Lost("k", "the job of worker a was ended", worker_died=False)


class Provision:
    """Says of every job what the test wants."""

    verdict: bool | None = None
    failure = None

    def __init__(self):
        self.needs, self.idle = [], None

    def ended_from_outside(self, worker, since):
        assert worker == "a"
        return self.verdict

    def check(self):
        if self.failure:
            raise ClusterError(self.failure)

    def need(self, trials, asked, common):
        self.needs.append(trials)

    def spare(self, idle):
        self.idle = set(idle)

    def close(self):
        pass


@pytest.fixture
def executor(monkeypatch):
    """An executor whose events are the test's."""
    client = SimpleNamespace(
        close=lambda: None, scheduler=SimpleNamespace(address="tls://127.0.0.1:1")
    )
    executor = BatchExecutor(client, Provision())
    executor.coming = []

    def wait(self, timeout):
        self._check()
        events, self.coming = self.coming, []
        return events

    monkeypatch.setattr(DaskExecutor, "wait", wait)
    monkeypatch.setattr(DaskExecutor, "evaluate", lambda self, key, job, worker: None)
    executor.evaluate("k", None, "a")
    return executor


def say(executor, *events):
    executor.coming = list(events)
    return executor.wait(0.0)


@pytest.mark.parametrize("event", [CRASHED, DIED])
@pytest.mark.parametrize(("verdict", "told"), [(True, INNOCENT), (False, None)])
def test_what_the_queue_says_decides(executor, event, verdict, told):
    assert say(executor, event) == [], "that is not known yet"
    executor._provision.verdict = verdict
    assert say(executor) == [told or event]
    assert say(executor) == []


def test_where_it_says_nothing_a_worker_that_goes_too_tells(executor, monkeypatch):
    assert say(executor, CRASHED) == []
    assert say(executor, WorkerLeft("a")) == [WorkerLeft("a")]
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    assert say(executor) == [INNOCENT]


@pytest.mark.parametrize("event", [CRASHED, DIED])
def test_what_remains_unknown_counts(executor, monkeypatch, event):
    monkeypatch.setattr(module, "PATIENCE", 0.0)
    assert say(executor, event) + say(executor) == [event]


@pytest.mark.parametrize(
    "event", [SEGFAULT, Finished("k", Outcome(0, 1, "completed", value=1.0)), INNOCENT]
)
def test_all_else_passes_at_once(executor, event):
    assert say(executor, event) == [event]


def test_a_cancelled_evaluation_is_forgotten(executor, monkeypatch):
    monkeypatch.setattr(DaskExecutor, "cancel", lambda self, key: None)
    say(executor, CRASHED)
    executor.cancel("k")
    executor._provision.verdict = True
    assert say(executor) == []


def test_a_failure_of_the_jobs_ends_the_run(executor):
    executor._provision.failure = "5 jobs in a row"
    with pytest.raises(ClusterError, match="5 jobs in a row"):
        executor.wait(0.0)


def test_demand_tells_which_workers_are_idle(executor, monkeypatch):
    monkeypatch.setattr(executor, "idle", lambda: {"b"})
    executor.demand(1)
    assert executor._provision.needs == [1] and executor._provision.idle == {"b"}
