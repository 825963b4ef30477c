"""An attack that goes on beside a search, at seeded moments."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable


class Attack:
    """Calls a function again and again, in a thread, until the `with` block ends.

    Parameters
    ----------
    action : callable
        Gets a `random.Random`; returns a word on what it has done, or None for nothing.
    every : float
        Seconds between two calls, on average: half as long to one and a half times as long.
    seed : int
        Decides the moments, and what `action` draws.
    times : int, optional
        When so much is done the attack is over.

    Attributes
    ----------
    done : list of str
        What was done.
    """

    def __init__(
        self,
        action: Callable[[random.Random], str | None],
        every: float,
        seed: int,
        times: int | None = None,
    ) -> None:
        self.done: list[str] = []
        self._action = action
        self._every = every
        self._times = times
        self._rng = random.Random(seed)
        self._over = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._work, name="attack", daemon=True)

    def _work(self) -> None:
        try:
            while len(self.done) != self._times and not self._over.wait(
                self._every * self._rng.uniform(0.5, 1.5)
            ):
                word = self._action(self._rng)
                if word is not None:
                    self.done.append(word)
        except Exception as error:
            self._error = error

    def __enter__(self) -> Attack:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        if self._error is not None and error[0] is None:
            raise self._error
