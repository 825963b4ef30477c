"""A scheduler in a process of its own, from some number of workers on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import distributed
import psutil
import pytest
from tornado import netutil, tcpserver

import phsx
from phsx.clusters import scheduler as module
from phsx.clusters.local import local_cluster
from phsx.clusters.scheduler import open_cluster
from phsx.exceptions import ClusterError

# Connections of a scheduler that was closed go a little later.
pytestmark = pytest.mark.leaks("files")


@pytest.fixture
def apart(monkeypatch):
    monkeypatch.setattr(module, "APART", 1)


@pytest.fixture
def cluster(apart, tmp_path):
    with local_cluster(2, tmp_path) as cluster:
        yield cluster


def of_scheduler(dask_scheduler):
    import resource

    import dask

    return (
        os.getpid(),
        resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        dask_scheduler.allowed_failures,
        dask.config.get("distributed.scheduler.work-stealing"),
        dask.config.get("somebodys.setting", None),
    )


def wait_for(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.02)


def test_it_is_like_one_in_a_thread(apart, tmp_path):
    import dask

    with dask.config.set({"somebodys.setting": 7}):
        with local_cluster(2, tmp_path) as cluster:
            with distributed.Client(cluster, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=60)
                pid, _, failures, stealing, theirs = client.run_on_scheduler(of_scheduler)
                assert client.submit(abs, -3).result(30) == 3
                assert len(cluster.scheduler_info["workers"]) == 2
    log = tmp_path / "scheduler.txt"
    assert pid != os.getpid() and (failures, stealing, theirs) == (0, False, 7)
    assert cluster.scheduler_address.startswith("tls://127.0.0.1:")
    wait_for(lambda: not psutil.pid_exists(pid))
    assert not log.exists(), log.read_text()


def test_few_workers_have_it_in_a_thread(tmp_path):
    with open_cluster("few", module.APART, {"host": "127.0.0.1"}, None) as few:
        assert isinstance(few.scheduler, distributed.Scheduler)


def test_no_fixed_port_is_taken(monkeypatch):
    """8787 is Dask's choice, and may be somebody else's; what is taken is for nobody else."""
    asked = []
    bind = netutil.bind_sockets

    def note(port, address=None, **options):
        asked.append((port, address))
        return bind(port, address, **options)

    monkeypatch.setattr(netutil, "bind_sockets", note)
    monkeypatch.setattr(tcpserver, "bind_sockets", note)
    with open_cluster("few", 1, {"host": "127.0.0.1"}, None):
        assert asked == [(0, "127.0.0.1")] * 2


def test_a_search_with_it(apart, tmp_path):
    experiment = phsx.Experiment(
        tmp_path / "s", lambda x: x, {"x": phsx.Float(0, 1)}, phsx.Random(6), seed=1
    )
    experiment.run(workers=2, progress=False)
    assert len(experiment.trials) == 6 and experiment.best is not None


def test_its_end_is_the_end_of_the_run(apart, tmp_path, monkeypatch):
    experiment = phsx.Experiment(
        tmp_path / "s", patient, {"x": phsx.Float(0, 1)}, phsx.Random(6), seed=1
    )
    run = experiment.run(workers=2, background=True, progress=False)
    wait_for(lambda: run.progress.running == 2)
    (process,) = (
        child
        for child in psutil.Process().children()
        if "phsx.clusters.scheduler_process" in child.cmdline()
    )
    process.send_signal(signal.SIGKILL)
    with pytest.raises(ClusterError, match="scheduler's process has ended"):
        run.wait(60)


def test_it_ends_when_the_master_is_killed(tmp_path):
    script = tmp_path / "master.py"
    script.write_text(
        "import sys, phsx\n"
        "from phsx.clusters import scheduler\n"
        "scheduler.APART = 1\n"
        "if __name__ == '__main__':\n"
        "    experiment = phsx.Experiment(sys.argv[1], phsx.Command('sleep 60 {x}'),\n"
        "        {'x': phsx.Float(0, 1)}, phsx.Random(2))\n"
        "    experiment.run(workers=2, progress=False)\n"
    )
    master = subprocess.Popen([sys.executable, script, tmp_path / "s"])
    process = psutil.Process(master.pid)
    try:
        wait_for(lambda: any("sleep" in child.name() for child in process.children(True)), 60.0)
        children = process.children(recursive=True)
        assert any("phsx.clusters.scheduler_process" in child.cmdline() for child in children)
    finally:
        master.kill()
        master.wait()
    _, alive = psutil.wait_procs(children, timeout=30)
    assert alive == []


def patient(x):
    time.sleep(60)
    return x


@pytest.mark.parametrize("options", [{"interface": "nowhere0"}, {"host": "192.0.2.1"}])
def test_what_is_wrong_is_said_in_its_own_words(apart, options):
    with pytest.raises(RuntimeError, match=r"nowhere0|[Cc]annot assign|address"):
        open_cluster("wrong", 2, options, None)


def test_options_have_to_be_plain(apart):
    with pytest.raises((RuntimeError, TypeError), match="JSON serializable"):
        open_cluster("wrong", 2, {"preload": object()}, None)


LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (240, int(sys.argv[1])))
from phsx.clusters import descriptors, scheduler
from phsx.clusters.local import local_cluster
from phsx.exceptions import ClusterError
import distributed
scheduler.APART = int(sys.argv[2])
descriptors.PER_WORKER = 100  # as if there were many
if __name__ == "__main__":
    try:
        with local_cluster(2) as cluster:
            with distributed.Client(cluster, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=60)
                look = lambda: __import__("resource").getrlimit(resource.RLIMIT_NOFILE)
                print(client.run_on_scheduler(look)[0], look()[0])
    except ClusterError as error:
        print(error)
"""


@pytest.mark.parametrize("apart", [1, 200])
@pytest.mark.parametrize("hard", [300, 600])
def test_limits_of_open_files(tmp_path, apart, hard):
    """With 240 files at first, of which two workers are to need 400."""
    script = tmp_path / "limited.py"
    script.write_text(LIMITED)
    done = subprocess.run(
        [sys.executable, script, str(hard), str(apart)], capture_output=True, text=True, timeout=120
    )
    if hard == 300:
        assert "2 workers need about 400 open files" in done.stdout, done.stderr
        assert "the hard limit is 300" in done.stdout and "ulimit -Hn" in done.stdout
    else:
        here = 400 if apart == 200 else 240
        assert done.stdout == f"400 {here}\n", done.stderr
