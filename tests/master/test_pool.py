"""Evaluation slots: which are free, which soon will be."""

from __future__ import annotations

import pytest

from phsx.master.pool import RECENT, Pool


@pytest.fixture
def pool():
    pool = Pool()
    pool.join("a", 2)
    pool.join("b", 1)
    return pool


def test_slots_are_counted_free_or_taken(pool):
    assert len(pool) == 3
    pool.take("a", 0, 0.0)
    assert (len(pool), pool.running) == (3, 1)
    pool.give_back(0)
    assert (len(pool), pool.running) == (3, 0)


def test_free_slots_one_entry_each_the_emptiest_worker_first(pool):
    assert pool.free() == ["a", "a", "b"]
    pool.take("a", 0, 0.0)
    assert sorted(pool.free()) == ["a", "b"]
    pool.take("a", 1, 0.0)
    assert pool.free() == ["b"]
    pool.take("b", 2, 0.0)
    assert pool.free() == []


def test_worker_that_leaves_takes_its_slots_along(pool):
    pool.take("a", 0, 0.0)
    pool.leave("a")
    assert (len(pool), pool.free()) == (1, ["b"])
    assert pool.running == 1, "what ran there is given back by itself"
    pool.give_back(0)
    assert pool.running == 0


def test_unknown_workers_and_trials_do_no_harm(pool):
    pool.leave("nobody")
    pool.give_back(17)
    assert len(pool) == 3


def test_worker_that_comes_back_has_its_new_number_of_slots(pool):
    pool.leave("a")
    pool.join("a", 4)
    assert pool.free() == ["a"] * 4 + ["b"]


def test_more_running_than_slots_is_no_free_slot(pool):
    pool.take("b", 0, 0.0)
    pool.take("b", 1, 0.0)
    assert pool.free() == ["a", "a"]


class TestDurations:
    def test_unknown_before_the_first(self, pool):
        assert pool.duration is None
        pool.take("a", 0, 0.0)
        assert pool.ending(now=100.0, lead=50.0) == ([], None)

    def test_a_single_one_is_taken_as_it_is(self, pool):
        pool.learn(4.0)
        assert pool.duration == 4.0

    def test_lower_quartile_of_recent_ones(self, pool):
        for duration in [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]:
            pool.learn(duration)
        assert pool.duration == 2.0
        for _ in range(RECENT):
            pool.learn(10.0)
        assert pool.duration == 10.0

    def test_ending_soon_and_the_next_one_after(self, pool):
        pool.learn(10.0)
        pool.take("a", 0, 0.0)
        pool.take("b", 1, 3.0)
        pool.take("a", 2, 8.0)
        assert pool.ending(now=8.0, lead=1.0) == ([], pytest.approx(1.0))
        assert pool.ending(now=9.5, lead=1.0) == (["a"], pytest.approx(2.5))
        due, wait = pool.ending(now=30.0, lead=1.0)
        assert (sorted(due), wait) == (["a", "a", "b"], None)


def test_the_longest_that_saves_no_checkpoints():
    pool = Pool()
    assert pool.longest(100.0) == 0.0
    pool.join("a", 3)
    for trial, started in enumerate([10.0, 40.0, 50.0]):
        pool.take("a", trial, started)
    assert pool.longest(100.0) == 90.0
    pool.deadlines.saves(0)
    assert pool.longest(100.0) == 60.0
