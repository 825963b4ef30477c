"""Existing clusters are taken as they are, and given back as they were."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import distributed
import psutil
import pytest

import phsx
from phsx.clusters import connect as module
from phsx.clusters.connect import connect
from phsx.exceptions import ClusterError, ConfigurationError
from phsx.execution.inline import InlineExecutor
from phsx.testing.virtual_executor import VirtualExecutor

# The cluster is shared: connections among its parts come and go at any time.
pytestmark = pytest.mark.leaks("files")

SPACE = {"x": phsx.Float(0, 1)}
WORKERS = 2


def square(x):
    return {"value": x**2, "pid": os.getpid()}


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def cluster():
    """Somebody's cluster: Dask's own, without TLS, with its own settings."""
    with distributed.LocalCluster(
        n_workers=WORKERS,
        threads_per_worker=1,
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address=None,
        silence_logs=40,
    ) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def client(cluster):
    with distributed.Client(cluster, set_as_default=False) as client:
        yield client


class TestChoice:
    def test_inline(self):
        assert isinstance(connect(None, "inline"), InlineExecutor)

    def test_own_executor(self):
        executor = VirtualExecutor(1)
        assert connect(None, executor) is executor

    def test_local_workers_one_per_core_by_default(self, monkeypatch):
        asked = []
        monkeypatch.setattr(module, "_local", lambda *arguments: asked.append(arguments))
        connect(None, None)
        connect(3, None)
        assert asked == [(os.cpu_count(), None), (3, None)]


class TestForeign:
    """What is given is used, is not restarted and not closed, and nothing of ours stays there."""

    @pytest.fixture(params=["client", "cluster", "address"])
    def given(self, request, client, cluster):
        return {"client": client, "cluster": cluster, "address": cluster.scheduler_address}[
            request.param
        ]

    def test_is_given_back_as_it_was(self, given, client, tmp_path):
        kept = client.submit(lambda: "somebody's result", key="kept", pure=False)
        assert kept.result() == "somebody's result"
        pids = client.run(os.getpid)
        clients = set(client.scheduler_info()["workers"])
        plan = [phsx.Random(4), phsx.Bayesian(2, initial=3)]
        experiment = phsx.Experiment(tmp_path / "e", square, SPACE, plan, seed=0)
        experiment.run(cluster=given, progress=False)

        assert {trial.state.value for trial in experiment.trials} == {"completed"}
        assert {trial.worker for trial in experiment.trials} <= set(pids)
        assert {trial.result["pid"] for trial in experiment.trials}.isdisjoint(pids.values())
        # Not restarted, not closed.
        assert client.status == "running"
        assert client.run(os.getpid) == pids
        assert set(client.scheduler_info()["workers"]) == clients
        assert kept.result() == "somebody's result"
        # Nothing of ours: no children, no tasks, no subscription, no client, no plug-in.
        wait_for(lambda: not any(self.children(client).values()))
        wait_for(lambda: self.on_scheduler(client)["tasks"] == ["kept"])
        left = self.on_scheduler(client)
        assert left["topics"] == [] and left["plugins"] == []
        wait_for(lambda: self.on_scheduler(client)["clients"] == 1)
        kept.release()

    @staticmethod
    def children(client):
        return {
            address: psutil.Process(pid).children()
            for address, pid in client.run(os.getpid).items()
        }

    @staticmethod
    def on_scheduler(client):
        def look(dask_scheduler):
            topics = dask_scheduler._broker._topics
            return {
                "tasks": sorted(dask_scheduler.tasks),
                "topics": [
                    name for name, topic in topics.items() if "phsx" in name and topic.subscribers
                ],
                "plugins": [name for name in dask_scheduler.plugins if "phsx" in name],
                "clients": sum(name.startswith("Client-") for name in dask_scheduler.clients),
            }

        return client.run_on_scheduler(look)

    def test_two_experiments_one_after_the_other_on_one_client(self, client, tmp_path):
        for name in ("a", "b"):
            experiment = phsx.Experiment(tmp_path / name, square, SPACE, phsx.Random(2), seed=0)
            experiment.run(cluster=client, progress=False)
            assert len(experiment.state.finished) == 2

    def test_target_that_fails_and_one_that_kills_its_process(self, client, tmp_path):
        """The worker of somebody else lives on."""
        pids = client.run(os.getpid)

        def target(x, trial):
            if trial.id == 0:
                os._exit(1)
            if trial.id == 1:
                raise ValueError("one")
            return x

        experiment = phsx.Experiment(tmp_path / "e", target, SPACE, phsx.Random(5), seed=0)
        experiment.run(cluster=client, max_deaths=0, progress=False)
        states = [trial.state.value for trial in experiment.trials]
        assert states == ["failed", "failed", "completed", "completed", "completed"]
        assert client.run(os.getpid) == pids

    def test_stopped_run_leaves_nothing_running(self, client, tmp_path):
        def target(x):
            time.sleep(60)

        experiment = phsx.Experiment(tmp_path / "e", target, SPACE, phsx.Random(9), seed=0)
        run = experiment.run(cluster=client, background=True, progress=False)
        wait_for(lambda: run.progress.running == WORKERS)
        wait_for(lambda: all(self.children(client).values()))
        run.stop(grace=0.0)
        wait_for(lambda: not any(self.children(client).values()))
        assert experiment.state.count(phsx.TrialState.WAITING) == WORKERS

    def test_default_client_is_not_changed(self, cluster, tmp_path):
        experiment = phsx.Experiment(tmp_path / "e", square, SPACE, phsx.Random(1), seed=0)
        experiment.run(cluster=cluster.scheduler_address, progress=False)
        with pytest.raises(ValueError):
            distributed.get_client()


class TestRefusals:
    def test_asynchronous_client(self, cluster):
        async def main():
            async with distributed.Client(
                cluster.scheduler_address, asynchronous=True, set_as_default=False
            ) as client:
                with pytest.raises(ConfigurationError, match="asynchronous Client.*address"):
                    connect(None, client)

        asyncio.run(main())

    def test_asynchronous_cluster(self):
        async def main():
            async with distributed.LocalCluster(
                n_workers=0, asynchronous=True, processes=False, dashboard_address="127.0.0.1:0"
            ) as cluster:
                with pytest.raises(ConfigurationError, match="asynchronous LocalCluster"):
                    connect(None, cluster)

        asyncio.run(main())

    def test_closed_client(self, cluster):
        client = distributed.Client(cluster, set_as_default=False)
        client.close()
        with pytest.raises(ClusterError, match="Client is closed.*new one"):
            connect(None, client)

    def test_address_where_nobody_answers(self, monkeypatch):
        monkeypatch.setattr(module, "CONNECT_TIMEOUT", 1)
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            address = f"tcp://127.0.0.1:{held.getsockname()[1]}"
            with pytest.raises(ClusterError, match="no Dask scheduler answers there"):
                connect(None, address)

    def test_address_where_something_else_listens(self, monkeypatch):
        monkeypatch.setattr(module, "CONNECT_TIMEOUT", 1)
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen()
            with pytest.raises(ClusterError, match="no Dask scheduler.*no answer within 1 s"):
                connect(None, f"tcp://127.0.0.1:{mute.getsockname()[1]}")

    def test_address_where_something_else_speaks(self, monkeypatch):
        """Such as a server of ssh, which speaks first."""
        monkeypatch.setattr(module, "CONNECT_TIMEOUT", 20)
        with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:

            def greet():
                with server.accept()[0] as peer, contextlib.suppress(ConnectionError):
                    peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                    while peer.recv(4096):
                        pass

            greeted = pool.submit(greet)
            with pytest.raises(ClusterError, match="does not speak Dask's language"):
                connect(None, f"tcp://127.0.0.1:{server.getsockname()[1]}")
            greeted.result(20)

    def test_address_of_a_worker(self, client):
        with pytest.raises(ClusterError, match="address of a Dask worker; give that of its sched"):
            connect(None, next(iter(client.nthreads())))

    @pytest.mark.parametrize("address", ["nonsense", "ftp://a:1", "tcp://127.0.0.1:notaport", ""])
    def test_text_that_is_no_address(self, monkeypatch, address):
        monkeypatch.setattr(module, "CONNECT_TIMEOUT", 1)
        with pytest.raises((ClusterError, ConfigurationError)) as error:
            connect(None, address)
        assert "cluster=" in str(error.value) and "address" in str(error.value)

    def test_wrong_address_leaves_the_experiment_free(self, tmp_path, monkeypatch):
        """Its lease is let go of; the next run is not refused."""
        monkeypatch.setattr(module, "CONNECT_TIMEOUT", 1)
        experiment = phsx.Experiment(tmp_path / "e", square, SPACE, phsx.Random(1), seed=0)
        with pytest.raises(ClusterError):
            experiment.run(cluster="tcp://127.0.0.1:9", progress=False)
        experiment.run(cluster="inline", progress=False)
        assert len(experiment.trials) == 1
