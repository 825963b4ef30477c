"""The scheduler dies and comes back; the master's connection to it is cut (F19, F20)."""

from __future__ import annotations

import logging
import time

import distributed
import psutil
import pytest

import phsx
from phsx.testing.faults import Relay, check_exact, until
from phsx.trial import TrialState

# Connections of a cluster that is not the test's own come and go at any time.
pytestmark = pytest.mark.leaks("files")


def impatient(address):
    """A client that gives up its scheduler after two seconds, in place of half a minute."""
    distributed.Client(address, set_as_default=False).close()  # it is there
    return distributed.Client(address, timeout=2, set_as_default=False)


def children(cluster):
    """Return the processes that run targets, on all workers."""
    found = []
    for worker in cluster.workers:
        found += [
            child.pid
            for child in psutil.Process(worker.pid).children()
            if "phsx.execution.child" in " ".join(child.cmdline())
        ]
    return found


@pytest.mark.parametrize("patient", [True, False])
@pytest.mark.leaks("files", "threads")  # Dask's own: a client that tries in vain
def test_scheduler_that_comes_back(standing, hold, wait, patient, caplog):
    """F19: at once, or after the client has given up. Its workers end with it, and come anew."""
    cluster = standing(2, revive=True)
    client = impatient(cluster.address) if not patient else None
    with caplog.at_level(logging.WARNING, "phsx"):
        search = hold(6, cluster=client or cluster.address, max_deaths=0)
        wait(lambda: len(search.here()) == 2)
        cluster.kill_scheduler()
        if client is not None:
            wait(lambda: client.status == "closed")
            wait(lambda: "cannot be reached; waiting for it" in caplog.text)
        assert search.handle.running
        cluster.start_scheduler()
        wait(lambda: len(search.here(2)) == 2, what=lambda: repr(search.handle))
        search.go()
        search.end()
    state = check_exact(search.directory, 6)
    assert state.count(TrialState.COMPLETED) == 6
    assert all(trial.deaths == 0 for trial in state.trials.values())


class TestCut:
    """F20: what goes on meanwhile is nobody's any more, and ended before its slot is used."""

    @pytest.fixture
    def cut(self, standing, hold, wait):
        """Cut the connection of a search; what runs are orphans then."""
        relays = []

        def begin(patient, **options):
            cluster = standing(2)
            relay = Relay(cluster.port)
            relays.append(relay)
            client = None if patient else impatient(relay.address)
            search = hold(5, cluster=client or relay.address, max_deaths=0, **options)
            wait(lambda: len(search.here()) == 2)
            orphans = children(cluster)
            assert len(orphans) == 2
            relay.cut()
            if client is not None:
                wait(lambda: client.status == "closed")
            return search, relay, cluster, orphans

        yield begin
        for relay in relays:
            relay.close()

    @pytest.mark.parametrize("patient", [True, False])
    @pytest.mark.leaks("files", "threads")  # Dask's own: a client that tries in vain
    def test_goes_on(self, cut, wait, patient):
        search, relay, cluster, orphans = cut(patient)
        assert set(orphans) <= set(children(cluster)), "they know nothing of it"
        seen = []

        def second():
            """Note who is there whenever an attempt has begun: never more than there are slots."""
            here = search.here(2)
            if here:
                seen.append(len(children(cluster)))
            return len(here) == 2

        relay.mend()
        wait(second)
        assert max(seen) <= 2 and not set(orphans) & set(children(cluster))
        search.go()
        search.end()
        state = check_exact(search.directory, 5)
        assert state.count(TrialState.COMPLETED) == 5
        assert all(trial.deaths == 0 for trial in state.trials.values())

    @pytest.mark.leaks("files", "threads")  # Dask's own: a client that tries in vain
    def test_can_be_stopped_meanwhile(self, cut):
        search, *_ = cut(patient=False)
        began = time.monotonic()
        search.handle.stop(grace=0.0)
        assert time.monotonic() - began < 15
        state = phsx.open(search.directory).state
        assert state.count(TrialState.WAITING) == 2 and not state.finished


def test_reports_arrive_after_a_break(standing, tmp_path):
    """F20: also when nothing was running that could have told of the break."""

    def target(x, trial):
        trial.report(0, x)
        return x

    cluster = standing(0)
    relay = Relay(cluster.port)
    try:
        experiment = phsx.Experiment(
            tmp_path / "e", target, {"x": phsx.Float(0, 1)}, phsx.Random(3), seed=1
        )
        run = experiment.run(cluster=relay.address, background=True, progress=False)
        until(lambda: relay.connections)
        relay.cut()
        relay.mend()
        cluster.add()
        assert run.wait(60)
        assert sorted(experiment.state.reports) == [0, 1, 2]
    finally:
        relay.close()
