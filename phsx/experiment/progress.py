"""Tells a waiting person how far a search is: a bar in a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

from phsx.experiment.run import Progress

#: Seconds between plain lines, and between refreshes of a bar.
LINE_INTERVAL, BAR_INTERVAL = 30.0, 0.2


class Reporter:
    """Shows progress; `tick` is called often and does little mostly.

    Parameters
    ----------
    name : str
        The experiment's name.
    look : callable
        Returns the current `Progress`.
    file : text stream
        Where to write, standard error by default.
    """

    def __init__(self, name: str, look: Callable[[], Progress], file: TextIO | None = None) -> None:
        self._name = name
        self._look = look
        self._file = sys.stderr if file is None else file
        self._bar: Any = None
        self._last = float("-inf")
        self._said = ""
        self._began = time.monotonic()
        self._first: int | None = None
        self._terminal = self._file.isatty() or "ipykernel" in sys.modules

    def tick(self) -> None:
        """Show progress if enough time has passed since the last time."""
        now = time.monotonic()
        if now - self._last >= (BAR_INTERVAL if self._terminal else LINE_INTERVAL):
            self._last = now
            self._show(self._look())

    def say(self, line: str, file: TextIO) -> None:
        """Write a line elsewhere, such as to standard output, which may be the same terminal."""
        if self._bar is not None:
            self._bar.write(line, file=file)
        else:
            file.write(f"{line}\n")
        file.flush()

    def close(self, reason: str | None = None) -> None:
        """Show the end."""
        progress = self._look()
        self._show(progress)
        if self._bar is not None:
            self._bar.close()
        if reason is not None:
            self._file.write(f"{self._name}: ended early, {reason}\n")
        self._file.flush()

    def _show(self, progress: Progress) -> None:
        if self._first is None:
            self._first = progress.ended
        if self._terminal:
            self._show_bar(progress)
            return
        line = f"{self._name}: {describe(progress)}{self._time_left(progress)}"
        if line != self._said:
            self._said = line
            self._file.write(line + "\n")
            self._file.flush()

    def _show_bar(self, progress: Progress) -> None:
        if self._bar is None:
            from tqdm.std import tqdm

            self._bar = tqdm(
                total=progress.total,
                initial=progress.ended,
                desc=self._name,
                unit=" trial",
                file=self._file,
                **_width(self._file),
            )
        self._bar.total = progress.total
        self._bar.set_postfix_str(_details(progress), refresh=False)
        self._bar.update(progress.ended - self._bar.n)
        self._bar.refresh()

    def _time_left(self, progress: Progress) -> str:
        done = progress.ended - (self._first or 0)
        if not done or progress.total is None or progress.ended >= progress.total:
            return ""
        left = (time.monotonic() - self._began) / done * (progress.total - progress.ended)
        return f", about {_duration(left)} left"


def _width(file: TextIO) -> dict[str, Any]:
    """Return how wide a bar is: as the terminal, or as most are where it does not know."""
    try:
        columns = os.get_terminal_size(file.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return {"dynamic_ncols": True} if columns else {"ncols": 100}


def describe(progress: Progress) -> str:
    """Return one line about a search.

    Examples
    --------
    >>> describe(Progress(total=40, ended=12, running=4, failed=1, best=None))
    '12 of 40 trials, 4 running, 1 failed, no result yet'
    """
    total = "" if progress.total is None else f" of {progress.total}"
    return f"{progress.ended}{total} trials, {_details(progress)}"


def _details(progress: Progress) -> str:
    best = progress.best
    value = "no result yet" if best is None else f"best {best.value:.6g} (trial {best.id})"
    return f"{progress.running} running, {progress.failed} failed, {value}"


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
