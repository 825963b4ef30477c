"""Tasks that are there to be seen by a cluster that grows with its tasks."""

from __future__ import annotations

import distributed

from phsx.execution.connection import Connection

#: No more are there at a time: Dask's scheduler looks at a hundred of them, and at their number.
MOST = 500
#: What no worker has.
_RESOURCE = {"phsx-more-workers": 1}


class Demand:
    """One task for every trial that waits for a worker, so that a cluster that adapts may grow.

    Adaptive scaling sees no work where there is a task for every worker, and less where
    evaluations have left the thread pool. These tasks never run, since they ask for a resource that
    no worker has, and so they hold up nobody. Their names begin as those of evaluations do: Dask
    takes them to last as long as evaluations have taken.

    Parameters
    ----------
    connection : Connection
    run : str
        The run's id.
    """

    def __init__(self, connection: Connection, run: str) -> None:
        self._connection = connection
        self._run = run
        self._count = 0
        self._tasks: list[distributed.Future] = []

    def show(self, trials: int) -> None:
        """Let the cluster see that so many trials wait."""
        wanted = min(trials, MOST)
        # Some may have failed: the scheduler can be told not to wait for workers for ever.
        self._tasks = [task for task in self._tasks if task.status == "pending"][: max(0, wanted)]
        while len(self._tasks) < wanted:
            self._count += 1
            key = f"phsx-evaluate-{self._run}-wanted-{self._count}"
            self._tasks.append(
                self._connection.client.submit(abs, 0, key=key, pure=False, resources=_RESOURCE)
            )

    def forget(self) -> None:
        """Let go of all."""
        self._tasks.clear()


__all__ = ["MOST", "Demand"]
