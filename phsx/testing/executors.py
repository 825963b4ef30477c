"""The contract of an executor as tests, which every executor has to pass."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from phsx.execution.base import (
    Errored,
    Event,
    Executor,
    Finished,
    Message,
    Ref,
    Setting,
    Task,
    WorkerJoined,
)
from phsx.execution.evaluation import Job, Outcome
from phsx.targets.calling import bind
from phsx.targets.packing import pack

#: Seconds after which something that has not happened will not happen.
DEADLINE = 30.0


def add(*numbers: int) -> int:
    """Return a sum: a task."""
    return sum(numbers)


def refuse(text: str) -> None:
    """Raise: a task that fails."""
    raise LookupError(text)


def target(act: str, amount: float, trial: Any) -> Any:
    """Do what the tests want: the target of the contract."""
    if act == "raise":
        raise LookupError(f"{amount} is not here")
    if act == "report":
        for step in range(3):
            trial.report(step, amount + step)
    if act == "meet":
        # All `amount` trials of the test run at the same time, or none ends.
        (trial.directory / "here").touch()
        _await(lambda: len(list(trial.directory.parent.glob("*/here"))) >= amount)
    if act == "hold":
        (trial.directory / "here").touch()
        _await((trial.directory / "go").exists)
    if act == "save":
        for step in range(2000):
            with trial.checkpoint(step) as checkpoint:
                (checkpoint / "state.txt").write_text(str(step))
            (trial.directory / "here").touch()
            time.sleep(0.01)
    return {"value": amount**2, "attempt": trial.attempt, "seed": trial.seed}


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the condition did not come true in time")
        time.sleep(0.005)


class Started:
    """An executor at work, and all that it has said.

    Parameters
    ----------
    executor : Executor
    directory : Path
        Of an experiment that has nothing else.
    run : str
        The run's id.
    """

    def __init__(self, executor: Executor, directory: Path, run: str) -> None:
        self.executor = executor
        self.directory = directory
        self.run = run
        self.events: list[Event] = []
        (directory / "trials").mkdir()
        names = ["act", "amount"]
        executor.start(Setting(run, bind(target, names), pack(target, names)))
        self.until(self.workers)

    def until(self, condition: Callable[[], Any]) -> None:
        """Collect events until a condition holds."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, f"it never came true; events: {self.events}"
            self.events += self.executor.wait(0.1)

    def settle(self) -> None:
        """Collect events until no more come, such as those of workers that are still joining."""
        deadline = time.monotonic() + DEADLINE
        while events := self.executor.wait(0.3):
            assert time.monotonic() < deadline, f"it never became quiet; events: {self.events}"
            self.events += events

    def workers(self) -> dict[str, int]:
        """Return the slots of the workers that have joined."""
        joined = [event for event in self.events if isinstance(event, WorkerJoined)]
        return {event.worker: event.slots for event in joined}

    def of(self, key: str) -> Any:
        """Return the last event of a task; None where there is none."""
        known = (event for event in reversed(self.events) if getattr(event, "key", None) == key)
        return next(known, None)

    def result(self, key: str) -> Any:
        """Wait for a task's result and return it."""
        self.until(lambda: self.of(key) is not None)
        event = self.of(key)
        assert isinstance(event, Finished), event
        return event.value

    def messages(self, trial: int) -> list[dict[str, Any]]:
        """Return what a trial has said."""
        said = [event.content for event in self.events if isinstance(event, Message)]
        return [content for content in said if content["trial"] == trial]

    def evaluate(
        self, act: str, trial: int = 0, worker: str | None = None, amount: float = 3.0
    ) -> str:
        """Begin an evaluation and return its key."""
        key = f"evaluate-{trial}"
        params = {"act": act, "amount": amount}
        directory = self.directory / "trials" / f"{trial:06d}"
        job = Job(self.run, trial, params, str(directory), attempt=2, seed=11)
        self.executor.evaluate(key, job, worker or next(iter(self.workers())))
        return key

    def here(self, trial: int) -> bool:
        """Tell whether an evaluation has begun."""
        return (self.directory / "trials" / f"{trial:06d}" / "here").exists()


class ExecutorContract:
    """Tests that every executor passes: inherit from it, and give a fixture `executor`.

    The fixture returns a new executor that was not started, and need not close it.
    """

    #: Whether evaluations take time of their own, on a clock that the tests share.
    real: ClassVar[bool] = True

    @pytest.fixture
    def started(self, executor: Executor, tmp_path: Path) -> Any:
        """Start the executor, and close it after the test."""
        directory = tmp_path / "experiment"
        directory.mkdir()
        started = Started(executor, directory, f"contract-{tmp_path.name}")
        yield started
        executor.close()

    @pytest.fixture
    def concurrent(self, started: Started) -> Started:
        """Skip executors that evaluate one trial after the other."""
        if not (self.real and started.executor.concurrent):
            pytest.skip("evaluates one trial after the other")
        return started

    def test_workers_are_announced_with_their_slots(self, started: Started) -> None:
        """Every worker has a slot at least."""
        assert all(slots >= 1 for slots in started.workers().values())

    def test_result_of_a_task_arrives(self, started: Started) -> None:
        """It comes under the task's own key."""
        started.executor.submit(Task("five", add, (2, 3)))
        started.executor.submit(Task("six", add, (1, 2, 3), next(iter(started.workers()))))
        assert (started.result("six"), started.result("five")) == (6, 5)

    def test_error_of_a_task_arrives(self, started: Started) -> None:
        """As the exception that it was."""
        started.executor.submit(Task("bad", refuse, ("no such thing",)))
        started.until(lambda: started.of("bad"))
        event = started.of("bad")
        assert isinstance(event, Errored)
        assert isinstance(event.error, LookupError)
        assert "no such thing" in str(event.error)

    def test_kept_results_are_for_other_tasks_alone(self, started: Started) -> None:
        """Wherever these run; the result itself is no event."""
        workers = list(started.workers())
        submit = started.executor.submit
        submit(Task("one", add, (1,), workers[0], keep=True))
        submit(Task("two", add, (Ref("one"), 1), workers[-1], keep=True))
        submit(Task("four", add, (Ref("two"), Ref("one"), 1), None))
        assert started.result("four") == 4
        submit(Task("end", add, ()))
        started.result("end")
        assert started.of("one") is started.of("two") is None

    def test_failure_of_a_kept_task_is_an_event(self, started: Started) -> None:
        """And what depends on it fails too."""
        started.executor.submit(Task("bad", refuse, ("gone",), keep=True))
        started.executor.submit(Task("more", add, (Ref("bad"),)))
        started.until(lambda: started.of("bad") and started.of("more"))
        assert isinstance(started.of("bad"), Errored)
        assert not isinstance(started.of("more"), Finished)

    def test_cancelled_task_is_not_heard_of(self, started: Started) -> None:
        """Whether it had begun or not."""
        started.executor.submit(Task("one", add, (1,)))
        started.executor.cancel("one")
        started.executor.cancel("never heard of")
        started.executor.submit(Task("two", add, (2,)))
        assert started.result("two") == 2
        started.events += started.executor.wait(0.0)
        assert started.of("one") is None

    def test_evaluation_gives_an_outcome(self, started: Started) -> None:
        """With all that the target returned, and when it ran."""
        before = started.executor.clock()
        outcome = started.result(started.evaluate("square", trial=7))
        assert isinstance(outcome, Outcome)
        assert (outcome.trial, outcome.attempt, outcome.state) == (7, 2, "completed")
        assert (outcome.value, outcome.extras) == (9.0, {"attempt": 2, "seed": 11})
        assert before - 1 <= outcome.started <= outcome.ended <= started.executor.clock() + 1
        assert (started.directory / "trials" / "000007").is_dir()

    def test_exception_of_a_target_is_an_outcome_too(self, started: Started) -> None:
        """A failed one, with the traceback."""
        outcome = started.result(started.evaluate("raise"))
        assert (outcome.state, outcome.value) == ("failed", None)
        assert "LookupError: 3.0 is not here" in outcome.error
        assert "is not here" in outcome.traceback

    def test_reports_come_in_order_and_before_the_outcome(self, started: Started) -> None:
        """With trial and attempt, so that those of an earlier attempt can be told apart."""
        started.result(started.evaluate("report", trial=4))
        reports = [content for content in started.messages(4) if content["kind"] == "report"]
        assert [(one["step"], one["value"]) for one in reports] == [(0, 3.0), (1, 4.0), (2, 5.0)]
        assert {one["attempt"] for one in reports} == {2}

    def test_several_evaluations_one_after_the_other(self, started: Started) -> None:
        """Each has its own result."""
        for trial in range(5):
            outcome = started.result(started.evaluate("square", trial, amount=float(trial)))
            assert (outcome.trial, outcome.value) == (trial, trial**2)

    def test_all_slots_evaluate_at_the_same_time(self, concurrent: Started) -> None:
        """And each evaluation says that it has begun."""
        slots = [name for name, count in concurrent.workers().items() for _ in range(count)]
        keys = [
            concurrent.evaluate("meet", trial, worker, amount=len(slots))
            for trial, worker in enumerate(slots)
        ]
        for trial, key in enumerate(keys):
            assert concurrent.result(key).state == "completed"
            assert concurrent.messages(trial)[0]["kind"] == "started"

    def test_tasks_run_beside_an_evaluation(self, concurrent: Started) -> None:
        """On the very worker that evaluates."""
        key = concurrent.evaluate("hold")
        concurrent.until(lambda: concurrent.here(0))
        concurrent.executor.submit(Task("five", add, (2, 3), next(iter(concurrent.workers()))))
        assert concurrent.result("five") == 5
        assert concurrent.of(key) is None
        (concurrent.directory / "trials" / "000000" / "go").touch()
        assert concurrent.result(key).state == "completed"

    def test_cancelled_evaluation_is_ended(self, concurrent: Started) -> None:
        """Its slot is free for the next one, and nothing is heard of it."""
        key = concurrent.evaluate("hold", trial=0)
        concurrent.until(lambda: concurrent.here(0))
        concurrent.executor.cancel(key)
        assert concurrent.result(concurrent.evaluate("square", trial=1)).value == 9.0
        assert concurrent.of(key) is None

    def test_evaluation_that_saves_itself_is_interrupted(self, concurrent: Started) -> None:
        """Where it is asked to; its checkpoint is there for another attempt."""
        key = concurrent.evaluate("save")
        concurrent.until(lambda: concurrent.here(0))
        for _ in range(2):
            concurrent.executor.interrupt(key)
        concurrent.executor.interrupt("never heard of")
        outcome = concurrent.result(key)
        assert outcome.state == "interrupted" and outcome.checkpoint is not None
        said = [content for content in concurrent.messages(0) if content["kind"] == "checkpoint"]
        steps = [content["step"] for content in said]
        assert steps == [None, *range(outcome.checkpoint + 1)][: len(steps)] and len(steps) > 1
        newest = f"trials/000000/checkpoints/step-{outcome.checkpoint:09d}"
        assert (concurrent.directory / newest / "state.txt").read_text() == str(outcome.checkpoint)

    def test_evaluation_that_saves_nothing_goes_on(self, concurrent: Started) -> None:
        """Though it is asked to save itself."""
        key = concurrent.evaluate("hold")
        concurrent.until(lambda: concurrent.here(0))
        concurrent.executor.interrupt(key)
        (concurrent.directory / "trials" / "000000" / "go").touch()
        assert concurrent.result(key).state == "completed"

    def test_wait_ends_when_its_time_is_over(self, started: Started) -> None:
        """Though nothing has happened."""
        started.settle()
        before = started.executor.clock()
        assert started.executor.wait(0.05) == []
        assert started.executor.clock() - before >= 0.04

    def test_wake_ends_a_wait(self, started: Started) -> None:
        """From another thread, or from before."""
        started.settle()
        waker = threading.Timer(0.05, started.executor.wake)
        if self.real:
            waker.start()
        else:
            started.executor.wake()
        began = time.monotonic()
        started.executor.wait(DEADLINE)
        assert time.monotonic() - began < DEADLINE / 2
        if self.real:
            waker.join()
        before = started.executor.clock()
        assert started.executor.wait(0.05) == []
        assert started.executor.clock() - before >= 0.04, "it wakes once"

    def test_closing_what_was_never_started(self, executor: Executor) -> None:
        """As happens where the search cannot begin."""
        executor.close()
