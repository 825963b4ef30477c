"""Tests of looking outside of basins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from phsx.models.elsewhere import Basins, Elsewhere, far_apart
from phsx.models.improvement import ExpectedImprovement
from phsx.models.judged import Judged
from phsx.models.matern import Matern
from phsx.models.posterior import Posterior

RNG = np.random.default_rng(0)
BASINS = Basins.of([0, 1], [0.2, 0.4], np.array([[0.2, 0.2], [0.8, 0.6]]))
PENDING = np.array([[0.21, 0.2], [0.6, 0.1]])


@pytest.fixture(scope="module")
def acquisition():
    points = RNG.random((15, 2))
    values = np.sin(7 * points[:, 0]) + points[:, 1]
    theta = np.array([-1.0, -1.0, 0.0])
    posterior = Posterior.of(Matern([0, 1]), theta, 1e-4, points, values)
    return Judged(posterior, ExpectedImprovement(float(values.min())), None)


def test_a_basin_is_long_where_the_length_scale_is():
    along = np.array([[0.2, 0.2], [0.2, 0.6], [0.5, 0.15], [0.8, 0.5]])
    assert BASINS.contain(along).tolist() == [True, True, False, True]


def test_penalty_is_large_inside_and_small_outside():
    penalty, _ = BASINS.penalty(np.array([[0.2, 0.2], [0.5, 0.95]]))
    assert penalty[0] > 30
    assert penalty[1] < 0.01


@pytest.mark.parametrize("pending", [0, 2])
def test_gradient(acquisition, pending):
    if pending:
        acquisition = acquisition.extend(PENDING, RNG.standard_normal((2, 16)))
    elsewhere = Elsewhere.of(acquisition, BASINS, 0.5, PENDING[:pending])
    for at in RNG.random((5, 2)):
        value, gradient = elsewhere.gradient(at[None])
        assert value == pytest.approx(elsewhere(at[None]))
        numeric = approx_fprime(at, lambda x: elsewhere(x[None])[0], 1e-7)
        assert np.allclose(gradient[0], numeric, rtol=1e-3, atol=1e-3)


def test_what_is_known_outside_is_to_be_beaten(acquisition):
    low, high = (Elsewhere.of(acquisition, BASINS, best, PENDING[:0]) for best in (-0.5, 0.5))
    at = np.array([[0.5, 0.95]])
    assert high(at) > low(at)


def test_pending_points_outside_may_be_better(acquisition):
    draws = np.full((2, 16), -5.0)
    extended = acquisition.extend(PENDING, draws)
    values = extended.posterior.sampled(2)
    found = Elsewhere.of(extended, BASINS, 1e3, PENDING)
    assert np.array_equal(found.acquisition.criterion.best, values[1])


def test_pending_points_inside_do_not_count(acquisition):
    extended = acquisition.extend(PENDING[:1], np.full((1, 16), -5.0))
    found = Elsewhere.of(extended, BASINS, 0.25, PENDING[:1])
    assert np.array_equal(found.acquisition.criterion.best, np.full(16, 0.25))


def test_pending_points_at_the_border_count(acquisition):
    # What is best outside often lies at the border: two searchers would meet there.
    line = np.linspace([0.2, 0.2], [0.2, 0.95], 2000)
    border = line[[np.flatnonzero(BASINS.contain(line)).max()]]
    assert BASINS.contain(border)
    extended = acquisition.extend(border, np.full((1, 16), -5.0))
    found = Elsewhere.of(extended, BASINS, 1e3, border)
    assert np.array_equal(found.acquisition.criterion.best, extended.posterior.sampled(1)[0])


@pytest.mark.parametrize("count", [1, 4, 40])
def test_points_far_apart(count):
    points = np.random.default_rng(5).random((30, 3))
    points[10:] = points[3] + 0.01 * points[10:]  # a crowd
    chosen = far_apart(points, 3, count)
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert len(chosen) == min(count, 30)
    assert 3 in chosen
    if count == 4:
        apart = np.linalg.norm(points[chosen][:, None] - points[chosen][None], axis=2)
        assert apart[np.triu_indices(4, 1)].min() > 0.3


def test_equal_points_are_chosen_once_each():
    assert far_apart(np.zeros((3, 2)), 1, 3).tolist() == [0, 1, 2]
