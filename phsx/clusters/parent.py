"""What ties a process to the one that has started it: the pipe to its standard input."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading


def input_ended() -> asyncio.Event:
    """Return an event of the running loop that is set when standard input ends.

    It ends with the process that holds the other end of the pipe, however that ends.
    """
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def watch() -> None:
        sys.stdin.buffer.read()
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=watch, daemon=True, name="phsx-input").start()
    return ended
