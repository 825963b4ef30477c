"""A task that is there to be seen by a cluster that grows with its tasks."""

from __future__ import annotations

import distributed

from phsx.execution.connection import Connection


class Beckon:
    """Lets a cluster see a task where it has no worker at all and there is work.

    Parameters
    ----------
    connection : Connection
    topic : str
        Begins the key.
    """

    def __init__(self, connection: Connection, topic: str) -> None:
        self._connection = connection
        self._topic = topic
        self._count = 0
        self._task: distributed.Future | None = None

    def look(self, workers: int, *, wanted: bool) -> None:
        """Call a worker, or do so no more; `workers` are there, and more would be `wanted`."""
        if workers or not wanted:
            self._task = None
        elif self._task is None:
            self._count += 1
            key = f"{self._topic}-beckon-{self._count}"
            self._task = self._connection.client.submit(abs, 0, key=key, pure=False)

    def forget(self) -> None:
        """Let go of the task."""
        self._task = None


__all__ = ["Beckon"]
