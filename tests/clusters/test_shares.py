"""For how many trials jobs of each kind are wanted."""

from __future__ import annotations

from phsx.clusters.shares import shares

CPU, GPU, BOTH = {"cores": 4.0}, {"cores": 8.0, "GPU": 1.0}, {"GPU": 2.0, "licence": 1.0}
WANTS = {"GPU": 1.0}


def test_one_kind_is_for_all():
    assert shares([GPU], 7, [{}, WANTS]) == [(7, 7)]
    assert shares([CPU], None, []) == [(None, None)]


def test_trials_count_where_nothing_is_wasted_on_them():
    assert shares([CPU, GPU], 5, [WANTS, WANTS, {}, {}, {}]) == [(3, 3), (2, 5)]


def test_of_unknown_ones_no_more_is_expected_than_what_all_ask_for():
    assert shares([CPU, GPU], 9, [WANTS]) == [(8, 8), (1, 9)]
    assert shares([CPU, GPU], 9, [WANTS], WANTS) == [(0, 0), (9, 9)]
    assert shares([CPU, GPU], None, [WANTS]) == [(None, None), (1, None)]


def test_equals_count_both():
    assert shares([CPU, CPU, GPU], 4, [{}, WANTS]) == [(3, 3), (3, 3), (1, 4)]


def test_what_a_smaller_kind_cannot_do_counts_for_a_larger_one():
    assert shares([CPU, GPU], 1, [{"cores": 6.0}]) == [(0, 0), (1, 1)]
    assert shares([GPU, BOTH], 2, [{"GPU": 2.0}, WANTS]) == [(1, 1), (1, 2)]


def test_what_no_kind_has_counts_nowhere():
    assert shares([CPU], 1, [WANTS]) == [(0, 0)]
