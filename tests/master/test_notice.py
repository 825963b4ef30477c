"""How long before its worker's end a trial is asked to save."""

from __future__ import annotations

from phsx.master.notice import LONGEST_SHARE, Notice


def test_at_first_a_tenth_of_a_life_and_a_minute_at_most():
    assert Notice().of(100.0) == 10.0 and Notice().of(1e6) == 60.0


def test_what_the_user_says_counts():
    notice = Notice(30.0)
    notice.learn(5.0, asked=True)
    assert notice.of(3600.0) == 30.0 and not notice.widen(3600.0, 30.0)


def test_what_trials_take_that_were_asked_tells_the_most():
    notice = Notice()
    notice.learn(100.0, asked=False)
    assert 100.0 < notice.of(3600.0) < 200.0
    notice.learn(10.0, asked=True)
    assert 10.0 < notice.of(3600.0) < 20.0


def test_most_of_a_life_is_for_the_trial_itself():
    notice = Notice()
    notice.learn(1e4, asked=True)
    assert notice.of(60.0) == LONGEST_SHARE * 60.0
    assert Notice(1e4).of(60.0) == LONGEST_SHARE * 60.0


def test_what_was_not_enough_is_widened_until_it_is_a_third():
    notice = Notice()
    assert notice.widen(100.0, 10.0) and notice.of(100.0) == LONGEST_SHARE * 100.0
    assert not notice.widen(100.0, 33.3)
    assert notice.widen(1e4, 33.3), "other workers live longer"


def test_those_that_were_cut_together_widen_it_once():
    notice = Notice()
    assert notice.widen(1e4, 60.0) and notice.of(1e4) == 240.0
    assert notice.widen(1e4, 60.0) and notice.of(1e4) == 240.0
    assert notice.widen(1e4, 240.0) and notice.of(1e4) == 960.0
