"""The executor on a virtual clock passes the contract too, and does what its scripts say."""

from __future__ import annotations

import pytest

from phsx.execution.base import Errored, Finished, Lost, Setting, Task, WorkerJoined, WorkerLeft
from phsx.execution.evaluation import Job
from phsx.targets.calling import bind
from phsx.testing.executors import ExecutorContract, add
from phsx.testing.virtual_executor import VirtualExecutor


class TestContract(ExecutorContract):
    real = False

    @pytest.fixture
    def executor(self):
        return VirtualExecutor(2)


@pytest.fixture
def executor(tmp_path):
    executor = VirtualExecutor({"a": 2, "b": 1}, duration=lambda job: float(job.trial), cost=0.5)
    executor.start(Setting("run", bind(lambda x: x, ["x"])))
    executor.wait(0.0)
    executor.begin = lambda trial, worker: executor.evaluate(
        f"evaluate-{trial}", Job("run", trial, {"x": 1}, str(tmp_path / str(trial))), worker
    )
    return executor


def test_clock_jumps_to_what_comes_next(executor):
    began = executor.clock()
    executor.begin(7, "a")
    executor.begin(3, "b")
    executor.wait(0.0)  # they say that they started
    (first,) = executor.wait(None)
    assert (first.key, executor.clock() - began) == ("evaluate-3", 3.0)
    assert executor.wait(1.0) == [] and executor.clock() - began == 4.0
    (second,) = executor.wait(100.0)
    assert (second.key, executor.clock() - began) == ("evaluate-7", 7.0)
    assert second.value.ended - second.value.started == 7.0


def test_overbooking_is_an_error(executor):
    executor.begin(1, "b")
    with pytest.raises(AssertionError, match="no free slot"):
        executor.begin(2, "b")


def test_death_of_a_worker_takes_everything_along(executor):
    executor.begin(9, "b")
    executor.submit(Task("kept", add, (1,), "b", keep=True))
    executor.submit(Task("busy", add, (1,), "b"))
    executor.submit(Task("else", add, (1,), "a"))
    executor.wait(0.0)
    executor.at(0.2, lambda: executor.kill("b"))
    events = []
    while not any(isinstance(event, WorkerLeft) for event in events):
        events += executor.wait(None)
    lost = {event.key for event in events if isinstance(event, Lost) and event.worker_died}
    assert lost == {"evaluate-9", "kept", "busy"}
    assert executor.wait(None) == [Finished("else", 1)]
    executor.join("c", 4)
    assert executor.wait(None) == [WorkerJoined("c", 4)]


def test_fates_are_met_once(executor):
    executor.doom("t", lambda key: Errored(key, ValueError(key)))
    executor.submit(Task("t1", add, (1,)))
    executor.submit(Task("t2", add, (1,)))
    first, second = executor.wait(None)
    assert (first.key, str(first.error)) == ("t1", "t1")
    assert second == Finished("t2", 1)


def test_endless_waiting_is_an_error(executor):
    with pytest.raises(RuntimeError, match="hangs"):
        executor.wait(None)
    with pytest.raises(RuntimeError, match="hangs"):
        while True:
            executor.wait(1.0)
