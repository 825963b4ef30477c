"""The workers of one run as jobs of a queue system: a scheduler here, and a thread for the jobs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dask

from phsx.clusters.batch import Batch
from phsx.clusters.credentials import ClusterDirectory
from phsx.clusters.descriptors import allow_workers
from phsx.clusters.diagnosis import diagnose
from phsx.clusters.job_template import JobTemplate, job_name
from phsx.clusters.keeper import Keeper
from phsx.clusters.local import SCHEDULER_SETTINGS
from phsx.clusters.queue import Look, OtherQueue, Queue, SlurmQueue, tail
from phsx.exceptions import ClusterError
from phsx.execution.resources import Resources

logger = logging.getLogger(__name__)

#: Seconds between two rounds, and at least between two looks at the queue.
ROUND, LOOK_SOON = 0.25, 1.0
#: Seconds that cancelled jobs are given to leave the queue.
LEAVING = 20.0


class Provision:
    """Keeps the jobs of a run; made by `open`.

    Parameters
    ----------
    batch : Batch
    directory : Path
        The experiment's; the nodes have to see it.
    """

    def __init__(self, batch: Batch, directory: Path) -> None:
        self._batch = batch
        self._files = ClusterDirectory(_shared(batch, directory))
        self._name = job_name(directory)
        self._logs = directory / "logs"
        self._keeper = Keeper(
            batch.jobs,
            batch.slots,
            batch.replacements,
            batch.walltime_seconds,
            blind=batch.system != "slurm",
        )
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._need: int | None = None
        self._released: set[str] = set()
        self._looked = -1e9
        self._before: frozenset[str] = frozenset()
        self._look_soon = True
        self._last_look: Look | None = None
        self._jobs_of: dict[str, str] = {}
        self.failure: str | None = None
        self.cluster: Any = None
        self._queue: Queue

    # ------------------------------------------------------------ beginning and end

    def open(self) -> None:
        """Start the scheduler and submit the first job; the others follow.

        Raises
        ------
        ClusterError
            The scheduler cannot be started, or the queue system refuses the job, in its words.
        """
        allow_workers(self._batch.jobs[1] * self._batch.slots)
        try:
            self._cancel_stale()
            self._make_directory()
            self._open_cluster()
            self._submit()
        except BaseException:
            self.close()
            raise
        self._thread = threading.Thread(target=self._work, name="phsx-jobs", daemon=True)
        self._thread.start()

    def _make_directory(self) -> None:
        try:
            self._files.make()
        except OSError as error:
            raise ClusterError(
                f"{self._files.path} cannot be made ({error.strerror}); the workers find their "
                f"credentials there"
            ) from error

    def _open_cluster(self) -> None:
        batch = self._batch
        security = self._files.security() if batch.tls else None
        tls = security.get_tls_config_for_role("worker") if security else {}
        self._template = JobTemplate(
            batch,
            self._name,
            self._logs,
            {key: value for key, value in tls.items() if key in {"ca_file", "cert", "key"}},
        )
        self._logs.mkdir(parents=True, exist_ok=True)
        try:
            with dask.config.set(SCHEDULER_SETTINGS):
                self.cluster = self._template.cluster_class(
                    security=security,
                    scheduler_options=self._template.scheduler_options,
                    silence_logs=batch.options.get("silence_logs", logging.ERROR),
                    name=self._name,
                    **(self._template.keywords | {"protocol": "tls://" if security else None}),
                )
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise ClusterError(
                f"the scheduler cannot be started here: {error}; see interface= and "
                f"scheduler_options="
            ) from error
        if batch.system == "slurm":
            self._queue = SlurmQueue()
        else:
            loop = self.cluster.loop.asyncio_loop
            self._queue = OtherQueue(self._template.job_class.cancel_command, loop)

    def _cancel_stale(self) -> None:
        """Cancel what a run has left behind that was killed."""
        name, ids = self._files.stale_jobs()
        if not ids or self._batch.system != "slurm":
            return
        queue = SlurmQueue()
        look = queue.look(time.monotonic())
        left = [] if look is None else [number for number in ids if look.there(number)]
        left = [number for number in left if look and look.entries[number].name == name]
        if left:
            logger.warning("%d jobs of a run that was killed are cancelled", len(left))
            queue.cancel(left)

    def close(self) -> None:
        """Cancel all jobs, end the scheduler, and remove the credentials."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        try:
            if self.cluster is not None:
                self._cancel_all()
        finally:
            if self.cluster is not None:
                with contextlib.suppress(OSError, RuntimeError, TimeoutError):
                    self.cluster.close(timeout=10)
                self.cluster = None
            self._files.remove()

    def _cancel_all(self) -> None:
        ids = [job.id for job in self._keeper.jobs.values()]
        if not ids:
            return
        self._queue.cancel(ids)
        deadline = time.monotonic() + LEAVING
        while time.monotonic() < deadline:
            look = self._queue.look(time.monotonic())
            if look is None or not any(look.there(number) for number in ids):
                return
            time.sleep(ROUND)

    # ------------------------------------------------------------ for the executor

    @property
    def offers(self) -> list[Resources]:
        """What slots have."""
        return [self._batch.offer]

    def need(self, trials: int | None) -> None:
        """Tell how many trials could run now at most."""
        self._need = trials

    def release(self, worker: str) -> None:
        """Give up the job of a worker (by its address), which runs nothing any more."""
        info = self._workers().get(worker)
        if info is not None:
            with self._lock:
                self._released.add(worker)

    def spare(self, idle: Iterable[str]) -> None:
        """Give up jobs that an elastic pool no longer needs, of those that run nothing."""
        if self._need is None:
            return
        with self._lock:
            for worker in list(idle)[: self._keeper.idle(self._need) * self._batch.slots]:
                self._released.add(worker)

    def ended_from_outside(self, worker: str, since: float) -> bool | None:
        """Tell whether a worker died because its job was ended, by nobody's fault in the search.

        Parameters
        ----------
        worker : str
            Its address.
        since : float
            When its death was noticed, by the monotonic clock.

        Returns
        -------
        bool or None
            None where that is not known: the queue has not been looked at since then, or cannot.
        """
        number = self._jobs_of.get(worker)
        if number is None or self._batch.system != "slurm":
            return None
        look = self._last_look
        verdict = None
        if look is not None and look.asked > since:
            verdict = look.ended_from_outside(number)
        if verdict is None:
            self._look_soon = True
        return verdict

    def check(self) -> None:
        """Raise what makes it pointless to go on."""
        if self.failure is not None:
            raise ClusterError(self.failure)

    # ------------------------------------------------------------ the jobs' thread

    def _work(self) -> None:
        while not self._stop.wait(ROUND):
            try:
                self._round()
            except Exception:  # whatever it is, the jobs are still to be kept
                logger.exception("a look at the jobs failed")
                self._stop.wait(LOOK_SOON * 10)

    def _workers(self) -> dict[str, str]:
        """Return the job's name of every worker, by address."""
        found = {}
        for address, info in dict(self.cluster.scheduler_info.get("workers", {})).items():
            name = str(info.get("name"))
            found[address] = name if name in self._keeper.jobs else name.rpartition("-")[0]
        return found

    def _round(self) -> None:
        workers = self._workers()
        now = time.monotonic()
        for worker, name in workers.items():
            if worker not in self._jobs_of and name in self._keeper.jobs:
                self._jobs_of[worker] = self._keeper.jobs[name].id
        here = frozenset(workers.values())
        if self._before - here:
            self._look_soon = True  # a worker has left: is its job there?
        self._before = here
        every = LOOK_SOON if self._look_soon else self._batch.poll
        look: Look | None = None
        if now - self._looked >= every:
            self._looked, self._look_soon = now, False
            look = self._queue.look(now)
            self._last_look = look or self._last_look
            now = time.monotonic()
        with self._lock:
            spent = self._spent(workers)
            cancel = self._keeper.release(spent)
            decision = self._keeper.decide(now, here, look, self._need)
        for note in decision.notes:
            logger.warning("%s: %s", self._batch.system, note)
        cancel += decision.cancel
        if cancel:
            self._queue.cancel(cancel)
        if cancel or (decision.submit and self._keeper.lost):
            self._look_soon = True
        for _ in range(decision.submit):
            if self._stop.is_set() or not self._try_to_submit():
                break
        if decision.ended or decision.submit:
            self._remember()
        if decision.failure is not None and self.failure is None:
            self.failure = self._explain(decision.failure)

    def _spent(self, workers: dict[str, str]) -> list[str]:
        """Return the jobs all of whose workers are released."""
        self._released &= workers.keys()
        held = {job for worker, job in workers.items() if worker not in self._released}
        return [job for job in {workers[worker] for worker in self._released} if job not in held]

    def _try_to_submit(self) -> bool:
        try:
            self._submit()
        except ClusterError as error:
            self._keeper.refused(str(error), time.monotonic())
            logger.warning(
                "%s: a job is refused, and is tried again: %s", self._batch.system, error
            )
            return False
        return True

    def _submit(self) -> None:
        name = f"{self._name}-{self._keeper.submitted}"
        scheduler = self.cluster.scheduler
        address = getattr(scheduler, "contact_address", None) or scheduler.address
        job = self._template.job(address, name)
        number = self._queue.submit(job)
        self._keeper.accepted(name, number, time.monotonic())
        self._remember()

    def _remember(self) -> None:
        with contextlib.suppress(OSError):  # of use after a crash only
            self._files.remember(
                self._template.name, [job.id for job in self._keeper.jobs.values()]
            )

    def _explain(self, failure: str) -> str:
        job = self._keeper.failed_job
        path = None if job is None else self._template.log(job.id)
        said = tail(path)
        if not said:
            return f"{self._batch.system}: {failure}; see the logs of the jobs"
        cure = diagnose(said)
        text = f"{self._batch.system}: {failure}; the last one wrote into {path}:\n{said}"
        return text if cure is None else f"{text}\nProbably {cure}"


def _shared(batch: Batch, directory: Path) -> Path:
    """Return below which directory the nodes find the credentials."""
    chosen = batch.options.get("shared_temp_directory")
    return directory if chosen is None else Path(str(chosen)).expanduser() / job_name(directory)
