"""Workers as processes of this machine: closed to others, started again, gone with their master."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import distributed
import psutil
import pytest

import phsx
from phsx.clusters.local import local_cluster

WORKERS = 2
ROOT = str(Path(phsx.__file__).parents[1])

# The cluster is shared: connections among its parts come and go at any time.
pytestmark = pytest.mark.leaks("files")


def wait_for(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="module")
def cluster(logs):
    with local_cluster(WORKERS, logs) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def client(cluster):
    with distributed.Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(WORKERS, timeout=60)
        yield client


def test_one_slot_each_in_a_process_of_its_own(client):
    assert list(client.nthreads().values()) == [1] * WORKERS
    pids = set(client.run(os.getpid).values())
    assert len(pids) == WORKERS and os.getpid() not in pids
    for pid in pids:
        assert "phsx.clusters.local_worker" in psutil.Process(pid).cmdline()


def test_workers_do_not_import_the_users_script(client):
    mains = client.run(lambda: sys.modules["__main__"].__file__)
    assert all(path.endswith("local_worker.py") for path in mains.values())


def test_settings_of_the_scheduler(client):
    """The master places all tasks, and hears of the first death of a worker."""

    def look(dask_scheduler):
        return dask_scheduler.allowed_failures, dask_scheduler.extensions["amm"].running

    assert tuple(client.run_on_scheduler(look)) == (0, False)


def test_tasks_stay_where_they_are_placed(client):
    """No work stealing: an idle worker takes nothing from a busy one."""
    busy, idle = client.nthreads()
    slow = client.submit(time.sleep, 0.5, workers=[busy], allow_other_workers=True, pure=False)
    rest = [
        client.submit(os.getpid, workers=[busy], allow_other_workers=True, pure=False, key=f"p{n}")
        for n in range(20)
    ]
    pids = client.run(os.getpid)
    assert {future.result() for future in rest} == {pids[busy]}
    slow.release()
    assert idle in pids


def test_one_thread_for_numerical_libraries(client):
    assert set(client.run(os.environ.get, "OMP_NUM_THREADS").values()) == {"1"}


def test_users_dask_configuration_is_left_alone(cluster):
    import dask

    assert dask.config.get("distributed.scheduler.allowed-failures") != 0


class TestClosed:
    """F29: other users of the machine reach the ports, and nothing behind them."""

    def test_everything_speaks_tls_on_the_loopback_interface(self, cluster, client):
        assert cluster.scheduler_address.startswith("tls://127.0.0.1:")
        assert all(address.startswith("tls://127.0.0.1:") for address in client.nthreads())

    @pytest.mark.parametrize("protocol", ["tls", "tcp"])
    def test_nobody_without_credentials_gets_in(self, client, protocol):
        addresses = [client.scheduler.address, *client.nthreads()]
        code = (
            "import sys, distributed, asyncio\n"
            "from distributed.comm import connect\n"
            "async def main():\n"
            "    for address in sys.argv[1:]:\n"
            "        try:\n"
            "            comm = await connect(address, timeout=2)\n"
            "            await comm.write({'op': 'identity', 'reply': True})\n"
            "            print('GOT IN', address, await asyncio.wait_for(comm.read(), 2))\n"
            "        except Exception as error:\n"
            "            print('refused', type(error).__name__)\n"
            "asyncio.run(main())\n"
        )
        plain = [address.replace("tls://", f"{protocol}://") for address in addresses]
        said = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code, *plain],
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout
        assert said.count("refused") == len(addresses) and "GOT IN" not in said, said

    def test_credentials_are_in_no_command_line_or_environment(self, client):
        for pid in client.run(os.getpid).values():
            process = psutil.Process(pid)
            told = " ".join([*process.cmdline(), *process.environ().values()])
            assert "PRIVATE KEY" not in told and "CERTIFICATE" not in told

    def test_dashboard_is_not_for_others(self, client):
        for connection in psutil.Process().net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip in {"127.0.0.1", "::1"}, connection


@pytest.mark.leaks("processes", "files")
class TestDeaths:
    def test_worker_that_dies_is_started_again(self, client):
        pids = client.run(os.getpid)
        victim, pid = next(iter(pids.items()))
        directory = client.run(lambda dask_worker: dask_worker.local_directory, workers=[victim])
        assert Path(directory[victim]).is_dir()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: victim not in client.nthreads())
        wait_for(lambda: len(client.nthreads()) == WORKERS)
        assert client.submit(abs, -3, pure=False).result(20) == 3
        assert not Path(directory[victim]).exists(), "it leaves no scratch directory"


def test_a_master_that_is_killed_takes_its_workers_along(tmp_path):
    """And their scratch directories."""
    code = (
        "import os, time, distributed\n"
        "from phsx.clusters.local import local_cluster\n"
        "cluster = local_cluster(1)\n"
        "client = distributed.Client(cluster, set_as_default=False)\n"
        "client.wait_for_workers(1)\n"
        "print(*client.run(os.getpid).values(), flush=True)\n"
        "time.sleep(60)\n"
    )
    master = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": ROOT, "TMPDIR": str(tmp_path)},
    )
    try:
        worker = psutil.Process(int(master.stdout.readline()))
        assert list(tmp_path.iterdir())
    finally:
        master.kill()
        master.wait()
        master.stdout.close()
    psutil.wait_procs([worker], timeout=20)
    assert not worker.is_running()
    wait_for(lambda: not list(tmp_path.glob("phsx-scratch-*")), seconds=10)


def test_a_worker_that_still_looks_for_its_scheduler_ends_with_its_master(tmp_path):
    """The master was killed, and the scheduler with it, before the worker had found it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        settings = {
            "scheduler": f"tls://127.0.0.1:{held.getsockname()[1]}",
            "name": "0",
            "directory": str(tmp_path / "scratch"),
            "tls": distributed.Security.temporary().get_tls_config_for_role("worker"),
        }
        with subprocess.Popen(
            [sys.executable, "-m", "phsx.clusters.local_worker"],
            stdin=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": ROOT},
        ) as worker:
            worker.stdin.write(json.dumps(settings).encode() + b"\n")
            worker.stdin.flush()
            wait_for((tmp_path / "scratch").exists)
            worker.stdin.close()
            worker.wait(20)
    assert not (tmp_path / "scratch").exists()


@pytest.mark.leaks("files")
def test_closing_is_quick_and_leaves_nothing(tmp_path):
    children = {process.pid for process in psutil.Process().children(recursive=True)}
    cluster = local_cluster(1, tmp_path)
    client = distributed.Client(cluster, set_as_default=False)
    client.wait_for_workers(1, timeout=60)
    pids = list(client.run(os.getpid).values())
    began = time.monotonic()
    client.close()
    cluster.close()
    assert time.monotonic() - began < 5.0
    assert not any(psutil.pid_exists(pid) for pid in pids)
    wait_for(
        lambda: {p.pid for p in psutil.Process().children(recursive=True)} <= children, seconds=5
    )
    assert not tmp_path.exists() or list(tmp_path.iterdir()) == [], "a log without a word"


@pytest.mark.leaks("processes", "files")
def test_a_process_that_cannot_be_started_again_is_tried_later(client, cluster, monkeypatch):
    """For instance while the disk is full."""
    refused = []

    def refuse(*args, **kwargs):
        refused.append(args)
        raise OSError(28, "No space left on device")

    victim, pid = next(iter(client.run(os.getpid).items()))
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "mkdtemp", refuse)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: len(refused) >= 2)
    wait_for(lambda: victim not in client.nthreads() and len(client.nthreads()) == WORKERS)


def test_log_tells_nothing_of_a_worker_that_is_being_closed():
    """Dask logs the broken heartbeat of one with a traceback."""
    import asyncio
    import logging
    from types import SimpleNamespace

    from distributed.core import Status

    from phsx.clusters.local_worker import _WhileServing

    worker, ended = SimpleNamespace(status=Status.running), asyncio.Event()
    record = logging.LogRecord("distributed.worker", logging.ERROR, "", 0, "lost", None, None)
    passes = _WhileServing(worker, ended).filter
    assert passes(record)
    worker.status = Status.closing
    assert not passes(record)
    worker.status = Status.running
    ended.set()
    assert not passes(record)
