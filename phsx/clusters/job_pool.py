"""Jobs of one kind: those that a run wants of a queue system by one description."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from phsx.clusters.batch import Batch
from phsx.clusters.diagnosis import diagnose
from phsx.clusters.job_template import JobTemplate
from phsx.clusters.keeper import Decision, Keeper
from phsx.clusters.queue import Look, Queue, tail
from phsx.clusters.shares import Share
from phsx.exceptions import ClusterError

logger = logging.getLogger(__name__)


class JobPool:
    """Submits jobs of one kind and gives them up, as its keeper says.

    Parameters
    ----------
    batch : Batch
    name : str
        Of the jobs, in the queue; the names of workers begin with it.
    label : str
        How it is called in messages.
    logs : Path
        Where each job writes what it has to say.
    tls : mapping
        Files with the credentials of a worker; empty for plain text.
    stop : threading.Event
        Set when no more jobs are to be submitted.
    submitted : callable
        Called after each submission.
    """

    def __init__(
        self,
        batch: Batch,
        name: str,
        label: str,
        logs: Path,
        tls: dict[str, str],
        stop: threading.Event,
        submitted: Callable[[], object],
    ) -> None:
        self.batch = batch
        self.name = name
        self.label = label
        self.template = JobTemplate(batch, name, logs, tls)
        self.keeper = Keeper(
            batch.jobs,
            batch.slots,
            batch.replacements,
            batch.walltime_seconds,
            blind=batch.system != "slurm",
        )
        self.failure: str | None = None
        self._stop = stop
        self._submitted = submitted
        self._queue: Queue
        self._scheduler = ""
        self._lock = threading.Lock()
        # For how many trials, before any is known of.
        self._share = Share(0, None) if self.keeper.elastic else Share(None, None)
        self._released: set[str] = set()

    def connect(self, queue: Queue, scheduler: str) -> None:
        """Say where jobs are submitted, and the address at which their workers report."""
        self._queue, self._scheduler = queue, scheduler

    # ------------------------------------------------------------ what the master wants

    def need(self, share: Share) -> None:
        """Tell for how many trials jobs are wanted."""
        self._share = share

    def release(self, worker: str) -> None:
        """Give up the job of a worker (by its address), which runs nothing any more."""
        with self._lock:
            self._released.add(worker)

    def spare(self, idle: Sequence[str]) -> None:
        """Give up jobs that an elastic pool no longer needs, of those that run nothing."""
        if self._share.possible is None:
            return
        with self._lock:
            spare = self.keeper.idle(self._share.possible)
            self._released.update(idle[: spare * self.batch.slots])

    # ------------------------------------------------------------ in the jobs' thread

    def round(self, workers: Mapping[str, str], look: Look | None) -> bool:
        """Submit and cancel what is due; tell whether the queue should be looked at soon.

        Not to be called any more once there is a failure.

        Parameters
        ----------
        workers : mapping of str to str
            The job's name of each worker of this pool, by its address.
        look : Look or None
            What the queue shows; None where nothing new is known.
        """
        now, share = time.monotonic(), self._share
        need = share.best if self.keeper.elastic else share.possible
        with self._lock:
            cancel = self.keeper.release(self._spent(workers))
            here = frozenset(workers.values())
            decision = self.keeper.decide(now, here, look, need)
        for note in decision.notes:
            logger.warning("%s: %s", self.label, note)
        cancel += decision.cancel
        if cancel:
            self._queue.cancel(cancel)
        if decision.failure is not None:
            self.failure = self._explain(decision.failure)
            self.cancel()
            return False
        return bool(cancel) or self._submit_due(decision)

    def _submit_due(self, decision: Decision) -> bool:
        for _ in range(decision.submit):
            if self._stop.is_set():
                break
            try:
                self._submit()
            except ClusterError as error:
                self.keeper.refused(str(error), time.monotonic())
                logger.warning("%s: a job is refused, and is tried again: %s", self.label, error)
                break
        return bool(decision.submit and self.keeper.lost)

    def _spent(self, workers: Mapping[str, str]) -> list[str]:
        """Return the jobs all of whose workers are released."""
        self._released &= workers.keys()
        held = {job for worker, job in workers.items() if worker not in self._released}
        return [job for job in {workers[worker] for worker in self._released} if job not in held]

    def begin(self, *, sure: bool) -> None:
        """Submit the first job; or only have it checked, where it is not sure that any is needed.

        Raises
        ------
        ClusterError
            The queue system refuses it, in its words.
        """
        try:
            if sure or self.batch.jobs[0] > 0:
                self._share = Share(self.batch.slots, None) if self.keeper.elastic else self._share
                self._submit()
            else:
                self._queue.test(self._job(f"{self.name}-0"))
        except ClusterError as error:
            raise ClusterError(f"{self.label}: {error}") from error

    def _submit(self) -> None:
        name = f"{self.name}-{self.keeper.submitted}"
        number = self._queue.submit(self._job(name))
        self.keeper.accepted(name, number, time.monotonic())
        self._submitted()

    def _job(self, name: str) -> Any:
        return self.template.job(self._scheduler, name)

    def cancel(self) -> None:
        """Cancel all jobs."""
        if self.keeper.jobs:
            self._queue.cancel(self.ids)

    @property
    def ids(self) -> dict[str, str]:
        """The name in the queue of each job, by its id."""
        return {job.id: self.template.name for job in self.keeper.jobs.values()}

    def _explain(self, failure: str) -> str:
        job = self.keeper.failed_job
        path = None if job is None else self.template.log(job.id)
        said = tail(path)
        if not said:
            return f"{self.label}: {failure}; see the logs of the jobs"
        cure = diagnose(said)
        text = f"{self.label}: {failure}; the last one wrote into {path}:\n{said}"
        return text if cure is None else f"{text}\nProbably {cure}"
