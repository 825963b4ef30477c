"""Everything in this process and thread."""

from __future__ import annotations

import threading
import time

import pytest

from phsx.execution.base import Finished, Setting, Task
from phsx.execution.evaluation import Job
from phsx.execution.inline import InlineExecutor
from phsx.targets.calling import bind
from phsx.testing.executors import ExecutorContract


class TestContract(ExecutorContract):
    @pytest.fixture
    def executor(self):
        return InlineExecutor()


@pytest.fixture
def inline(tmp_path):
    """Start an inline executor with a target, and return it with a way to evaluate."""

    def make(target, names=("x",)):
        executor = InlineExecutor()
        executor.start(Setting("run", bind(target, names)))
        executor.wait(0.0)

        def evaluate(**params):
            executor.evaluate("e", Job("run", 0, params, str(tmp_path / "0")), "inline")
            return executor.wait(0.0)

        return executor, evaluate

    return make


def test_one_slot_in_this_very_thread(inline):
    seen = []
    _, evaluate = inline(lambda x: seen.append(threading.current_thread()) or 1.0)
    evaluate(x=1)
    assert seen == [threading.current_thread()]


def test_nothing_runs_before_wait(inline):
    seen = []
    executor, _ = inline(lambda x: 1.0)
    executor.submit(Task("a", seen.append, (1,)))
    executor.submit(Task("b", seen.append, (2,)))
    assert seen == []
    assert executor.wait(0.0) == [Finished("a", None)]
    assert seen == [1], "one task per call, so that a stop is seen between two"
    executor.wait(0.0)
    assert seen == [1, 2]


def test_cancelled_task_never_runs(inline):
    seen = []
    executor, _ = inline(lambda x: 1.0)
    executor.submit(Task("a", seen.append, (1,)))
    executor.cancel("a")
    assert executor.wait(0.0) == [] and seen == []


def test_output_goes_where_it_always_goes(inline, capfd):
    _, evaluate = inline(lambda x: print("hello") or x)
    evaluate(x=1)
    assert capfd.readouterr().out == "hello\n"


def test_keyboard_interrupt_is_not_the_targets_failure(inline):
    """Where no run has its own handler of the signal, it is the user's."""

    def target(x):
        raise KeyboardInterrupt

    _, evaluate = inline(target)
    with pytest.raises(KeyboardInterrupt):
        evaluate(x=1)


@pytest.mark.parametrize("error", [SystemExit(3), GeneratorExit(), RecursionError("deep")])
def test_other_exits_are_failures(inline, error):
    def target(x):
        raise error

    _, evaluate = inline(target)
    (event,) = evaluate(x=1)
    assert event.value.state == "failed"
    assert type(error).__name__ in event.value.error


def test_debugger_stops_inside_the_target(inline):
    """A trace function, as a debugger sets it, sees the target's own frames."""
    import sys

    names = []

    def target(x):
        return x

    def trace(frame, event, argument):
        names.append(frame.f_code.co_name)

    _, evaluate = inline(target)
    old = sys.gettrace()
    sys.settrace(trace)
    try:
        evaluate(x=1)
    finally:
        sys.settrace(old)
    assert "target" in names


def test_wake_before_wait_is_not_forgotten(inline):
    executor, _ = inline(lambda x: x)
    executor.wake()
    began = time.monotonic()
    assert executor.wait(20.0) == []
    assert time.monotonic() - began < 10.0
