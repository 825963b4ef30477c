"""Waiting for something that has to come true."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(
    condition: Callable[[], object],
    seconds: float = 60.0,
    what: Callable[[], object] = lambda: "the condition",
) -> None:
    """Wait until a condition holds; AssertionError after `seconds`, with what `what` returns.

    Examples
    --------
    >>> until(lambda: True)
    """
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what()} did not come true within {seconds:g} s")
        time.sleep(0.02)
