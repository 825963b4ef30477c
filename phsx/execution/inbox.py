"""What has happened and is to be looked at, in order: filled from any thread, emptied by one."""

from __future__ import annotations

import contextlib
import queue
from typing import Any

Item = tuple[Any, ...]


class Inbox:
    """A queue of tuples, the first entry of which says what they are.

    It knows nothing of its owner: handlers that a Dask client keeps for ever may refer to it.

    Examples
    --------
    >>> inbox = Inbox()
    >>> inbox.put("done", "key-1")
    >>> inbox.take(1.0), inbox.take(0.0)
    ([('done', 'key-1')], [])
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()

    def put(self, *item: Any) -> None:
        """Add something."""
        self._queue.put(item)

    def put_event(self, event: tuple[float, Any]) -> None:
        """Add an event of Dask, which has its time before its content."""
        self._queue.put(("said", event[1]))

    def take(self, timeout: float) -> list[Item]:
        """Return all there is; wait at most `timeout` seconds for the first."""
        items: list[Item] = []
        with contextlib.suppress(queue.Empty):
            items.append(self._queue.get(timeout=timeout) if timeout else self._queue.get_nowait())
            while True:
                items.append(self._queue.get_nowait())
        return items
