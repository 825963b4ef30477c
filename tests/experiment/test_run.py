"""Runs: callbacks, the handle on a run in the background, and signals."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

import phsx
from phsx.exceptions import JournalError, PhsxWarning
from phsx.execution.base import Setting
from phsx.execution.inline import InlineExecutor
from phsx.experiment.run import Callbacks, Progress, Run, progress_of
from phsx.master.master import Master
from phsx.master.search import Limits
from phsx.targets.calling import bind
from phsx.testing.bench import Bench
from phsx.trial import Trial

DEADLINE = 20.0


def wait_for(condition):
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.002)


def trial(number):
    return Trial(number, 0, number, "random")


class TestCallbacks:
    def test_every_function_gets_every_trial_in_order_in_another_thread(self):
        seen = []
        calls = Callbacks(
            [lambda t: seen.append(("a", t.id, threading.current_thread().name)), lambda t: None]
        )
        for number in range(5):
            calls(trial(number))
        calls.close()
        assert [(name, number) for name, number, _ in seen] == [("a", n) for n in range(5)]
        assert threading.current_thread().name not in {thread for *_, thread in seen}

    def test_nobody_waits_for_a_slow_one(self):
        go, seen = threading.Event(), []
        calls = Callbacks([lambda t: go.wait(DEADLINE) and seen.append(t.id)])
        began = time.monotonic()
        for number in range(3):
            calls(trial(number))
        assert time.monotonic() - began < DEADLINE / 2
        assert seen == []
        go.set()
        calls.close()
        assert seen == [0, 1, 2], "closing waits for all"

    def test_what_they_raise_is_shown_and_does_no_harm(self, capsys):
        seen = []

        def broken(t):
            raise ValueError(f"no {t.id}")

        calls = Callbacks([broken, lambda t: seen.append(t.id)])
        calls(trial(0))
        calls(trial(1))
        calls.close()
        assert seen == [0, 1]
        said = capsys.readouterr().err
        assert said.count("Traceback") == 2 and "ValueError: no 1" in said

    def test_without_functions_there_is_no_thread(self):
        before = threading.active_count()
        calls = Callbacks([])
        calls(trial(0))
        assert threading.active_count() == before
        calls.close()

    def test_closing_twice_or_unused_is_fine(self):
        calls = Callbacks([print])
        calls.close()
        calls(trial(0))
        calls.close()
        calls.close()


def test_progress_sums_up_a_state(tmp_path):
    def target(x, n, trial):
        if trial.id == 2:
            raise ValueError("two")
        return float(trial.id)

    b = Bench(tmp_path, phsx.Random(4), target=target).run()
    progress = progress_of(b.state, 9, maximize=True)
    assert (progress.total, progress.ended, progress.running, progress.failed) == (9, 4, 0, 1)
    assert progress.best.id == 3
    assert progress_of(b.state, None, maximize=False).best.id == 0


class Search:
    """A search in this process, whose target does what a test says."""

    def __init__(self, directory, act, trials=3, here=False, **limits):
        self.bench = Bench(directory, phsx.Random(trials))
        self.finished = []
        bound = bind(lambda x, n, trial: act(trial) or x, ["x", "n"])
        self.master = Master(
            self.bench.search,
            self.bench.state,
            self.bench.journal,
            InlineExecutor(),
            Setting("run", bound),
            Limits(**limits),
        )
        self.run = Run(
            self.master,
            self.bench.state,
            maximize=False,
            here=here,
            resume="do it again",
            finish=lambda: self.finished.append(True),
        )


def interrupt(search, number):
    """Send a signal to this process, and wait until it is handled."""
    os.kill(os.getpid(), number)
    wait_for(lambda: search.master.stop_reason)


@pytest.fixture
def search(tmp_path):
    def make(act=lambda trial: None, **options):
        return Search(tmp_path, act, **options)

    return make


class TestInTheBackground:
    def test_runs_to_its_end(self, search):
        s = search()
        run = s.run.start()
        assert run is s.run
        assert run.wait(DEADLINE) is True
        assert not run.running
        assert run.progress == Progress(3, 3, 0, 0, s.bench.state.best(maximize=False))
        assert s.finished == [True]
        assert repr(run) == "<phsx run, ended: 3 of 3 trials, 0 failed>"

    def test_wait_gives_up_after_its_timeout(self, search):
        go = threading.Event()
        run = search(lambda trial: go.wait(DEADLINE) and None).run.start()
        assert run.wait(0.0) is False and run.wait(0.01) is False
        wait_for(lambda: run.progress.running == 1)
        assert run.running and "running: 0 of 3 trials" in repr(run)
        go.set()
        assert run.wait() is True

    def test_stop_lets_what_runs_finish_and_returns_at_the_end(self, search):
        here = threading.Event()
        s = search(lambda trial: here.set() or time.sleep(0.05))
        run = s.run.start()
        here.wait(DEADLINE)
        run.stop()
        assert not run.running and s.finished == [True]
        assert 1 <= run.progress.ended < 3
        assert s.bench.states().keys() <= {"completed", "waiting"}
        run.stop()  # a second time is fine

    def test_what_ended_it_is_raised_to_whoever_waits(self, search):
        s = search()
        s.bench.journal.fails_at = 4
        run = s.run.start()
        with pytest.raises(JournalError, match="disk is full"):
            run.wait(DEADLINE)
        assert not run.running and s.finished == [True]

    def test_error_says_how_to_go_on(self, search):
        s = search()
        s.bench.journal.fails_at = 4
        with pytest.raises(JournalError) as error:
            s.run.start().wait(DEADLINE)
        assert error.value.__notes__ == ["do it again"]

    def test_error_that_nobody_waits_for_is_logged_and_shown_once(self, search, caplog):
        s = search()
        s.bench.journal.fails_at = 4
        run = s.run.start()
        wait_for(lambda: not run.running)
        assert "disk is full" in caplog.text and "do it again" in caplog.text
        with pytest.warns(PhsxWarning, match="disk is full"):
            run.mention()
        run.mention()
        with pytest.raises(JournalError):
            run.wait()

    def test_error_is_not_shown_to_who_has_had_it(self, search):
        s = search()
        s.bench.journal.fails_at = 4
        run = s.run.start()
        with pytest.raises(JournalError):
            run.wait(DEADLINE)
        run.mention()

    def test_error_is_not_logged_where_somebody_waits(self, search, caplog):
        go = threading.Event()
        s = search(lambda trial: go.wait(DEADLINE) and None)
        s.bench.journal.fails_at = 6
        run = s.run.start()
        raised = []

        def wait():
            with pytest.raises(JournalError) as error:
                run.wait()
            raised.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        wait_for(lambda: run._awaited)
        go.set()
        thread.join()
        assert raised and caplog.text == ""

    def test_signals_are_left_alone(self, search):
        before = signal.getsignal(signal.SIGINT)
        seen = []
        search(lambda trial: seen.append(signal.getsignal(signal.SIGINT))).run.start().wait()
        assert set(seen) == {before}


class TestBlocking:
    @pytest.mark.parametrize("here", [True, False])
    def test_returns_at_the_end(self, search, here):
        threads = set()
        s = search(lambda trial: threads.add(threading.current_thread()), here=here)
        s.run.block()
        assert s.run.progress.ended == 3 and s.finished == [True]
        assert (threads == {threading.current_thread()}) is here

    @pytest.mark.parametrize("here", [True, False])
    def test_raises_what_ended_it(self, search, here):
        s = search(here=here)
        s.bench.journal.fails_at = 4
        with pytest.raises(JournalError):
            s.run.block()

    @pytest.mark.parametrize("here", [True, False])
    def test_interrupt_drains(self, search, here, capsys):
        """The trial that runs is finished, no other begins, and it is said how to go on."""
        before = signal.getsignal(signal.SIGINT)
        s = search(lambda trial: interrupt(s, signal.SIGINT), here=here)
        with pytest.raises(KeyboardInterrupt, match="do it again"):
            s.run.block()
        assert s.bench.states() == {"completed": 1}
        assert s.finished == [True]
        said = capsys.readouterr().err
        assert "SIGINT" in said and "do it again" in said
        assert signal.getsignal(signal.SIGINT) is before

    @pytest.mark.parametrize("here", [True, False])
    def test_termination_ends_with_143(self, search, here):
        before = signal.getsignal(signal.SIGTERM)
        s = search(lambda trial: interrupt(s, signal.SIGTERM), here=here)
        with pytest.raises(SystemExit) as ended:
            s.run.block()
        assert ended.value.code == 143
        assert s.bench.states() == {"completed": 1}
        assert signal.getsignal(signal.SIGTERM) is before

    def test_second_interrupt_is_not_the_targets_failure(self, search):
        """The trial it hits is to be run again."""

        def act(trial):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)

        s = search(act, here=True)
        with pytest.raises(KeyboardInterrupt):
            s.run.block()
        assert s.finished == [True]
        assert "failed" not in s.bench.states()

    def test_second_interrupt_ends_a_run_in_its_own_thread(self, search):
        go = threading.Event()

        def act(trial):
            interrupt(s, signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            go.wait(DEADLINE)

        s = search(act)
        releaser = threading.Timer(0.2, go.set)  # the target itself cannot be ended in a thread
        releaser.start()
        with pytest.raises(KeyboardInterrupt):
            s.run.block()
        releaser.join()
        assert s.finished == [True]

    def test_not_in_the_main_thread(self, search):
        s = search(here=True)
        thread = threading.Thread(target=s.run.block)
        thread.start()
        thread.join(DEADLINE)
        assert s.run.progress.ended == 3


def test_excepthook_of_the_user_is_used(monkeypatch):
    seen = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: seen.append(error[0]))

    def broken(t):
        raise LookupError

    calls = Callbacks([broken])
    calls(trial(0))
    calls.close()
    assert seen == [LookupError]
