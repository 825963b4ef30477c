"""The time that a run has whose master is in a batch job; and who goes on when it is over."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from phsx.clusters.deadline import MARGIN
from phsx.clusters.own_job import job_here
from phsx.clusters.queue import SlurmQueue
from phsx.exceptions import PhsxError
from phsx.execution.remaining import remaining
from phsx.experiment.submission import Submission
from phsx.master.master import Master

logger = logging.getLogger(__name__)

#: Seconds before the end of a job for closing everything, and of a short job this share.
CLOSING, SHARE = 30.0, 0.1
#: At most this share of a job's time is for waiting for trials that run.
DRAINING = 0.25
#: A trial that ran for this share of it, while none has ended, will not end in another one either.
HOPELESS = 0.5


class Shift:
    """When a run has to stop, so that it ends before its job does.

    The last trials get the time that trials take, by what is known of them; no new ones begin then.

    Parameters
    ----------
    directory : Path
        The experiment's.
    job : str
        The id of the job that this process is in.
    seconds : float
        How many the job has left.
    ended : int
        Trials that have ended before.
    clock : callable
        Returns seconds.

    Examples
    --------
    >>> now = 0.0
    >>> shift = Shift(Path("somewhere"), "7", 1000.0, clock=lambda: now)
    >>> shift.due(needed=60.0)
    >>> now = 910.0
    >>> shift.due(needed=60.0)
    60.0
    """

    def __init__(
        self,
        directory: Path,
        job: str,
        seconds: float,
        ended: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._directory = directory
        self._job = job
        self._seconds = seconds
        self._ended = ended
        self._clock = clock
        self._end = clock() + seconds
        self._closing = min(CLOSING, SHARE * seconds)
        self._thread: threading.Thread | None = None
        self._relief: Submission | None = None
        self.over = False
        self.reason = f"the walltime of job {job} ends"

    @classmethod
    def here(cls, directory: Path, ended: int = 0) -> Shift | None:
        """Return the shift of this process; None outside of jobs, and in one without an end."""
        job = job_here()
        if job is None:
            return None
        seconds = remaining(os.environ, time.time())
        if seconds is None:
            seconds = SlurmQueue().left(job)
        return None if seconds is None else cls(directory, job, seconds, ended)

    def due(self, needed: float | None) -> float | None:
        """Return, once, for how many seconds trials may still run; None as long as all is well.

        Parameters
        ----------
        needed : float or None
            What trials need until they have ended, or saved a checkpoint, in s; None where nobody
            knows.
        """
        left = self._end - self._clock()
        draining = 0.0 if needed is None else needed + MARGIN
        draining = min(draining, DRAINING * self._seconds)
        if self.over or left > self._closing + draining:
            return None
        self.over = True
        return max(0.0, left - self._closing)

    def tick(self, master: Master, ended: int) -> None:
        """Stop the master when it is time to, and have another job go on; to be called often.

        `ended` is how many trials have ended in all.
        """
        left = self.due(master.stopping(self._seconds))
        if left is None:
            return
        ran = master.longest
        master.stop(self.reason, left)
        if ended == self._ended and ran > HOPELESS * self._seconds:
            logger.warning(
                "no trial has ended in the %.0f s that job %s had, though one ran for %.0f s: the "
                "search is not submitted again; submit it with a longer walltime, or let trials "
                "save checkpoints",
                self._seconds,
                self._job,
                ran,
            )
        else:
            self.hand_over()

    # ------------------------------------------------------------ who goes on

    def hand_over(self) -> None:
        """Submit the job that goes on when this one has ended; in a thread, for it may take long.

        Before anything is closed: should this job not end in time, the other one is there.
        """
        self._thread = threading.Thread(target=self._submit, name="phsx-relief", daemon=True)
        self._thread.start()

    def _submit(self) -> None:
        submission = Submission.load(self._directory)
        if submission is None or submission.job != self._job:
            return  # somebody's own job
        try:
            self._relief = submission.queue(after=self._job)
        except PhsxError as error:
            logger.warning(
                "the search cannot be submitted again from here; `phsx submit %s` goes on: %s",
                self._directory,
                error,
            )
        else:
            logger.warning("job %s goes on when job %s has ended", self._relief.job, self._job)

    def close(self, *, wanted: bool) -> None:
        """See to it that another job goes on if, and only if, that is wanted."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        # What ends this job at its very end is the queue system, and nobody's wish.
        if self._relief is not None and not wanted and self._clock() < self._end:
            self._relief.cancel()
            self._relief = None
