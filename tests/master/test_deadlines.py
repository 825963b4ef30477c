"""Which trial may start where, on workers that end at a known time."""

from __future__ import annotations

import pytest

from phsx.master.deadlines import RECENT, WHOLE_LIFE, Deadlines
from phsx.master.pool import Pool


@pytest.fixture
def deadlines():
    found = Deadlines()
    found.join("short", 60.0, 0.0)
    found.join("long", 600.0, 0.0)
    found.join("endless", None, 0.0)
    return found


def test_while_nothing_is_known_everything_is_tried(deadlines):
    assert deadlines.expected is None
    assert all(deadlines.fits(0, worker, 59.0) for worker in ("short", "long", "endless"))


def test_a_trial_starts_where_it_is_likely_to_end_in_time(deadlines):
    for _ in range(RECENT):
        deadlines.learn(20.0)
    assert deadlines.fits(0, "short", 30.0) and not deadlines.fits(0, "short", 37.0)
    assert deadlines.fits(0, "long", 500.0) and deadlines.fits(0, "endless", 1e9)
    assert deadlines.spent("short", 37.0) and not deadlines.spent("long", 37.0)


def test_what_the_user_says_counts(deadlines):
    given = Deadlines(expected=50.0)
    given.join("a", 60.0, 0.0)
    given.learn(1.0)
    assert not given.fits(0, "a", 20.0)


def test_a_trial_that_was_cut_needs_a_longer_life_than_that(deadlines):
    deadlines.learn(1.0)
    assert deadlines.cut(7, "short", started=30.0, now=60.0) is None
    deadlines.join("new", 600.0, 570.0)
    assert not deadlines.fits(7, "new", 570.0) and deadlines.fits(8, "new", 570.0)
    assert deadlines.fits(7, "long", 500.0)
    assert not deadlines.spent("new", 570.0), "others fit"


def test_a_trial_that_had_a_whole_life_is_hopeless():
    deadlines = Deadlines()
    deadlines.join("a", 100.0, 0.0)
    text = deadlines.cut(0, "a", started=2.0, now=100.0)
    assert "98 s" in text and "100 s" in text and "walltime=" in text


def test_trials_that_need_a_whole_life_are_tried_on_fresh_workers():
    deadlines = Deadlines(expected=1000.0)
    deadlines.join("a", 100.0, 0.0)
    assert deadlines.fits(0, "a", 1.0)
    assert not deadlines.fits(0, "a", 100.0 * (1 - WHOLE_LIFE) + 1)


def test_an_end_that_is_due(deadlines):
    assert not deadlines.ended_by_it("short", 20.0)
    assert deadlines.ended_by_it("short", 55.0) and deadlines.ended_by_it("short", 90.0)
    assert not deadlines.ended_by_it("endless", 90.0)
    assert not deadlines.ended_by_it("unknown", 90.0)


class TestPieces:
    """Trials that save checkpoints may be run in pieces."""

    @pytest.fixture
    def deadlines(self, deadlines):
        deadlines.learn(1000.0)
        assert not any(deadlines.fits(0, worker, 300.0) for worker in ("short", "long"))
        deadlines.saves(0)
        return deadlines

    def test_a_piece_fits_where_the_whole_does_not(self, deadlines):
        assert deadlines.fits(0, "long", 300.0) and not deadlines.fits_whole(0, "long", 300.0)
        assert deadlines.fits(1, "long", 300.0), "another trial may save too"
        assert not deadlines.spent("long", 300.0)

    def test_but_not_where_it_would_soon_be_asked_to_save(self, deadlines):
        """A tenth of a life is the notice, and a piece is worth while above twice that."""
        assert deadlines.ask_at("long") == 540.0 and deadlines.ask_at("endless") is None
        assert not deadlines.fits(0, "long", 481.0) and deadlines.spent("long", 481.0)
        assert deadlines.fits(0, "endless", 1e9) and not deadlines.spent("endless", 1e9)

    def test_a_fresh_worker_always_does(self, deadlines):
        deadlines.notice.learn(1e6, asked=True)
        assert deadlines.fits(0, "short", 0.0) and deadlines.fits(0, "long", 0.0)

    def test_one_that_was_cut_is_asked_earlier(self, deadlines):
        assert deadlines.cut(0, "long", 0.0, 600.0, asked=540.0) is None
        assert deadlines.ask_at("long") == 600.0 - 200.0
        text = deadlines.cut(0, "long", 0.0, 600.0, asked=400.0)
        assert "let it save a checkpoint more often, or ask for a longer walltime=" in text

    def test_one_that_was_cut_and_never_saves_has_to_fit_as_a_whole(self, deadlines):
        assert "600 s: ask for a longer walltime=" in deadlines.cut(1, "long", 0.0, 590.0)
        assert deadlines.cut(2, "long", 300.0, 600.0) is None
        assert not deadlines.fits(2, "long", 300.0) and deadlines.fits(3, "long", 300.0)


class TestPool:
    def test_spent_workers_take_nothing_and_are_given_back_when_idle(self):
        pool = Pool()
        pool.join("a", 1, deadline=60.0, now=0.0)
        pool.join("b", 2)
        pool.learn(20.0)
        assert pool.retire(0.0) == [] and sorted(pool.free()) == ["a", "b", "b"]
        pool.take("a", 0, now=10.0)
        assert pool.retire(45.0) == [], "its trial may end in time"
        pool.give_back(0)
        assert pool.retire(46.0) == ["a"] and pool.free() == ["b", "b"]
        pool.leave("a")
        assert pool.retire(47.0) == []

    def test_an_address_that_is_used_again_is_a_new_worker(self):
        pool = Pool()
        pool.learn(20.0)
        pool.join("a", 1, deadline=60.0, now=0.0)
        assert pool.retire(59.0) == ["a"]
        pool.leave("a")
        pool.join("a", 1)
        assert pool.retire(59.0) == [] and pool.free() == ["a"]


class TestStopping:
    """How long trials take until they have stopped."""

    def test_that_have_to_end(self):
        deadlines = Deadlines(expected=50.0)
        assert deadlines.stopping(1000.0) == 50.0
        assert Deadlines().stopping(1000.0) is None

    def test_that_save_checkpoints(self):
        deadlines = Deadlines(expected=5000.0, notice=20.0)
        deadlines.saves(3)
        assert deadlines.stopping(1000.0) == 20.0
        assert deadlines.in_pieces(3) and not deadlines.in_pieces(4)
