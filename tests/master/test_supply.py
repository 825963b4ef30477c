"""Which trial comes next, and what the plan has used up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import phsx
from phsx.exceptions import ExhaustedError
from phsx.master.supply import FIT_SEEDS, Supply, block_seed, trial_seed
from phsx.state import SearchState
from phsx.strategies.plan import Plan

SPACE = phsx.Space({"x": phsx.Float(0, 1), "n": phsx.Int(1, 3)})


class Search:
    """A plan that is gone through trial by trial, recorded as the master does it."""

    def __init__(self, plan, space=SPACE, seed=0, records=()):
        self.state = SearchState().replay(records)
        self.records = list(records)
        self.space = phsx.Space.of(space)
        self.supply = Supply(self.space, Plan.of(plan), seed, self.state)

    def record(self, kind, **fields):
        record = {"seq": len(self.records), "t": 0.0, "type": kind, **fields}
        self.records.append(record)
        self.state.apply(record)

    def create(self):
        place = self.supply.next()
        if place is None:
            return None
        try:
            proposal = self.supply.propose(place)
        except ExhaustedError as error:
            self.record("exhausted", block=place.block, reason=str(error))
            return self.create()
        self.record(
            "trial",
            id=place.id,
            block=place.block,
            index=place.index,
            strategy=place.strategy.kind,
            position=proposal.position,
            params=proposal.params,
        )
        trial = self.state.trials[place.id]
        self.supply.decided(trial)
        return trial

    def end(self, number, value=1.0):
        self.record(
            "ended",
            id=number,
            state="failed" if value is None else "completed",
            value=value,
            result={},
            error=None,
            traceback=None,
            worker="w",
            started=0.0,
            ended=1.0,
        )

    def all(self):
        trials = []
        while (trial := self.create()) is not None:
            trials.append(trial)
            self.end(trial.id)
        return trials


@given(st.integers(0, 2**63), st.lists(st.integers(0, 2**62), unique=True, max_size=20))
def test_seeds_of_trials_are_distinct_and_fit_into_63_bits(seed, trials):
    seeds = [trial_seed(seed, trial) for trial in trials]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= one < 2**63 for one in seeds)
    assert seeds == [trial_seed(seed, trial) for trial in trials]


def test_seeds_of_trials_blocks_fits_and_experiments_differ():
    seeds = [f(s, n) for f in (trial_seed, block_seed) for s in range(4) for n in range(50)]
    seeds += [trial_seed(0, FIT_SEEDS + n) for n in range(50)]
    assert len(set(seeds)) == len(seeds)


def test_blocks_come_in_order_with_running_numbers():
    search = Search([phsx.Random(2), phsx.Sobol(3), phsx.Grid(1)])
    trials = search.all()
    assert [t.id for t in trials] == list(range(6))
    assert [t.block for t in trials] == [0, 0, 1, 1, 1, 2]
    assert [t.index for t in trials] == [0, 1, 0, 1, 2, 0]
    assert search.supply.done and search.supply.next() is None


def test_total_is_known_where_the_plan_says_it():
    assert Search([phsx.Random(2), phsx.Sobol(3)]).supply.total == 5
    assert Search([phsx.Random(2), phsx.Random()]).supply.total is None
    assert Search(phsx.Grid(), {"n": phsx.Int(1, 4)}).supply.total == 4


def test_nothing_is_proposed_twice_across_blocks():
    space = {"n": phsx.Int(1, 3), "c": phsx.Categorical(["u", "v"])}
    search = Search([phsx.Random(3), phsx.Grid(), phsx.Random(2)], space)
    trials = search.all()
    points = [tuple(t.params.values()) for t in trials]
    assert len(set(points)) == len(points) == 6
    assert set(search.state.exhausted) == {1, 2}
    assert search.supply.total == 6


def test_used_up_space_says_why():
    search = Search([phsx.Random(5)], {"n": phsx.Int(1, 3)})
    assert len(search.all()) == 3
    assert "no untried point is left" in search.state.exhausted[0]
    assert search.supply.done and search.supply.total == 3


def test_repeats_are_allowed_where_they_are_asked_for():
    search = Search([phsx.Random(9, repeats=True)], {"n": phsx.Int(1, 3)})
    assert len(search.all()) == 9


def test_pending_points_are_taken_too():
    search = Search(phsx.Random(3), {"n": phsx.Int(1, 3)})
    trials = [search.create() for _ in range(3)]
    assert len({t.params["n"] for t in trials}) == 3
    assert search.supply.taken(trials[0].params)


def test_wait_holds_a_block_back_until_earlier_ones_have_ended():
    search = Search([phsx.Random(2), phsx.Random(2, wait=True)])
    first, second = search.create(), search.create()
    assert search.supply.next() is None and not search.supply.done
    search.end(second.id)
    assert search.supply.next() is None
    search.end(first.id, None)  # failed trials have ended as well
    assert search.supply.next().block == 1
    third = search.create()
    assert search.supply.next() is not None, "trials of the same block are not waited for"
    assert third.block == 1


def test_model_is_named_when_its_time_has_come():
    search = Search([phsx.Random(3), phsx.Bayesian(5, initial=3)])
    for _ in range(3):
        assert search.supply.next().model is None
        search.create()
    assert search.supply.next().model is None, "there is no result yet"
    for number in range(3):
        search.end(number)
    assert search.supply.next().model is not None


def test_failed_trials_are_no_results_for_a_model():
    search = Search([phsx.Random(3), phsx.Bayesian(5, initial=3)])
    for _ in range(3):
        search.end(search.create().id, None)
    assert search.supply.next().model is None


@pytest.mark.parametrize(
    "plan",
    [
        [phsx.Sobol(5), phsx.Random(4)],
        [phsx.LatinHypercube(6), phsx.Halton(3)],
        [phsx.Grid(7, points=3), phsx.Random(2, x=[0.1, 0.2])],
    ],
)
def test_going_on_from_any_point_gives_the_same_trials(plan):
    whole = [trial.params for trial in Search(plan, seed=5).all()]
    search = Search(plan, seed=5)
    search.all()
    for cut in range(len(search.records)):
        again = Search(plan, seed=5, records=search.records[:cut])
        again.all()
        assert [trial.params for trial in again.state.trials.values()] == whole, cut


def test_other_seeds_other_trials():
    one, other = (Search(phsx.Random(3), seed=seed).all() for seed in (0, 1))
    assert [t.params for t in one] != [t.params for t in other]


def test_equal_blocks_do_not_repeat_each_other():
    trials = Search([phsx.Sobol(4), phsx.Sobol(4)]).all()
    assert len({t.params["x"] for t in trials}) == 8


def test_blocks_that_grow_go_on_where_they_were():
    search = Search([phsx.Sobol(3)])
    search.all()
    grown = Search([phsx.Sobol(8)], records=search.records)
    grown.all()
    whole = Search([phsx.Sobol(8)])
    whole.all()
    assert [t.params for t in grown.state.trials.values()] == [
        t.params for t in whole.state.trials.values()
    ]


class TestGrowth:
    def test_goes_on_where_it_had_ended(self):
        search = Search(phsx.Random(2))
        assert [search.create().id, search.create().id] == [0, 1]
        assert search.create() is None and search.supply.done
        search.supply.extend(Plan([phsx.Random(3), phsx.Sobol(1)]))
        assert not search.supply.done and search.supply.total == 4
        assert [search.create().block, search.create().block] == [0, 1]
        assert search.create() is None and search.supply.done
