"""Which trial may start where, on workers that end at a known time. Pure."""

from __future__ import annotations

from collections import deque

from phsx.clusters.deadline import fits, longest
from phsx.master.notice import Notice

#: How many of the newest durations are looked at to foretell the next.
RECENT = 50
#: Seconds around a deadline in which a worker's end is due to it.
PUNCTUAL = 20.0
#: A trial that ran for this share of the longest life of a worker, and was cut, fits into none.
WHOLE_LIFE = 0.8
#: A piece of a trial is begun where there is this many times the notice left.
PIECE = 2.0


class Deadlines:
    """Knows when workers end, and what trials take.

    A trial that saves checkpoints may be run in pieces, each on another worker. While none of a
    search's trials has said that it does, none is: then it has to fit as a whole.

    Parameters
    ----------
    expected : float, optional
        What a trial takes at most, in s; by default foretold from those seen.
    notice : float, optional
        How long before its worker's end a trial is asked to save, in s.

    Examples
    --------
    >>> deadlines = Deadlines(expected=20.0)
    >>> deadlines.join("a", deadline=100.0, now=40.0)
    >>> deadlines.fits(0, "a", now=50.0), deadlines.fits(0, "a", now=80.0)
    (True, False)
    """

    def __init__(self, expected: float | None = None, notice: float | None = None) -> None:
        self._given = expected
        self.notice = Notice(notice)
        self._durations: deque[float] = deque(maxlen=RECENT)
        self._ends: dict[str, float] = {}
        self._lives: dict[str, float] = {}
        self._life = 0.0
        self._needs: dict[int, float] = {}
        self._savers: set[int] = set()

    def join(self, worker: str, deadline: float | None, now: float) -> None:
        """Note when a worker ends; None where that is not known."""
        self._ends.pop(worker, None)
        if deadline is not None:
            self._ends[worker] = deadline
            self._lives[worker] = deadline - now
            self._life = max(self._life, deadline - now)

    def learn(self, duration: float) -> None:
        """Note how many seconds a trial took."""
        self._durations.append(duration)

    def saves(self, trial: int) -> None:
        """Note that a trial saves checkpoints, and can be run in pieces."""
        self._savers.add(trial)

    def in_pieces(self, trial: int) -> bool:
        """Tell whether a trial saves checkpoints."""
        return trial in self._savers

    def stopping(self, life: float) -> float | None:
        """Return how long trials take to stop, in s, where that is known: to save, or to end.

        `life` is what they have in all, in s.
        """
        return self.notice.of(life) if self._savers else self.expected

    @property
    def expected(self) -> float | None:
        """What a trial takes at most, in s; None where nothing is known."""
        return self._given if self._given is not None else longest(self._durations)

    def fits(self, trial: int, worker: str, now: float) -> bool:
        """Tell whether a trial, or a piece of it, is likely to end before its worker does."""
        # Where others save, this one may too, unless it was cut without having done that.
        if trial in self._savers or (self._savers and trial not in self._needs):
            return self._has_time(worker, now)
        return self.fits_whole(trial, worker, now)

    def fits_whole(self, trial: int, worker: str, now: float) -> bool:
        """Tell whether a trial is likely to end before its worker does."""
        expected, need = self.expected, self._needs.get(trial)
        if need is not None:  # it was cut: any longer life may do
            expected = max(expected or 0.0, need)
        return self._fits(expected, worker, now)

    def _has_time(self, worker: str, now: float) -> bool:
        """Tell whether a piece of a trial is worth while on a worker."""
        end = self._ends.get(worker)
        return end is None or end - now >= PIECE * self.notice.of(self._lives[worker])

    def spent(self, worker: str, now: float) -> bool:
        """Tell whether no more trial fits on a worker, nor a piece of one."""
        if self._savers:
            return not self._has_time(worker, now)
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

    def ask_at(self, worker: str) -> float | None:
        """Return when the trials of a worker are to be asked to save; None for never."""
        end = self._ends.get(worker)
        return None if end is None else end - self.notice.of(self._lives[worker])

    def ended_by_it(self, worker: str, now: float) -> bool:
        """Tell whether a worker that ends now does so because of its deadline."""
        end = self._ends.get(worker)
        return end is not None and now >= end - PUNCTUAL

    def cut(
        self, trial: int, worker: str, started: float, now: float, asked: float | None = None
    ) -> str | None:
        """Note that a trial was cut by its worker's deadline, with nothing saved in this attempt.

        Parameters
        ----------
        trial : int
        worker : str
        started, now : float
        asked : float or None
            When it was asked to save, if it was.

        Returns
        -------
        str or None
            Why it is hopeless, if so.
        """
        if trial in self._savers and asked is not None:
            had = self._ends[worker] - asked
            if self.notice.widen(self._lives[worker], had):
                return None
        ran = now - started
        self._needs[trial] = max(ran, self._needs.get(trial, 0.0))
        if ran < WHOLE_LIFE * self._life:
            return None
        cure = "ask for a longer walltime="
        if trial in self._savers:
            cure = f"let it save a checkpoint more often, or {cure}"
        return (
            f"it ran for {ran:.0f} s, and was cut by the walltime of its job, in which a worker "
            f"has {self._life:.0f} s: {cure}"
        )
