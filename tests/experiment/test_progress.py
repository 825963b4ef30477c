"""Progress: plain lines where there is no terminal, a bar where there is one."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import struct
import sys
import termios

import pytest

import phsx.experiment.progress
from phsx.experiment.progress import Reporter, describe
from phsx.experiment.run import Progress
from phsx.trial import Trial

BEST = Trial(7, 0, 7, "random", value=0.123456789)


class Clock:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(phsx.experiment.progress, "time", clock)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    return clock


def progress(ended, total=10, running=2, failed=0, best=None):
    return Progress(total, ended, running, failed, best)


class Shown:
    """A reporter, what it looks at, and what it has written."""

    def __init__(self):
        self.file = io.StringIO()
        self.progress = progress(0)
        self.reporter = Reporter("search", lambda: self.progress, self.file)

    @property
    def lines(self):
        return self.file.getvalue().splitlines()


@pytest.fixture
def shown(clock):
    return Shown()


@pytest.mark.parametrize(
    ("state", "text"),
    [
        (progress(0), "0 of 10 trials, 2 running, 0 failed, no result yet"),
        (progress(3, None), "3 trials, 2 running, 0 failed, no result yet"),
        (
            progress(10, 10, 0, 4, BEST),
            "10 of 10 trials, 0 running, 4 failed, best 0.123457 (trial 7)",
        ),
    ],
)
def test_description(state, text):
    assert describe(state) == text


class TestLines:
    def test_a_line_at_the_beginning_and_then_now_and_again(self, shown, clock):
        for second in range(100):
            clock.now = 100.0 + second
            shown.progress = progress(second // 10)
            shown.reporter.tick()
        assert len(shown.lines) == 4, "0, 30, 60 and 90 s"
        assert shown.lines[0] == "search: 0 of 10 trials, 2 running, 0 failed, no result yet"

    def test_plain_text(self, shown, clock):
        shown.reporter.tick()
        shown.progress = progress(10, best=BEST)
        shown.reporter.close()
        text = shown.file.getvalue()
        assert text.endswith("\n") and text.isascii()
        assert not re.search(r"[\r\x1b\b]", text)

    def test_the_same_line_is_not_said_again(self, shown, clock):
        for _ in range(5):
            clock.now += 60.0
            shown.reporter.tick()
        shown.reporter.close()
        assert len(shown.lines) == 1

    def test_end_is_always_told(self, shown):
        shown.reporter.tick()
        shown.progress = progress(10, running=0, best=BEST)
        shown.reporter.close()
        assert shown.lines[-1].startswith("search: 10 of 10 trials")
        assert "best 0.123457 (trial 7)" in shown.lines[-1]

    def test_reason_of_an_early_end(self, shown):
        shown.reporter.close("the time of 5 s is over")
        assert shown.lines[-1] == "search: ended early, the time of 5 s is over"

    @pytest.mark.parametrize(
        ("first", "ended", "seconds", "left"),
        [
            (0, 2, 10.0, "about 40 s left"),
            (5, 6, 30.0, "about 2 min left"),  # what an earlier run did says nothing
            (0, 1, 7200.0, "about 18.0 h left"),
        ],
    )
    def test_time_left(self, shown, clock, first, ended, seconds, left):
        shown.progress = progress(first)
        shown.reporter.tick()
        clock.now += max(seconds, 30.0)
        shown.reporter._began = clock.now - seconds
        shown.progress = progress(ended)
        shown.reporter.tick()
        assert shown.lines[-1].endswith(left)

    @pytest.mark.parametrize("state", [progress(0), progress(5, None), progress(10)])
    def test_no_time_left_where_it_is_not_known(self, shown, clock, state):
        shown.reporter.tick()
        clock.now += 60.0
        shown.progress = state
        shown.reporter.close()
        assert "left" not in shown.lines[-1]


class Terminal:
    """A pseudo terminal and what was written to it."""

    def __init__(self):
        self.ours, theirs = pty.openpty()
        self.resize(24, 120)
        self.file = os.fdopen(theirs, "w")

    def resize(self, lines, columns):
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, size)

    def expect(self, text, patience=20.0):
        """Wait for a text, and return everything that has come since the last time."""
        self.file.flush()
        seen = b""
        while text.encode() not in seen:
            ready, _, _ = select.select([self.ours], [], [], patience)
            assert ready, f"{text!r} did not come, only {seen!r}"
            seen += os.read(self.ours, 100_000)
        return seen.decode()

    def close(self):
        self.file.close()
        os.close(self.ours)


@pytest.fixture
def terminal(clock):
    terminal = Terminal()
    yield terminal
    terminal.close()


class TestBar:
    def test_shows_everything_on_one_line(self, terminal, clock):
        state = {"now": progress(3, best=BEST, failed=1)}
        reporter = Reporter("search", lambda: state["now"], terminal.file)
        reporter.tick()
        text = terminal.expect("2 running, 1 failed, best 0.123457 (trial 7)")
        assert "search" in text and "3/10" in text
        clock.now += 1.0
        state["now"] = progress(8, best=BEST)
        reporter.tick()
        text = terminal.expect("2 running, 0 failed, best 0.123457 (trial 7)")
        assert "8/10" in text and "\r" in text
        assert "\n" not in text
        state["now"] = progress(10, running=0, best=BEST)
        reporter.close()
        assert "10/10" in terminal.expect("0 running")

    def test_not_more_often_than_is_seen(self, terminal, clock):
        looks = []
        reporter = Reporter("search", lambda: looks.append(0) or progress(0), terminal.file)
        for _ in range(1000):
            clock.now += 0.01
            reporter.tick()
        assert 30 <= len(looks) <= 60
        reporter.close()
        terminal.expect("0/10")

    def test_growing_and_unknown_totals(self, terminal, clock):
        state = {"now": progress(3, None)}
        reporter = Reporter("search", lambda: state["now"], terminal.file)
        reporter.tick()
        assert "3 trial" in terminal.expect("no result yet")
        clock.now += 1.0
        state["now"] = progress(4, 20)
        reporter.tick()
        terminal.expect("4/20")
        reporter.close("asked to stop")
        terminal.expect("ended early, asked to stop")

    def test_terminal_that_does_not_know_its_size(self, terminal, clock):
        """As that of `docker run -t`, of `script` in a job, and of most programs' own."""
        terminal.resize(0, 0)
        reporter = Reporter("search", lambda: progress(3), terminal.file)
        reporter.tick()
        reporter.close()
        terminal.expect("3/10")
