"""From what the user gives as `workers=` or `cluster=` to an executor."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phsx.clusters.batch import Batch
from phsx.clusters.gpus import gpus_here, shared
from phsx.exceptions import ClusterError, ConfigurationError
from phsx.execution.base import Executor
from phsx.execution.resources import GPU, Resources, covers, lacking

if TYPE_CHECKING:
    from distributed import Client

#: Seconds to wait for a scheduler at an address.
CONNECT_TIMEOUT = 30


def check_pool(workers: Any, cluster: Any) -> None:
    """Check what can be checked of `workers=` and `cluster=` without connecting anywhere.

    Raises
    ------
    ConfigurationError
    """
    if workers is not None:
        if isinstance(workers, bool) or not hasattr(workers, "__index__") or int(workers) < 1:
            raise ConfigurationError(f"workers={workers!r}: give a whole number of at least 1")
        if cluster is not None:
            raise ConfigurationError(
                "workers= and cluster= were both given: workers= starts local processes; "
                "the size of a cluster is its own affair, so leave workers= out"
            )
    if isinstance(cluster, (list, tuple)):
        _check_pools(cluster)
        return
    if cluster is None or isinstance(cluster, (str, Executor, Batch)):
        return
    if not hasattr(cluster, "asynchronous"):
        raise ConfigurationError(
            f"cluster={cluster!r}: give 'inline', the address of a Dask scheduler such as "
            f"'tls://host:8786', phsx.slurm(...), a distributed.Client, or a cluster object"
        )
    if cluster.asynchronous:
        raise ConfigurationError(
            f"cluster=: an asynchronous {type(cluster).__name__} cannot be used, since run() "
            f"blocks; give the address of its scheduler instead, or make one with "
            f"asynchronous=False"
        )


def _check_pools(cluster: Sequence[Any]) -> None:
    """Check several descriptions of jobs, all of whose workers are to have one scheduler."""
    if not cluster or not all(isinstance(batch, Batch) for batch in cluster):
        raise ConfigurationError(
            f"cluster={list(cluster)!r}: in a list, give jobs of queue systems, such as "
            f"[phsx.slurm(queue='cpu', ...), phsx.slurm(queue='gpu', gpus=2, ...)]"
        )
    if len({batch.tls for batch in cluster}) > 1:
        raise ConfigurationError(
            "cluster=[...]: tls= has to be the same for all, since they have one scheduler"
        )


def pools_of(cluster: Any) -> list[Batch]:
    """Return the descriptions of jobs that were given as `cluster=`; none for anything else."""
    if isinstance(cluster, (list, tuple)):
        return list(cluster)
    return [cluster] if isinstance(cluster, Batch) else []


def offers_of(workers: int | None, cluster: Any) -> list[Resources] | None:
    """Return the resources that slots will have; None where only the cluster knows."""
    if cluster is None:
        gpus = shared(gpus_here(), workers or os.cpu_count() or 1)
        return [{GPU: float(len(names))} if names else {} for names in gpus]
    return [batch.offer for batch in pools_of(cluster)] or None


def check_asked(asked: Resources, workers: int | None, cluster: Any) -> None:
    """Check that there will be slots with what every trial asks for.

    Raises
    ------
    ConfigurationError
        There is none.
    """
    offers = offers_of(workers, cluster)
    if offers is not None and not any(covers(offer, asked) for offer in offers):
        raise ConfigurationError(lacking(asked, offers))


def slots_of(workers: int | None, cluster: Any) -> int | None:
    """Return how many trials will run at once; None where only the cluster knows."""
    if cluster is None:
        return workers or os.cpu_count() or 1
    return 1 if isinstance(cluster, str) and cluster == "inline" else None


def connect(workers: int | None, cluster: Any, directory: Path | None = None) -> Executor:
    """Return an executor for `workers` local processes, or for an existing cluster.

    Parameters
    ----------
    workers : int, optional
        Number of local worker processes; by default, and without `cluster`, one per core.
    cluster : optional
        ``"inline"`` for everything in this process; the address of a scheduler; a
        `distributed.Client`; or a cluster object of Dask or dask-jobqueue. What is given is
        taken as it is: never restarted, and never closed. What `phsx.slurm` and its kin describe,
        one or several in a list, is started, and closed at the end.
    directory : Path, optional
        Of the experiment; workers write their logs to ``logs`` in it.

    Raises
    ------
    ConfigurationError
        Both are given, or one is not usable.
    ClusterError
        The scheduler cannot be reached.
    """
    check_pool(workers, cluster)
    if cluster is None:
        return _local(workers or os.cpu_count() or 1, directory and directory / "logs")
    if isinstance(cluster, str) and cluster == "inline":
        from phsx.execution.inline import InlineExecutor

        return InlineExecutor()
    if isinstance(cluster, Executor):
        return cluster
    if pools_of(cluster):
        return _jobs(pools_of(cluster), directory)
    return _existing(cluster)


def _local(workers: int, log_directory: Path | None) -> Executor:
    import distributed

    from phsx.clusters.local import local_cluster
    from phsx.clusters.scheduler import check
    from phsx.execution.dask import DaskExecutor

    if log_directory is not None:
        log_directory.mkdir(parents=True, exist_ok=True)
    gpus, offers = shared(gpus_here(), workers), offers_of(workers, None)
    cluster = local_cluster(workers, log_directory, gpus)
    try:
        client = distributed.Client(cluster, set_as_default=False)
    except BaseException:
        cluster.close()
        raise
    closers = [client.close, cluster.close]
    return DaskExecutor(client, closers, workers, offers, check=lambda: check(cluster))


def _jobs(batches: list[Batch], directory: Path | None) -> Executor:
    import distributed

    from phsx.clusters.batch_executor import BatchExecutor
    from phsx.clusters.provision import Provision

    if directory is None:
        raise ConfigurationError(f"cluster={batches[0]}: jobs need the directory of an experiment")
    provision = Provision(batches, directory)
    provision.open()
    try:
        client = distributed.Client(provision.cluster, set_as_default=False)
    except BaseException:
        provision.close()
        raise
    return BatchExecutor(client, provision, offers_of(None, batches))


def _existing(cluster: Any) -> Executor:
    import distributed

    from phsx.execution.dask import DaskExecutor

    if isinstance(cluster, distributed.Client):
        if cluster.status != "running":
            raise ClusterError(
                f"cluster=: the Client is {cluster.status}; connect a new one and run again"
            )
        return DaskExecutor(cluster, grows=True)
    client = _client(cluster)
    return DaskExecutor(client, [client.close], grows=True)


def _client(cluster: Any) -> Client:
    import distributed

    from phsx.execution.identity import identity

    try:
        if isinstance(cluster, str) and not cluster.startswith("inproc:"):
            found = identity(cluster, distributed.Security(), CONNECT_TIMEOUT)
            if found != "Scheduler":
                raise ClusterError(
                    f"cluster={cluster!r}: that is the address of a Dask {found.lower()}; give "
                    f"that of its scheduler"
                )
        return distributed.Client(cluster, set_as_default=False, timeout=CONNECT_TIMEOUT)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"cluster={cluster!r}: no Dask scheduler answers there ({error}); check the address, "
            f"whether the scheduler runs, and its TLS settings"
        ) from error
