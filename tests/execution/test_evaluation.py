from __future__ import annotations

import bdb
import os
import signal
import threading

import pytest

from phsx.execution.evaluation import TRACEBACK_LIMIT, Job, evaluate_here
from phsx.targets.calling import bind
from phsx.targets.packing import pack


@pytest.fixture
def evaluate(tmp_path):
    def evaluate(target, notify=None, stop=None, **options):
        params = options.pop("params", {"x": 1.5})
        job = Job("run", 4, params, str(tmp_path / "trials" / "000004"), **options)
        return evaluate_here(bind(target, list(params)), job, notify, stop)

    return evaluate


def test_outcome(evaluate, tmp_path):
    def target(x, trial):
        trial.report(0, x)
        assert trial.directory.is_dir()
        return {"loss": x, "seed": trial.seed, "stopped": trial.should_stop()}

    reports = []
    stop = threading.Event()
    stop.set()
    outcome = evaluate(target, reports.append, stop, seed=9, attempt=3)
    assert (outcome.state, outcome.value, outcome.attempt) == ("completed", 1.5, 3)
    assert outcome.extras == {"seed": 9, "stopped": True}
    assert outcome.pid == os.getpid()
    assert [report.value for report in reports] == [1.5]
    assert (tmp_path / "trials" / "000004").is_dir()


def test_takes_a_package(tmp_path):
    job = Job("run", 0, {"x": 2}, str(tmp_path / "0"))
    assert evaluate_here(pack(lambda x: x + 1, ["x"]), job).value == 3.0


@pytest.mark.parametrize("kind", [ValueError, SystemExit, GeneratorExit])
def test_exceptions_are_failures(evaluate, kind):
    def target(x):
        raise kind("no")

    outcome = evaluate(target)
    assert (outcome.state, outcome.error) == ("failed", f"{kind.__name__}: no")
    assert 'raise kind("no")' in outcome.traceback


def interrupt(x):
    raise KeyboardInterrupt


def test_an_interrupt_by_the_user_is_raised(evaluate):
    with pytest.raises(KeyboardInterrupt):
        evaluate(interrupt)


def test_an_interrupt_of_the_target_is_a_failure(evaluate, monkeypatch):
    """Somebody else handles SIGINT, or it is no thread that gets signals."""
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(evaluate(interrupt)))
    thread.start()
    thread.join()
    assert outcomes[0].error == "KeyboardInterrupt"
    previous = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        assert evaluate(interrupt).state == "failed"
    finally:
        signal.signal(signal.SIGINT, previous)


def test_leaving_the_debugger_is_raised(evaluate):
    def target(x):
        raise bdb.BdbQuit

    with pytest.raises(bdb.BdbQuit):
        evaluate(target)


def test_causes_and_long_tracebacks(evaluate):
    def target(x):
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("o" * 50_000) from error

    outcome = evaluate(target)
    assert len(outcome.error) == 1_000
    assert "KeyError: 'inner'" in outcome.traceback
    assert "direct cause" in outcome.traceback
    assert len(outcome.traceback) < TRACEBACK_LIMIT + 100


def test_endless_recursion(evaluate):
    def target(x):
        return target(x)

    outcome = evaluate(target)
    assert outcome.error.startswith("RecursionError")
    assert len(outcome.traceback) < TRACEBACK_LIMIT


def test_errors_of_calling_have_a_traceback_too(evaluate, tmp_path):
    job = Job("run", 0, {"y": 1}, str(tmp_path / "0"))
    outcome = evaluate_here(bind(lambda x: x, ["x"]), job)
    assert "unexpected keyword argument 'y'" in outcome.error
    assert "Traceback" in outcome.traceback
