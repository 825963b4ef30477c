"""Waiting for something that has to come true."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def until(
    condition: Callable[[], Found],
    seconds: float = 60.0,
    what: Callable[[], object] = lambda: "the condition",
) -> Found:
    """Wait until a condition holds; AssertionError after `seconds`, with what `what` returns.

    Returns
    -------
    object
        What the condition returned at last.

    Examples
    --------
    >>> until(lambda: 2 + 2)
    4
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what()} did not come true within {seconds:g} s")
        time.sleep(0.02)
    return found
