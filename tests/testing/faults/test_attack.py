"""Attacks that go on beside a search."""

from __future__ import annotations

import itertools

from phsx.testing.faults import Attack, until


def test_over_when_so_much_is_done():
    words = itertools.cycle([None, "hit"])
    with Attack(lambda rng: next(words), every=0.001, seed=0, times=3) as attack:
        until(lambda: len(attack.done) == 3)
        attack._thread.join(10)
        assert not attack._thread.is_alive()
    assert attack.done == ["hit"] * 3
