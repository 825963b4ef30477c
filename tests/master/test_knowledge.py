"""What a trial may know: everything there is, or what is the same whatever the timing."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import phsx
from phsx.testing.bench import Bench, Learner
from phsx.testing.virtual_executor import VirtualExecutor

PLAN = [phsx.Sobol(4), Learner(16, initial=6), phsx.Random(3, repeats=True)]


@pytest.fixture
def bench(tmp_path):
    return functools.partial(Bench, tmp_path, PLAN)


def executor(workers, seed):
    """Return workers whose trials take log-normal times, others for every seed."""
    rng = np.random.default_rng(seed)
    durations = {}
    return VirtualExecutor(
        workers, duration=lambda job: durations.setdefault(job.trial, rng.lognormal()), cost=0.05
    )


class TestDeterministic:
    def test_same_trials_whatever_the_timing(self, bench):
        searches = [
            bench(lag=4).run(executor(workers, seed)) for workers in (4, 2, 7) for seed in (1, 2)
        ]
        for search in searches:
            search.check_exact(23)
            assert search.points == searches[0].points
        fits = [[fit.values for fit in search.state.fits] for search in searches]
        assert all(each == fits[0] for each in fits)
        orders = {tuple(search.state.finished) for search in searches}
        assert len(orders) > 1, "the timing was the same"

    def test_without_it_the_timing_matters(self, bench):
        one, other = (bench().run(executor(4, seed)) for seed in (1, 2))
        assert one.points != other.points

    def test_the_number_at_once_belongs_to_the_search(self, bench):
        assert bench(lag=4).run(executor(4, 1)).points != bench(lag=3).run(executor(4, 1)).points

    def test_one_at_once_knows_all(self, bench):
        """It is the search of a single worker, where nothing is computed ahead."""
        one, other = bench(lag=1).run(executor(3, 1)), bench().run(executor(1, 1))
        assert one.points == other.points

    def test_interrupted_at_every_record(self, bench):
        whole = bench(lag=3).run(executor(3, 1))
        records = whole.journal.durable
        for end in range(5, len(records), 7):
            again = whole.again(records[:end]).run(executor(2, end))
            again.check_exact(23)
            assert again.points == whole.points, end

    def test_slow_trial_is_waited_for(self, bench):
        """At most `lag` trials are on their way where results are learnt from."""
        slow = VirtualExecutor(4, duration=lambda job: 100.0 if job.trial == 8 else 1.0)
        search = bench(lag=4).run(slow)
        ended = search.state.trials[8].ended
        began = {number: trial.started for number, trial in search.state.trials.items()}
        assert all(began[number] < ended for number in range(12))
        assert all(began[number] >= ended for number in range(12, 20))
