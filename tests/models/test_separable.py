import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.gaussian_process.kernels import Matern as Reference

from phsx.models.additive import Additive
from phsx.models.separable import LARGEST, Separable

RNG = np.random.default_rng(0)
ROOT5 = np.sqrt(5.0)


def reference(scales, weights, a, b):
    parts = [
        weight * Reference(length, nu=2.5)(a[:, [j]], b[:, [j]])
        for j, (length, weight) in enumerate(zip(scales, weights, strict=True))
    ]
    return sum(parts)


@pytest.mark.parametrize("length", [5e-3, 0.05, 1.0, 1e4])
@pytest.mark.parametrize("size", [3, 120])
def test_is_a_sum_of_matern_kernels(length, size):
    a, b = RNG.random((size, 3)), RNG.random((size + 40, 3))
    a[0], a[1], b[2] = b[0], 0.0, 1.0
    scales, weights = np.array([length, 0.3, 2.0]), np.array([1.0, 0.5, 2.0])
    cross = Separable(np.arange(3), ROOT5 / scales, np.log(weights), b)
    expected = reference(scales, weights, a, b)
    # Terms up to the square of the scaled coordinates cancel each other.
    error = 1e-15 * max(10.0, (ROOT5 / length) ** 2)
    assert np.allclose(cross.matrix(a), expected, rtol=0.0, atol=error)


def test_equal_coordinates_count_once():
    x = np.round(RNG.random((30, 2)) * 3.0) / 3.0
    kernel = Additive([0, 1])
    theta = np.array([-1.0, 0.3, 0.2, -0.4])
    weights = RNG.normal(size=(30, 30))
    _, pullback = kernel.forward(theta, x)
    numeric = approx_fprime(theta, lambda t: np.vdot(weights, kernel.matrix(t, x, x)), 1e-7)
    assert np.allclose(pullback(weights), numeric, atol=1e-4)


def test_what_does_not_reach_is_calculated_otherwise():
    x = RNG.random((20, 2)) * [1.0, 1e5]
    scales = np.array([0.5, 0.3])
    assert Separable.reaches(ROOT5 / scales, x).tolist() == [True, False]
    theta = np.log([0.5, 0.3, 1.0, 2.0])
    kernel = Additive([0, 1])
    expected = reference(scales, [1.0, 2.0], x, x)
    assert np.allclose(kernel.matrix(theta, x, x), expected, atol=1e-6)
    covariance, pullback = kernel.forward(theta, x)
    assert np.allclose(covariance, expected, atol=1e-6)
    gradient = pullback(np.ones((20, 20)))
    assert gradient[2:] == pytest.approx([expected.sum() - 40.0, 40.0], rel=1e-4)


def test_points_far_from_all_fixed_ones():
    length = ROOT5 / (2.0 * LARGEST)
    near, far = np.array([[0.0], [1.0]]), np.array([[-3e3], [2.0], [7e8]])
    cross = Separable(np.array([0]), np.array([ROOT5 / length]), np.array([0.0]), near)
    covariance, pullback = cross.differentiable(far)
    assert np.array_equal(covariance, cross.matrix(far))
    assert np.allclose(covariance, 0.0, atol=1e-12)
    assert np.allclose(pullback(np.ones((3, 2))), 0.0, atol=1e-9)
