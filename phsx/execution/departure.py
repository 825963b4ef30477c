"""What the scheduler has recorded of a worker that left: what it had to do when it was killed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

#: In the reason of a worker that closes itself because of an error of its own.
_FAILURE = "fail-hard"


def killed(events: Iterable[tuple[float, Any]]) -> set[str]:
    """Return the keys of the tasks that a worker took down with it, in any of its lives.

    Not among them is what a worker had when it was retired, or closed in order, as it is when a
    cluster is scaled down or a batch job is told to end; nor what was sent after its death.

    Parameters
    ----------
    events : iterable of (float, any)
        What `distributed.Client.get_events` returns for the worker's address, from old to new.

    Examples
    --------
    >>> left = {"action": "remove-worker", "processing-tasks": {"a"}, "expected": False}
    >>> killed([(0.0, left)])
    {'a'}
    >>> killed([(0.0, {**left, "expected": True})])
    set()
    >>> killed([(0.0, {"action": "closing-worker", "reason": "nanny-close"}), (0.1, left)])
    set()
    """
    keys: set[str] = set()
    closing = False
    for _, event in events:
        match event:
            case {"action": "add-worker"}:
                closing = False
            case {"action": "closing-worker", "reason": reason}:
                closing = _FAILURE not in str(reason)
            case {"action": "remove-worker", "processing-tasks": processing}:
                if not closing and not event.get("expected", False):
                    keys.update(processing)
    return keys


__all__ = ["killed"]
