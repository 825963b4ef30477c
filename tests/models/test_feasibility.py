import numpy as np
from scipy.optimize import approx_fprime

from phsx.models.feasibility import Feasibility
from phsx.models.matern import Matern

KERNEL, THETA = Matern([0, 1]), np.log([0.3, 0.3, 1.0])
RNG = np.random.default_rng(0)


def test_failures_repel_and_far_points_are_not_touched():
    points = RNG.random((30, 2))
    succeeded = points[:, 0] < 0.5
    chance = Feasibility.of(KERNEL, THETA, points, succeeded)
    good, bad, far = np.exp(chance.log(np.array([[0.1, 0.5], [0.9, 0.5], [9.0, 9.0]])))
    assert good > 0.9
    assert bad < 0.2
    assert far == 1.0


def test_one_failure_among_successes_says_little():
    points = np.repeat([[0.5, 0.5]], 10, axis=0)
    chance = Feasibility.of(KERNEL, THETA, points, np.arange(10) > 0)
    assert np.exp(chance.log(points[:1]))[0] > 0.8


def test_gradient_leads_out_of_a_failed_region():
    points = np.vstack([RNG.random((20, 2)), [[0.7, 0.5]] * 20])
    chance = Feasibility.of(KERNEL, THETA, points, np.arange(40) < 20)
    at = np.array([[0.72, 0.55], [0.3, 0.4]])
    value, gradient = chance.gradient(at)
    assert np.array_equal(value, chance.log(at))
    numeric = approx_fprime(at[0], lambda x: chance.log(x[None])[0], 1e-7)
    assert np.allclose(gradient[0], numeric, atol=1e-4)
    assert np.abs(gradient[0]).max() > 0.0


def test_all_failed():
    points = RNG.random((8, 2))
    chance = Feasibility.of(KERNEL, THETA, points, np.zeros(8, dtype=bool))
    assert np.isfinite(chance.log(RNG.random((20, 2)))).all()
