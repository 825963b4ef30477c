"""One thread for linear algebra, so that results are reproducible and workers do not collide."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_lock = threading.Lock()
_inside = 0
_limits: list[Any] = []


@lru_cache(maxsize=1)
def _controller() -> Any:
    return ThreadpoolController()  # looks through all libraries of the process: once is enough


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS use one thread inside; may be entered by several threads at once.

    With more threads sums are split in another way, so the last bits of a suggestion would depend
    on the machine's number of cores; at a few hundred observations one thread is faster too. The
    setting is one for the process: the first to enter makes it, the last to leave undoes it.

    Examples
    --------
    >>> with one_thread():
    ...     pass
    """
    global _inside
    with _lock:
        if _inside == 0:
            _limits.append(_controller().limit(limits=1, user_api="blas"))
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limits.pop().restore_original_limits()
