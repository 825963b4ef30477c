"""Evaluations that were lost and may go on: ended before their slots are used again.

They were lost with the connection, or with a worker that nothing was heard of, and that is back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial

from phsx.execution.base import Event, Lost
from phsx.execution.calls import Calls
from phsx.execution.submissions import Evaluation


class Orphans:
    """Has lost evaluations ended, and reports each when its slot is free again.

    Parameters
    ----------
    calls : Calls
    put : callable
        Told, in any thread, the key of each that does not run any more, for `ended`.
    """

    def __init__(self, calls: Calls, put: Callable[[str], object]) -> None:
        self._calls = calls
        self._put = put
        self._lost: dict[str, Evaluation] = {}  # their worker may not know
        self._told: dict[str, Evaluation] = {}  # it has been told

    def add(self, evaluations: Mapping[str, Evaluation]) -> None:
        """Take lost evaluations in."""
        self._lost.update(evaluations)

    def disconnected(self) -> None:
        """Begin again: what workers were told may not have reached them."""
        self._lost |= self._told
        self._told.clear()

    def end(self, workers: Collection[str]) -> None:
        """Have all ended; of a worker that is not among `workers`, they went with it."""
        lost, self._lost = self._lost, {}
        for key, evaluation in lost.items():
            self._told[key] = evaluation
            if evaluation.worker in workers:
                self._calls.end(*evaluation, partial(self._answered, key))
            else:
                self._put(key)

    def workers(self) -> set[str]:
        """Return the workers that are still to end some."""
        return {evaluation.worker for evaluation in self._told.values()}

    def _answered(self, key: str, call: object) -> None:
        self._put(key)

    def ended(self, key: str) -> list[Event]:
        """Report an evaluation that was lost and does not run any more."""
        if self._told.pop(key, None) is None:
            return []
        return [Lost(key, "the connection to the scheduler broke", worker_died=False)]


__all__ = ["Orphans"]
