"""What a worker has for the trials that are placed on it: how long it lives, and what it has."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import NamedTuple

import distributed
import psutil

from phsx.execution.remaining import remaining
from phsx.execution.resources import Resources


class Offer(NamedTuple):
    """What a worker has.

    Attributes
    ----------
    left : float or None
        Seconds until it ends, which is a duration since the clocks of two machines differ; None
        where no end is known.
    resources : Resources
        What it declares as Dask's resources, such as ``{"GPU": 2}``.
    packages : mapping of str to (str or None)
        Those that are not as the master has them, with their version; None where one is missing.
    """

    left: float | None
    resources: Resources
    packages: Mapping[str, str | None]


def offer_here(packages: Mapping[str, str | None]) -> Offer:
    """Return what the worker has that runs this task."""
    worker = distributed.get_worker()
    left = [
        remaining(os.environ, time.time()),
        lifetime_left(worker.lifetime, time.time() - psutil.Process().create_time()),
    ]
    known = [seconds for seconds in left if seconds is not None]
    return Offer(min(known, default=None), dict(worker.state.total_resources), packages)


def lifetime_left(lifetime: float | None, age: float) -> float | None:
    """Return how many seconds are left of the lifetime that a worker of Dask was given.

    A worker does not tell when it began, but its process does. Where that is somebody's who has
    started the worker later, nothing is known.

    Examples
    --------
    >>> lifetime_left(60.0, 10.0), lifetime_left(None, 10.0), lifetime_left(60.0, 100.0)
    (50.0, None, None)
    """
    if lifetime is None or age > lifetime:
        return None
    return lifetime - age
