"""The workers of one run as jobs of a queue system: a scheduler here, and a thread for the jobs."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from phsx.clusters.batch import Batch
from phsx.clusters.credentials import ClusterDirectory
from phsx.clusters.job_pool import JobPool
from phsx.clusters.job_template import job_name
from phsx.clusters.queue import OtherQueue, Queue, SlurmQueue
from phsx.clusters.scheduler import check, open_cluster
from phsx.clusters.shares import shares
from phsx.clusters.watch import Watch
from phsx.exceptions import ClusterError
from phsx.execution.resources import NOTHING, Resources, covers, spelled

logger = logging.getLogger(__name__)

#: Seconds between two rounds, and after one that has failed.
ROUND, AGAIN = 0.25, 10.0
#: Seconds that cancelled jobs are given to leave the queue.
LEAVING = 20.0


class Provision:
    """Keeps the jobs of a run; made by `open`.

    Parameters
    ----------
    batches : sequence of Batch
        One for each kind of jobs; all of their workers have the same scheduler.
    directory : Path
        The experiment's; the nodes have to see it.
    """

    def __init__(self, batches: Sequence[Batch], directory: Path) -> None:
        self._batches = batches
        self._files = ClusterDirectory(_shared(batches[0], directory))
        self._directory = directory
        self._pools: list[JobPool] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._remembered: dict[str, str] = {}
        self.cluster: Any = None
        self._queue: Queue = SlurmQueue()
        self._watch = Watch(self._queue, min(batch.poll for batch in batches))

    # ------------------------------------------------------------ beginning and end

    def open(self) -> None:
        """Start the scheduler and submit the first job of each kind; the others follow.

        Of several kinds, those of which there may be none are only checked.

        Raises
        ------
        ClusterError
            The scheduler cannot be started, or the queue system refuses the job, in its words.
        """
        try:
            self._cancel_stale()
            self._make_directory()
            self._open_cluster()
            for pool in self._pools:
                pool.begin(sure=len(self._pools) == 1)
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
        security = self._files.security() if self._batches[0].tls else None
        found = security.get_tls_config_for_role("worker") if security else {}
        tls = {key: value for key, value in found.items() if key in {"ca_file", "cert", "key"}}
        logs = self._directory / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        for number, batch in enumerate(self._batches):
            name = job_name(self._directory, number)
            label = batch.system
            if len(self._batches) > 1:
                label = f"{name} ({batch.queue or batch.system})"
            pool = JobPool(batch, name, label, logs, tls, self._stop, self._remember)
            self._pools.append(pool)
        options: dict[str, Any] = {}
        for pool in self._pools:  # the first that says something is believed
            options = pool.template.scheduler_options | options
        workers = sum(batch.jobs[1] * batch.slots for batch in self._batches)
        try:
            self.cluster = open_cluster(
                job_name(self._directory),
                workers,
                options,
                security,
                log_directory=logs,
                silence_logs=self._batches[0].options.get("silence_logs", logging.ERROR),
            )
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise ClusterError(
                f"the scheduler cannot be started here: {error}; see interface= and "
                f"scheduler_options="
            ) from error
        scheduler = self.cluster.scheduler
        address = getattr(scheduler, "contact_address", None) or scheduler.address
        for pool in self._pools:
            pool.connect(self._queue_of(pool), address)

    def _queue_of(self, pool: JobPool) -> Queue:
        if pool.batch.system == "slurm":
            return self._queue
        command = pool.template.job_class.cancel_command
        return OtherQueue(command, self.cluster.loop.asyncio_loop)

    def _cancel_stale(self) -> None:
        """Cancel what a run has left behind that was killed."""
        jobs = self._files.stale_jobs()
        if not jobs or not self._on_slurm:
            return
        look = self._queue.look(time.monotonic())
        left = [] if look is None else [number for number in jobs if look.there(number)]
        left = [number for number in left if look and look.entries[number].name == jobs[number]]
        if left:
            logger.warning("%d jobs of a run that was killed are cancelled", len(left))
            self._queue.cancel(left)

    @property
    def _on_slurm(self) -> bool:
        return any(batch.system == "slurm" for batch in self._batches)

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
        """Cancel what there is, and wait until it has left the queue, where that can be seen."""
        watched: set[str] = set()
        for pool in self._pools:
            pool.cancel()
            if pool.batch.system == "slurm":
                watched |= pool.ids.keys()
        deadline = time.monotonic() + LEAVING
        while watched and time.monotonic() < deadline:
            look = self._queue.look(time.monotonic())
            if look is None or not any(look.there(number) for number in watched):
                return
            time.sleep(ROUND)

    # ------------------------------------------------------------ for the executor

    def need(
        self, trials: int | None, asked: Sequence[Resources] = (), common: Resources = NOTHING
    ) -> None:
        """Tell how many trials could run now at most, and what they ask for; see `shares`.

        Raises
        ------
        ClusterError
            One asks for what only jobs have that cannot be had any more.
        """
        self.check()
        living = [pool for pool in self._pools if pool.failure is None]
        offers = [pool.batch.offer for pool in living]
        if len(living) < len(self._pools):
            self._check_left(offers, [*asked, common])
        for pool, share in zip(living, shares(offers, trials, asked, common), strict=True):
            pool.need(share)

    def _check_left(self, offers: Sequence[Resources], asked: Iterable[Resources]) -> None:
        for one in asked:
            if not any(covers(offer, one) for offer in offers):
                lament = "\n".join(pool.failure for pool in self._pools if pool.failure)
                raise ClusterError(f"no jobs are left with {spelled(one)}.\n{lament}")

    def release(self, worker: str) -> None:
        """Give up the job of a worker (by its address), which runs nothing any more."""
        found = self._workers().get(worker)
        if found is not None:
            found[0].release(worker)

    def spare(self, idle: Iterable[str]) -> None:
        """Give up jobs that elastic pools no longer need, of those that run nothing."""
        workers, free = self._workers(), set(idle)
        for pool in self._pools:
            pool.spare([w for w, (its, _) in workers.items() if its is pool and w in free])

    def ended_from_outside(self, worker: str, since: float) -> bool | None:
        """Tell whether a worker died because its job was ended; see `Watch`."""
        return self._watch.ended_from_outside(worker, since)

    def check(self) -> None:
        """Raise what makes it pointless to go on."""
        if self.cluster is not None:
            check(self.cluster)
        failures = [pool.failure for pool in self._pools]
        if failures and all(failures):
            raise ClusterError("\n".join(map(str, failures)))

    # ------------------------------------------------------------ the jobs' thread

    def _work(self) -> None:
        while not self._stop.wait(ROUND):
            try:
                self._round()
            except Exception:  # whatever it is, the jobs are still to be kept
                logger.exception("a look at the jobs failed")
                self._stop.wait(AGAIN)

    def _workers(self) -> dict[str, tuple[JobPool, str]]:
        """Return the pool and the job's name of every worker, by address."""
        pools = {name: pool for pool in self._pools for name in list(pool.keeper.jobs)}
        found = {}
        for address, info in dict(self.cluster.scheduler_info.get("workers", {})).items():
            name = str(info.get("name"))
            job = name if name in pools else name.rpartition("-")[0]
            if job in pools:
                found[address] = pools[job], job
        return found

    def _round(self) -> None:
        workers = self._workers()
        on_slurm = {w: found for w, found in workers.items() if found[0].batch.system == "slurm"}
        self._watch.see({w: pool.keeper.jobs[name].id for w, (pool, name) in on_slurm.items()})
        look = self._watch.look() if self._on_slurm else None
        for pool in self._pools:
            if pool.failure is not None:
                continue
            its = {worker: name for worker, (one, name) in workers.items() if one is pool}
            self._watch.soon |= pool.round(its, look if pool.batch.system == "slurm" else None)
            if pool.failure is not None and len(self._pools) > 1:
                logger.warning("%s\nThe search goes on with the other jobs.", pool.failure)
        self._remember()

    def _remember(self) -> None:
        """Note which jobs there are, for the next run, should this one be killed."""
        jobs = {number: name for pool in self._pools for number, name in pool.ids.items()}
        if jobs != self._remembered:
            with contextlib.suppress(OSError):  # of use after a crash only
                self._files.remember(jobs)
                self._remembered = jobs


def _shared(batch: Batch, directory: Path) -> Path:
    """Return below which directory the nodes find the credentials."""
    chosen = batch.options.get("shared_temp_directory")
    return directory if chosen is None else Path(str(chosen)).expanduser() / job_name(directory)
