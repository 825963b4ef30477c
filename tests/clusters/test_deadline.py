"""What fits before a worker's end."""

from __future__ import annotations

import numpy as np

from phsx.clusters.deadline import fits, longest


def test_what_fits():
    assert fits(20.0, 22.0) and not fits(20.0, 21.9)
    assert fits(None, 0.0) and fits(1e9, None)


def test_the_next_trial_may_take_longer_than_any_before():
    """And the more so the fewer there were."""
    rng = np.random.default_rng(0)
    cut = 0
    for _ in range(200):
        durations = list(rng.uniform(5, 20, size=20))
        for number in range(1, 20):
            expected = longest(durations[:number])
            cut += durations[number] > expected
            assert expected <= 1.6 * 20
    assert cut < 0.05 * 200 * 19
