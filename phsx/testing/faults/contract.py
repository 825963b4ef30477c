"""What a search on a cluster's workers has to survive: a contract for every kind of cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import distributed
import pytest

from phsx.testing.faults.exact import check_exact
from phsx.testing.faults.held import Held
from phsx.testing.faults.patience import until
from phsx.trial import TrialState


async def end_worker() -> None:
    """Kill a worker's process (on the worker)."""
    os.kill(os.getpid(), signal.SIGKILL)


class ClusterFaultContract:
    """Tests that every kind of cluster passes: inherit from it, and give a fixture `client`.

    The client is of a new cluster with two workers of one slot each, which come again when they
    are lost, and see this host's file system.
    """

    @pytest.fixture
    def hold(self, client: distributed.Client, tmp_path: Path) -> Iterator[Callable[..., Held]]:
        """Start searches on the cluster, whose trials wait to be let go."""
        client.wait_for_workers(2, timeout=60)
        held: list[Held] = []

        def start(trials: int, **run: Any) -> Held:
            held.append(Held(tmp_path / f"held{len(held)}", trials, cluster=client, **run))
            return held[-1]

        yield start
        for one in held:
            one.close()

    @staticmethod
    def kill(client: distributed.Client, *workers: str) -> None:
        """Kill workers, wherever they are."""
        client.run(end_worker, workers=list(workers), wait=False)

    def test_killed_worker(self, client: distributed.Client, hold: Callable[..., Held]) -> None:
        """Its trial alone runs again, and has died once."""
        search = hold(4)
        until(lambda: len(search.here()) == 2)
        victim = search.experiment.trials[0].worker
        assert victim is not None
        self.kill(client, victim)
        until(lambda: (0, 2) in search.here() or search.experiment.trials[0].deaths)
        search.go()
        search.end()
        state = check_exact(search.directory, 4)
        assert state.count(TrialState.COMPLETED) == 4
        assert [trial.deaths for trial in state.trials.values()] == [1, 0, 0, 0]

    def test_retired_workers(self, client: distributed.Client, hold: Callable[..., Held]) -> None:
        """However often that happens, it is no death of a trial."""
        search = hold(2, max_deaths=0)
        for attempt in (1, 2):
            until(partial(search.all_here, 2, attempt))
            client.retire_workers(list(client.nthreads()))
        until(partial(search.all_here, 2, 3))
        search.go()
        search.end()
        state = check_exact(search.directory, 2)
        assert state.count(TrialState.COMPLETED) == 2
        assert not any(trial.deaths for trial in state.trials.values())

    def test_all_workers_are_killed_at_once(
        self, client: distributed.Client, hold: Callable[..., Held]
    ) -> None:
        """The search goes on when others have come."""
        search = hold(4)
        until(lambda: len(search.here()) == 2)
        self.kill(client, *client.nthreads())
        until(lambda: len(search.here(2)) == 2)
        search.go()
        search.end()
        state = check_exact(search.directory, 4)
        assert state.count(TrialState.COMPLETED) == 4
        assert [trial.deaths for trial in state.trials.values()] == [1, 1, 0, 0]
