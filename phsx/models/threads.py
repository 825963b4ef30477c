"""One thread for linear algebra, so that results are reproducible and workers do not collide."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_lock = threading.RLock()


@lru_cache(maxsize=1)
def _controller() -> Any:
    # SciPy may come with a BLAS of its own, which is to be found though nobody has used it yet.
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()  # looks through all libraries of the process: once is enough


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS use one thread inside.

    With more threads sums are split in another way, so the last bits of a suggestion would depend
    on the machine's number of cores; at a few hundred observations one thread is faster too. The
    number is one for the whole process, so threads that enter at once wait for each other:
    whoever sets it undoes it before the next.

    Examples
    --------
    >>> with one_thread():
    ...     pass
    """
    with _lock, _controller().limit(limits=1, user_api="blas"):
        yield


def libraries() -> str:
    """Name the libraries for linear algebra, their versions and the kernels they have chosen."""
    found = {
        f"{each['internal_api']} {each['version']} {each.get('architecture', '')}".strip()
        for each in _controller().info()
        if each["user_api"] == "blas"
    }
    return ", ".join(sorted(found))
