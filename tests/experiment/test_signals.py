"""Signals while a run blocks: they may come in the middle of anything."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from phsx.execution.evaluation import Interrupt
from phsx.experiment.signals import Signals


def wait_for(condition):
    deadline = time.monotonic() + 20.0
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.001)


def send(number=signal.SIGINT):
    os.kill(os.getpid(), number)


class Stopped:
    """Takes a lock to stop, as every event and queue does."""

    def __init__(self):
        self.lock = threading.Lock()
        self.asked = []

    def __call__(self, reason, grace):
        with self.lock:
            self.asked.append((reason, grace))


@pytest.fixture
def stop():
    return Stopped()


def test_first_drains_and_second_ends(stop, capsys):
    with Signals(stop, "do it again") as signals:
        assert signals.number is None
        send()
        with pytest.raises(Interrupt):
            send()
    assert signals.number == signal.SIGINT
    assert stop.asked == [("SIGINT", None), ("interrupted twice", 0.0)]
    said = capsys.readouterr().err
    assert said.count("SIGINT") == 1 and "do it again" in said


def test_lock_that_is_held_where_the_signals_come(stop, capsys):
    """As in the middle of `Event.set`: a handler that wants the same lock would wait for ever."""
    with Signals(stop, ""):
        with stop.lock:
            send(signal.SIGTERM)
            with pytest.raises(Interrupt):
                send(signal.SIGINT)
        wait_for(lambda: len(stop.asked) == 2)
    assert stop.asked[0] == ("SIGTERM", None)


def test_handlers_are_given_back(stop):
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(LookupError), Signals(stop, ""):
        assert signal.getsignal(signal.SIGINT) != before[0]
        raise LookupError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_another_thread_handles_none(stop):
    seen = []

    def work():
        before = signal.getsignal(signal.SIGINT)
        with Signals(stop, "") as signals:
            seen.append(signal.getsignal(signal.SIGINT) is before and signals.number)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [None]
