"""Decides which jobs to submit and to cancel, from what queue and scheduler show. Pure.

It has no clock and asks nobody: it is told what is seen, and when.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from phsx.clusters.queue import ENDED, PENDING, RUNNING, Entry, Look

#: Seconds that a running job may be without a worker: until its first, and later.
STARTING, SILENT = 300.0, 60.0
#: So many jobs may end before their worker has registered, one after the other, while none works.
FAILED_STARTS = 5
#: Seconds after which a job has done its service: its loss is not counted.
SERVICE = 600.0
#: Seconds before the walltime at which a job's end is its walltime.
PUNCTUAL = 15.0
#: Seconds for which refused submissions are tried again while no job is left.
REFUSED = 600.0
#: Seconds between submissions after failures: doubled up to the limit.
BACKOFF, BACKOFF_LIMIT = 1.0, 60.0
#: Reasons for which Slurm lets a job wait that do not pass by waiting.
LASTING = re.compile(
    r"PartitionConfig|PartitionTimeLimit|BadConstraints|MaxWall|PerJob|Invalid|NotAllowed"
)
#: Seconds after which waiting jobs are mentioned, and mentioned again.
MENTION, MENTION_AGAIN = 20.0, 900.0


@dataclass
class Job:
    """What is known of a job.

    Attributes
    ----------
    name : str
        Of its worker.
    id : str
        In the queue.
    submitted : float
    started, registered, left : float or None
        When it was first seen running; when its first worker came; since when it has none.
    cancelled : bool
        Whether we have cancelled it.
    state, reason : str
        As the queue showed it last.
    """

    name: str
    id: str
    submitted: float
    started: float | None = None
    registered: float | None = None
    left: float | None = None
    cancelled: bool = False
    state: str = ""
    reason: str = ""

    @property
    def works(self) -> bool:
        """Whether it has a worker."""
        return self.registered is not None and self.left is None


@dataclass
class Decision:
    """What is to be done now.

    Attributes
    ----------
    submit : int
        How many jobs to submit.
    cancel : list of str
        Ids of jobs to cancel.
    notes : list of str
        What the user should know.
    failure : str or None
        Why there is no point in going on.
    ended : list of Job
        Jobs that have ended since the last decision.
    """

    submit: int = 0
    cancel: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failure: str | None = None
    ended: list[Job] = field(default_factory=list)


class Keeper:
    """Keeps as many jobs as are wanted.

    Parameters
    ----------
    jobs : (int, int)
        The fewest and the most.
    slots : int
        Trials at once in each.
    replacements : int
        How many jobs may be lost before their time.
    walltime : float or None
        In s.
    blind : bool
        Whether the queue cannot be looked at, so that workers alone tell.
    """

    def __init__(
        self,
        jobs: tuple[int, int],
        slots: int = 1,
        replacements: int = 16,
        walltime: float | None = None,
        *,
        blind: bool = False,
    ) -> None:
        self._fewest, self._most = jobs
        self._slots = slots
        self._replacements = replacements
        self._walltime = walltime
        self._blind = blind
        self.jobs: dict[str, Job] = {}
        self.lost = self.submitted = 0
        self._failed_starts = self._refusals = 0
        self._not_before = -math.inf
        self._refused_since: float | None = None
        self._refusal = ""
        self._mentioned = -math.inf
        self._mention = ""
        self._failed_log: Job | None = None

    @property
    def elastic(self) -> bool:
        """Whether their number follows the trials."""
        return self._fewest < self._most

    # ------------------------------------------------------------ what is told

    def accepted(self, name: str, number: str, now: float) -> None:
        """Note that a job was submitted."""
        self.jobs[name] = Job(name, number, now)
        self.submitted += 1
        self._refused_since, self._refusals = None, 0

    def refused(self, reason: str, now: float) -> None:
        """Note that a job could not be submitted."""
        if self._refused_since is None:
            self._refused_since = now
        self._refusal = reason
        self._refusals += 1
        self._not_before = now + _backoff(self._refusals)

    def release(self, names: Collection[str]) -> list[str]:
        """Give up jobs that are of no more use; return the ids of those to be cancelled."""
        found = [job for job in self.jobs.values() if job.name in names and not job.cancelled]
        for job in found:
            job.cancelled = True
        return [job.id for job in found]

    # ------------------------------------------------------------ what follows

    def decide(
        self, now: float, workers: Collection[str], look: Look | None, need: int | None = None
    ) -> Decision:
        """Return what is to be done.

        Parameters
        ----------
        now : float
            In s, of the same clock as `look.asked`.
        workers : collection of str
            Names of the jobs that have a worker.
        look : Look or None
            What the queue shows; None where nothing new is known.
        need : int or None
            How many trials could run now at most; None where that is not known.
        """
        decision = Decision()
        for job in list(self.jobs.values()):
            self._see_worker(job, job.name in workers, now)
            if look is not None and look.asked > job.submitted:
                self._see_queue(job, look.entries.get(job.id), now)
            if self._over(job, now):
                del self.jobs[job.name]
                decision.ended.append(job)
                self._judge(job, now, decision)
            elif not job.cancelled and (reason := self._hangs(job, now)):
                job.cancelled = True
                decision.cancel.append(job.id)
                decision.notes.append(reason)
                self._lose(job, now)
        self._scale(now, need, decision)
        self._mention_waiting(now, decision)
        decision.failure = self._failure(now)
        return decision

    def _see_worker(self, job: Job, there: bool, now: float) -> None:
        if there:
            if job.registered is None:
                job.registered = now
                self._failed_starts = 0
            job.left = None
            job.state = RUNNING
            job.started = job.started or now
        elif job.works:
            job.left = now

    def _see_queue(self, job: Job, entry: Entry | None, now: float) -> None:
        if entry is None:
            job.state = "COMPLETED"
            return
        job.state, job.reason = entry.state, entry.reason
        if entry.state == RUNNING and job.started is None:
            job.started = now
        elif entry.state == PENDING and not job.works:
            # Put back into the queue, after its node was lost.
            job.started = job.registered = job.left = None

    def _over(self, job: Job, now: float) -> bool:
        if job.state in ENDED:
            return True
        silent = job.left is not None and now - job.left > SILENT
        return self._blind and (silent or (job.cancelled and not job.works))

    def _hangs(self, job: Job, now: float) -> str | None:
        if job.left is not None and now - job.left > SILENT:
            return f"job {job.id} has had no worker for {SILENT:g} s: another one takes its place"
        if job.started is None or job.registered is not None or now - job.started < STARTING:
            return None
        return (
            f"job {job.id} has been running for {STARTING:g} s, and its worker has not come: see "
            f"its log; perhaps the nodes cannot reach this host (interface= names the network)"
        )

    def _judge(self, job: Job, now: float, decision: Decision) -> None:
        """Count a job's end, unless it was meant to end."""
        if job.cancelled:
            return
        end = None
        if job.started is not None and self._walltime is not None:
            end = job.started + self._walltime
        if job.registered is not None and end is not None and now >= end - PUNCTUAL:
            return
        if job.registered is not None and now - job.registered >= SERVICE:
            return
        self._lose(job, now)
        when = "" if job.registered is not None else " before its worker had registered"
        decision.notes.append(f"job {job.id} has ended{when}")

    def _lose(self, job: Job, now: float) -> None:
        self.lost += 1
        if job.registered is None:
            self._failed_starts += 1
            self._failed_log = job
            self._not_before = max(self._not_before, now + _backoff(self._failed_starts))

    def _live(self) -> list[Job]:
        return [job for job in self.jobs.values() if not job.cancelled]

    def _scale(self, now: float, need: int | None, decision: Decision) -> None:
        live = self._live()
        least = self._fewest if self.elastic else 0
        useful = self._most if need is None else min(self._most, -(-need // self._slots))
        wanted = max(useful, least)
        if len(live) < wanted:
            may = self.lost <= self._replacements and now >= self._not_before
            # Those that are on their way out still count: the user's limit is for the queue.
            decision.submit = max(0, wanted - len(self.jobs)) if may else 0
            if self._failed_starts or self._refusals:
                decision.submit = min(decision.submit, 1)  # until one has come
        elif self.elastic:
            waiting = [job for job in live if not job.works]
            for job in waiting[::-1][: len(live) - wanted]:
                job.cancelled = True
                decision.cancel.append(job.id)

    def idle(self, need: int) -> int:
        """Return how many working jobs are more than an elastic pool needs."""
        if not self.elastic:
            return 0
        return max(0, len(self._live()) - max(-(-need // self._slots), self._fewest))

    def _mention_waiting(self, now: float, decision: Decision) -> None:
        waiting = [job for job in self._live() if job.state == PENDING]
        if any(job.works for job in self.jobs.values()) or not waiting:
            return
        if min(now - job.submitted for job in waiting) < MENTION:
            return
        reasons = Counter(job.reason or "no reason given" for job in waiting)
        text = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
        if text == self._mention and now - self._mentioned < MENTION_AGAIN:
            return
        self._mention, self._mentioned = text, now
        jobs = "1 job is" if len(waiting) == 1 else f"{len(waiting)} jobs are"
        cure = "; that does not pass by waiting: interrupt, and ask for something else"
        lasting = cure if LASTING.search(text) else ""
        decision.notes.append(f"{jobs} waiting in the queue, which says: {text}{lasting}")

    def _failure(self, now: float) -> str | None:
        live = self._live()
        if self._failed_starts >= FAILED_STARTS and not any(job.works for job in live):
            return f"{self._failed_starts} jobs in a row ended before their worker had registered"
        if live:
            return None
        if self.lost > self._replacements:
            return (
                f"{self.lost} jobs were lost before their time, and replacements="
                f"{self._replacements} are spent"
            )
        if self._refused_since is not None and now - self._refused_since > REFUSED:
            return f"no job could be submitted for {REFUSED:g} s: {self._refusal}"
        return None

    @property
    def failed_job(self) -> Job | None:
        """The job that was the last to end before its worker had registered."""
        return self._failed_log


def _backoff(failures: int) -> float:
    return float(min(BACKOFF * 2.0 ** (min(failures, 20) - 1), BACKOFF_LIMIT))
