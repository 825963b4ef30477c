"""Tasks and evaluations on a real cluster of local worker processes."""

from __future__ import annotations

import asyncio
import dataclasses
import gc
import itertools
import json
import os
import queue
import signal
import threading
import time
import weakref

import distributed
import psutil
import pytest

from phsx.clusters.local import local_cluster
from phsx.exceptions import ClusterError
from phsx.execution import worker as on_worker
from phsx.execution.base import Lost, Setting, Task, WorkerJoined, WorkerLeft
from phsx.execution.dask import DaskExecutor
from phsx.execution.evaluation import Job
from phsx.execution.installer import Installed, Installer
from phsx.execution.offer import Offer
from phsx.execution.remote import uninstall
from phsx.targets.calling import bind
from phsx.targets.packing import pack
from phsx.testing.executors import ExecutorContract, Started, add
from phsx.testing.packages import Trap

WORKERS = 2

# The cluster is shared: connections among its parts come and go at any time.
pytestmark = pytest.mark.leaks("files")

numbers = itertools.count()


def wait_for(condition, what=lambda: "the condition did not come true", seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


@pytest.fixture(scope="module")
def client():
    with local_cluster(WORKERS) as cluster:
        client = distributed.Client(cluster, set_as_default=False)
        client.wait_for_workers(WORKERS, timeout=60)
        yield client
        client.close()


@pytest.fixture
def executor(client):
    return DaskExecutor(client)


class TestContract(ExecutorContract):
    pass


class Run(Started):
    """A run with a target of its own, on the shared cluster."""

    def __init__(self, client, root, target=None):
        directory = root / f"experiment-{next(numbers)}"
        directory.mkdir()
        name = f"dask-{directory.name}"
        if target is None:
            super().__init__(DaskExecutor(client), directory, name)
            return
        (directory / "trials").mkdir()
        self.executor, self.directory, self.run = DaskExecutor(client), directory, name
        self.events = []
        self.executor.start(Setting(name, bind(target, ["x"]), pack(target, ["x"])))
        self.until(self.workers)

    def begin(self, trial=0, x=1.0, **options):
        key, directory = f"evaluate-{trial}", self.directory / "trials" / f"{trial:06d}"
        job = Job(self.run, trial, {"x": x}, str(directory), **options)
        self.executor.evaluate(key, job, next(iter(self.workers())))
        return key


@pytest.fixture
def run(client, tmp_path):
    """Start runs with targets of their own, and close them after the test."""
    runs = []

    def make(target=None):
        runs.append(Run(client, tmp_path, target))
        return runs[-1]

    yield make
    for one in runs:
        one.executor.close()


@pytest.fixture
def started(run):
    started = run()
    started.until(lambda: len(started.workers()) == WORKERS)
    return started


def children(client):
    """Return the processes that the workers have started, by worker."""
    return {
        worker: [child.pid for child in psutil.Process(pid).children(recursive=True)]
        for worker, pid in client.run(os.getpid).items()
    }


def tasks_on(client, run):
    """Return what the scheduler knows of a run, by key."""
    return client.run_on_scheduler(
        lambda dask_scheduler: {
            key: task.state for key, task in dask_scheduler.tasks.items() if run in key
        }
    )


def pid_of(address):
    """Return the process of a worker: a task."""
    return (os.getpid(), address)


class TestPlacement:
    def test_tasks_run_where_they_are_sent(self, started, client):
        pids = client.run(os.getpid)
        for address in started.workers():
            started.executor.submit(Task(f"pid-{address}", pid_of, (address,), address))
        for address in started.workers():
            assert started.result(f"pid-{address}") == (pids[address], address)

    def test_evaluations_run_in_a_child_of_their_worker(self, started, client):
        pids = client.run(os.getpid)
        for trial, worker in enumerate(started.workers()):
            outcome = started.result(started.evaluate("square", trial, worker))
            assert outcome.pid in children(client)[worker]
            assert outcome.pid != pids[worker]

    def test_a_task_for_a_worker_that_is_gone_runs_elsewhere(self, started):
        started.executor.submit(Task("five", add, (2, 3), "tls://127.0.0.1:9"))
        assert started.result("five") == 5


class TestOutcomes:
    def test_values_of_all_kinds(self, run):
        extras = {"text": "größer\n", "none": None, "deep": [{"k": [1, 2.5, True]}], "n": -(2**63)}
        started = run(lambda x: {"value": x, **extras})
        # Lists may have become tuples on the way; the journal has only one kind.
        assert json.loads(json.dumps(started.result(started.begin()).extras)) == extras

    def test_large_outcomes(self, run):
        extras = {f"k{number}": "v" * 90_000 for number in range(20)}
        started = run(lambda x: {"value": x, **extras})
        assert started.result(started.begin()).extras == extras

    def test_target_that_ends_its_process(self, run):
        started = run(lambda x: os._exit(3))
        outcome = started.result(started.begin())
        assert outcome.state == "crashed" and "code 3" in outcome.error

    def test_timeout_frees_the_slot(self, run):
        def target(x):
            while x > 0:
                pass
            return x

        started = run(target)
        outcome = started.result(started.begin(0, timeout=0.2))
        assert outcome.state == "timed_out" and "0.2" in outcome.error
        assert started.result(started.begin(1, x=-1.0)).state == "completed"

    @pytest.mark.parametrize("timeout", [float("inf"), 1e7])
    def test_timeout_that_is_never_over(self, run, timeout):
        started = run(lambda x: x)
        assert started.result(started.begin(timeout=timeout)).state == "completed"

    def test_without_isolation_in_the_worker_itself(self, run, client):
        started = run(lambda x: {"value": x, "pid": os.getpid()})
        worker = next(iter(started.workers()))
        outcome = started.result(started.begin(isolate=False))
        assert outcome.extras["pid"] == client.run(os.getpid)[worker]


class TestNothingStaysBehind:
    def test_no_children_futures_or_subscriptions(self, started, client):
        started.executor.submit(Task("kept", add, (1,), keep=True))
        for trial, worker in enumerate(started.workers()):
            started.result(started.evaluate("square", trial, worker))
        key = started.evaluate("hold", trial=9)
        started.until(lambda: started.here(9))
        assert all(children(client).values())
        started.executor.close()
        assert started.of(key) is None
        wait_for(lambda: not any(children(client).values()))
        wait_for(lambda: not tasks_on(client, started.run), lambda: tasks_on(client, started.run))
        topic = f"phsx-{started.run}"
        subscribers = client.run_on_scheduler(
            lambda dask_scheduler: len(dask_scheduler._broker._topics[topic].subscribers)
        )
        assert subscribers == 0
        assert client.status == "running"

    def test_no_target_where_it_is_closed_early(self, client):
        executor = DaskExecutor(client)
        package = pack(lambda x: x, ["x"])
        executor.start(Setting("early", bind(lambda x: x, ["x"]), package))
        executor.wait(0.0)  # the workers are being given it
        executor.close()
        wait_for(lambda: not tasks_on(client, "early"), lambda: tasks_on(client, "early"), 1.5)

    def test_no_executor_in_the_users_client(self, client):
        executor = DaskExecutor(client)
        executor.start(Setting("kept", bind(lambda x: x, ["x"]), pack(lambda x: x, ["x"])))
        executor.wait(0.5)
        executor.close()
        reference = weakref.ref(executor)
        del executor
        wait_for(lambda: gc.collect() is not None and reference() is None, seconds=1.0)

    def test_the_scheduler_alone_keeps_what_evaluations_said(self, started, client):
        """Dask has no public way to let go of a topic: the docs say so (docs/running.md)."""
        started.result(started.evaluate("report"))
        started.executor.close()
        assert client.get_events(f"phsx-{started.run}")

    def test_uninstalling_does_not_hold_up_a_workers_loop(self, monkeypatch):
        """It may take seconds where targets resist, and others have tasks on that worker."""
        loop_goes_on = threading.Event()
        seen = []
        monkeypatch.setattr(
            on_worker, "uninstall", lambda run: seen.append((run, loop_goes_on.wait(10.0)))
        )

        async def both():
            ending = asyncio.create_task(uninstall("one"))
            await asyncio.sleep(0)
            loop_goes_on.set()
            await ending

        asyncio.run(both())
        assert seen == [("one", True)]

    def test_two_runs_on_one_cluster_do_not_meet(self, started, run):
        other = run()
        mine, theirs = started.evaluate("report"), other.evaluate("square", amount=5.0)
        assert started.result(mine).value == 9.0
        assert other.result(theirs).value == 25.0
        assert other.messages(0)[1:] == [], "its own start is all it hears of"
        other.executor.close()
        assert started.result(started.evaluate("square", 1)).value == 9.0


class TestConnection:
    def test_cancelled_future_is_no_failure(self, started, client):
        """As after a restart of the scheduler."""
        key = started.evaluate("hold")
        started.until(lambda: started.here(0))
        client.cancel([started.executor._submissions._futures[key]])
        started.until(lambda: started.of(key))
        assert isinstance(started.of(key), Lost) and not started.of(key).worker_died
        started.until(lambda: not any(client.run(on_worker.running, started.run).values()))

    def test_broken_connection(self, client, tmp_path):
        """What was running is lost and ends, and what runs after it is heard again."""
        address, security = client.scheduler.address, client.security
        other = distributed.Client(address, security=security, set_as_default=False)
        started = Run(other, tmp_path)
        key = started.evaluate("hold", 0)
        started.until(lambda: started.here(0) and started.messages(0))
        name = other.id
        client.run_on_scheduler(
            lambda dask_scheduler: dask_scheduler.client_comms[name].comm.abort()
        )
        started.until(lambda: started.of(key))
        assert isinstance(started.of(key), Lost) and not started.of(key).worker_died
        started.until(lambda: not any(client.run(on_worker.running, started.run).values()))
        assert started.result(started.evaluate("report", 1)).value == 9.0
        assert len(started.messages(1)) == 4
        started.executor.close()
        other.close()

    def test_closed_client_is_an_error_with_the_cure(self, client, tmp_path):
        address, security = client.scheduler.address, client.security
        other = distributed.Client(address, security=security, set_as_default=False)
        started = Run(other, tmp_path)
        other.close()
        with pytest.raises(ClusterError, match="run the experiment again"):
            started.until(lambda: False)
        started.executor.close()


def trap(text):
    return Trap.around(pack(lambda x: x, ["x"]), text)


class Unloadable:
    """Stands for a function that is not there where the task is unpickled."""

    def __reduce__(self):
        return (__import__, ("a_module",))

    def __call__(self, loaded):
        return loaded


class TestInstallation:
    @staticmethod
    def install(client, package):
        """Try to install a package on all workers."""
        executor = DaskExecutor(client)
        events = []
        executor.start(Setting(f"foreign-{next(numbers)}", None, package))
        try:
            wait_for(lambda: events.extend(executor.wait(0.1)) or len(events) == WORKERS)
        finally:
            executor.close()

    def test_cluster_that_cannot_load_the_package(self, client):
        """One without phsx, say: found before the first trial, by name (F27)."""
        with pytest.raises(ClusterError, match=r"No module named 'a_module'.*need phsx"):
            self.install(client, trap("__import__('a_module')"))

    def test_workers_survive_what_they_cannot_load(self, client):
        """They are somebody's, and have other things to do."""
        before = client.run(os.getpid)
        with pytest.raises(ClusterError):
            self.install(client, trap("1/0"))
        assert client.run(os.getpid) == before

    def test_scheduler_that_cannot_load_what_workers_can(self, client, monkeypatch):
        """It has to pass on tasks of phsx; here it runs in this process."""
        monkeypatch.setattr("phsx.execution.installer.confirm", Unloadable())
        with pytest.raises(ClusterError, match="No module named 'a_module'"):
            self.install(client, trap("None"))

    def test_workers_with_another_version(self, client, monkeypatch):
        monkeypatch.setattr("phsx.execution.installer.__version__", "99.1")
        with pytest.raises(ClusterError, match=r"it has phsx \d.*the master has 99\.1"):
            self.install(client, trap("None"))

    def test_workers_with_another_python(self, client):
        package = dataclasses.replace(trap("None"), python=(3, 4))
        with pytest.raises(
            ClusterError, match=r"it runs Python \(3, \d+\), and the master \(3, 4\)"
        ):
            self.install(client, package)

    def test_late_worker_that_cannot_is_left_out(self, client, caplog):
        """It must not end a search that is going on."""
        pids = client.run(os.getpid)
        good, bad = pids
        ended = queue.SimpleQueue()
        package = trap(f"__import__('os').getpid() == {pids[bad]} and 1/0")
        name = f"late-{next(numbers)}"
        installer = Installer(client, name, f"phsx-{name}", package, ended.put)
        installer.install(good)
        assert installer.conclude(ended.get(timeout=20.0)) == Installed(good, Offer(None, {}, {}))
        installer.install(bad)
        assert installer.conclude(ended.get(timeout=20.0)) is None
        assert f"worker {bad} cannot" in caplog.text and "division by zero" in caplog.text
        installer.settle(5.0)
        client.run(on_worker.uninstall, name)


@pytest.mark.leaks("processes", "files")
class TestDeaths:
    """The last tests of this module: workers die, and new ones take their places."""

    def test_worker_that_is_killed(self, started, client):
        pids = client.run(os.getpid)
        victim, survivor = started.workers()
        key = started.evaluate("hold", 0, victim)
        other = started.evaluate("hold", 1, survivor)
        started.until(lambda: started.here(0) and started.here(1) and started.messages(1))
        child = children(client)[victim]
        os.kill(pids[victim], signal.SIGKILL)
        started.until(lambda: started.of(key))
        event = started.of(key)
        assert isinstance(event, Lost) and event.worker_died, event
        started.until(lambda: WorkerLeft(victim) in started.events)
        wait_for(lambda: not any(psutil.pid_exists(pid) for pid in child))
        assert started.of(other) is None, "its neighbour goes on"
        (started.directory / "trials" / "000001" / "go").touch()
        assert started.result(other).state == "completed"
        # A new worker takes its place, and gets the target before it is announced.
        started.until(lambda: len(started.workers()) == WORKERS + 1)
        new = next(name for name in started.workers() if name not in {victim, survivor})
        assert started.result(started.evaluate("square", 2, new)).value == 9.0

    def test_evaluation_for_a_worker_whose_death_is_not_known_yet(
        self, started, client, monkeypatch
    ):
        """It runs nowhere, and that is no death of its own.

        The future of what ran there tells of the death, before the next look at who is there.
        """
        monkeypatch.setattr("phsx.execution.dask.LOOK", 3.0)
        pids = client.run(os.getpid)
        victim = next(iter(started.workers()))
        key = started.evaluate("hold", 0, victim)
        started.until(lambda: started.here(0) and started.messages(0))
        os.kill(pids[victim], signal.SIGKILL)
        started.until(lambda: started.of(key))
        assert started.of(key).worker_died
        assert WorkerLeft(victim) in started.events, "it is gone from the first sign of it on"
        monkeypatch.undo()
        again = started.evaluate("hold", 1, victim)
        started.until(lambda: started.of(again))
        event = started.of(again)
        assert isinstance(event, Lost) and not event.worker_died, event
        assert not started.here(1), "no worker has begun it"

    def test_task_of_a_worker_that_is_killed(self, started, client):
        pids = client.run(os.getpid)
        victim = next(iter(started.workers()))
        started.executor.submit(Task("slow", time.sleep, (30.0,), victim))
        wait_for(lambda: "slow" in str(client.processing()[victim]))
        os.kill(pids[victim], signal.SIGKILL)
        started.until(lambda: started.of("slow"))
        assert isinstance(started.of("slow"), Lost)

    def test_what_is_with_a_worker_that_says_nothing(self, run, client, monkeypatch):
        """Tasks that run there, and results that are kept there: both are made anew elsewhere."""
        monkeypatch.setattr("phsx.execution.dask.PATIENCE", 1.0)
        monkeypatch.setattr("phsx.execution.heartbeats.EVERY", 0.2)
        started = run(lambda x: x)
        started.until(lambda: len(started.workers()) == WORKERS)
        pids = client.run(os.getpid)
        victim, other = started.workers()
        started.executor.submit(Task("kept", abs, (-1,), victim, keep=True))
        started.executor.submit(Task("slow", time.sleep, (30.0,), victim))
        started.executor.submit(Task("kept elsewhere", abs, (-2,), other, keep=True))
        wait_for(lambda: "slow" in str(client.processing()[victim]))
        wait_for(lambda: "kept" in str(client.has_what()[victim]))
        os.kill(pids[victim], signal.SIGSTOP)
        try:
            started.until(lambda: WorkerLeft(victim) in started.events)
        finally:
            os.kill(pids[victim], signal.SIGCONT)
        lost = [event.key for event in started.events if isinstance(event, Lost)]
        assert sorted(lost) == ["kept", "slow"]
        started.until(lambda: started.events[-1] == WorkerJoined(victim, 1, None, {}))

    @pytest.mark.parametrize("how", ["retired", "closed"])
    def test_retired_worker_has_not_died(self, started, client, how):
        """Nor has one that closes by itself, as it does when a cluster is scaled down."""

        async def close(dask_worker):
            await dask_worker.close(reason="scaled down")

        victim = next(iter(started.workers()))
        key = started.evaluate("hold", 0, victim)
        started.until(lambda: started.here(0) and started.messages(0))
        if how == "retired":
            client.retire_workers([victim])
        else:
            client.run(close, workers=[victim], wait=False)
        started.until(lambda: started.of(key))
        assert isinstance(started.of(key), Lost) and not started.of(key).worker_died

    def test_package_that_kills_the_workers(self, client, monkeypatch):
        monkeypatch.setattr("phsx.execution.installer.MAX_LOST", 2)
        package = trap("__import__('os')._exit(1)")
        with pytest.raises(ClusterError, match="2 were lost"):
            TestInstallation.install(client, package)
        client.wait_for_workers(WORKERS, timeout=60)

    def test_worker_that_hangs_holds_up_nothing(self, started, client, monkeypatch):
        """Neither a cancellation nor the end of a run."""
        monkeypatch.setattr("phsx.execution.dask.CLOSE_TIMEOUT", 0.2)
        pids = client.run(os.getpid)
        victim = next(iter(started.workers()))
        key = started.evaluate("hold", 0, victim)
        started.until(lambda: started.here(0))
        os.kill(pids[victim], signal.SIGSTOP)
        try:
            began = time.monotonic()
            started.executor.cancel(key)
            started.executor.close()
            assert time.monotonic() - began < 5.0
        finally:
            os.kill(pids[victim], signal.SIGCONT)
        wait_for(lambda: not client.run(on_worker.running, started.run)[victim])

    @pytest.mark.parametrize("extra", [2**80, "caf\udce9"], ids=["integer", "surrogate"])
    def test_outcome_that_messages_cannot_carry(self, run, extra):
        """It comes with the future, as everything else that the journal takes."""
        started = run(lambda x: {"value": x, "extra": extra})
        outcome = started.result(started.begin())
        assert (outcome.state, outcome.extras) == ("completed", {"extra": extra})

    def test_report_that_messages_cannot_carry(self, run):
        def target(x, trial):
            trial.report(2**80, 1.0)
            return x

        started = run(target)
        assert started.result(started.begin()).state in {"completed", "failed"}
