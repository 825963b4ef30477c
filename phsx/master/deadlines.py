"""Which trial may start where, on workers that end at a known time. Pure."""

from __future__ import annotations

from collections import deque

from phsx.clusters.deadline import fits, longest

#: How many of the newest durations are looked at to foretell the next.
RECENT = 50
#: Seconds around a deadline in which a worker's end is due to it.
PUNCTUAL = 20.0
#: A trial that ran for this share of the longest life of a worker, and was cut, fits into none.
WHOLE_LIFE = 0.8


class Deadlines:
    """Knows when workers end, and what trials take.

    Parameters
    ----------
    expected : float, optional
        What a trial takes at most, in s; by default foretold from those seen.

    Examples
    --------
    >>> deadlines = Deadlines(expected=20.0)
    >>> deadlines.join("a", deadline=100.0, now=40.0)
    >>> deadlines.fits(0, "a", now=50.0), deadlines.fits(0, "a", now=80.0)
    (True, False)
    """

    def __init__(self, expected: float | None = None) -> None:
        self._given = expected
        self._durations: deque[float] = deque(maxlen=RECENT)
        self._ends: dict[str, float] = {}
        self._life = 0.0
        self._needs: dict[int, float] = {}

    def join(self, worker: str, deadline: float | None, now: float) -> None:
        """Note when a worker ends; None where that is not known."""
        self._ends.pop(worker, None)
        if deadline is not None:
            self._ends[worker] = deadline
            self._life = max(self._life, deadline - now)

    def learn(self, duration: float) -> None:
        """Note how many seconds a trial took."""
        self._durations.append(duration)

    @property
    def expected(self) -> float | None:
        """What a trial takes at most, in s; None where nothing is known."""
        return self._given if self._given is not None else longest(self._durations)

    def fits(self, trial: int, worker: str, now: float) -> bool:
        """Tell whether a trial is likely to end before its worker does."""
        expected, need = self.expected, self._needs.get(trial)
        if need is not None:  # it was cut: any longer life may do
            expected = max(expected or 0.0, need)
        return self._fits(expected, worker, now)

    def spent(self, worker: str, now: float) -> bool:
        """Tell whether no more trial fits on a worker."""
        return not self._fits(self.expected, worker, now)

    def _fits(self, expected: float | None, worker: str, now: float) -> bool:
        end = self._ends.get(worker)
        if end is None:
            return True
        if expected is not None and expected > WHOLE_LIFE * self._life:
            # Only the whole life of a worker can do; and it has to be tried to be known.
            expected = WHOLE_LIFE * self._life
            return end - now >= expected
        return fits(expected, end - now)

    def ended_by_it(self, worker: str, now: float) -> bool:
        """Tell whether a worker that ends now does so because of its deadline."""
        end = self._ends.get(worker)
        return end is not None and now >= end - PUNCTUAL

    def cut(self, trial: int, started: float, now: float) -> str | None:
        """Note that a trial was cut by its worker's deadline; return why it is hopeless, if so."""
        ran = now - started
        self._needs[trial] = max(ran, self._needs.get(trial, 0.0))
        if ran < WHOLE_LIFE * self._life:
            return None
        return (
            f"it ran for {ran:.0f} s, and was cut by the walltime of its job, in which a worker "
            f"has {self._life:.0f} s: ask for a longer walltime="
        )
