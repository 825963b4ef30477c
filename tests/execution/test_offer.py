"""What a worker has, as it tells it."""

from __future__ import annotations

from phsx.execution.offer import lifetime_left


def test_a_lifetime_counts_from_the_start_of_the_process():
    assert lifetime_left(60.0, 15.0) == 45.0
    assert lifetime_left(None, 15.0) is None


def test_a_worker_in_an_older_process_says_nothing():
    assert lifetime_left(60.0, 61.0) is None
