import tracemalloc

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.gaussian_process.kernels import Matern as Reference

from phsx.models.additive import Additive
from phsx.models.forest import Forest, Partition
from phsx.models.kernel import squared_distances
from phsx.models.matern import Matern
from phsx.models.sum import Sum

GROUPS = [0, 1, 1, 2]
GROWN = np.random.default_rng(10).random((40, 4))
KERNELS = {
    "forest": Forest(Partition(GROWN, np.sin(5 * GROWN[:, 0]) + GROWN[:, 1])),
    "matern": Matern(GROUPS),
    "additive": Additive(GROUPS),
    "sum": Sum(Matern(GROUPS), Additive(GROUPS)),
}


def theta_of(kernel, seed=0):
    return np.random.default_rng(seed).normal(-0.5, 0.4, kernel.size)


@pytest.fixture(params=KERNELS)
def kernel(request):
    return KERNELS[request.param]


def test_matern_is_scikit_learns():
    rng = np.random.default_rng(0)
    a, b = rng.random((7, 3)), rng.random((5, 3))
    scales = np.array([0.2, 0.7, 3.0])
    ours = Matern([0, 1, 2]).matrix(np.append(np.log(scales), np.log(2.5)), a, b)
    assert np.allclose(ours, 2.5 * Reference(scales, nu=2.5)(a, b), rtol=1e-12)


def test_features_of_a_group_share_a_length_scale():
    scales = np.array([0.2, 0.7, 0.7, 3.0])
    rng = np.random.default_rng(1)
    a, b = rng.random((7, 4)), rng.random((5, 4))
    ours = Matern(GROUPS).matrix(np.log([0.2, 0.7, 3.0, 1.0]), a, b)
    assert np.allclose(ours, Reference(scales, nu=2.5)(a, b), rtol=1e-12)


def test_additive_is_a_sum_over_groups():
    rng = np.random.default_rng(2)
    a, b = rng.random((7, 4)), rng.random((5, 4))
    ours = Additive(GROUPS).matrix(np.log([0.2, 0.7, 3.0, 1.0, 2.0, 0.5]), a, b)
    parts = [
        1.0 * Reference(0.2, nu=2.5)(a[:, :1], b[:, :1]),
        2.0 * Reference(0.7, nu=2.5)(a[:, 1:3], b[:, 1:3]),
        0.5 * Reference(3.0, nu=2.5)(a[:, 3:], b[:, 3:]),
    ]
    assert np.allclose(ours, sum(parts), rtol=1e-12)


@pytest.mark.parametrize("shape", ["any", "symmetric", "triangular"])
def test_gradient_by_parameters(kernel, shape):
    rng = np.random.default_rng(3)
    x = rng.random((12, 4))
    weights = rng.normal(size=(12, 12))
    if shape == "symmetric":
        weights += weights.T
    if shape == "triangular":
        weights = np.triu(weights)
    theta = theta_of(kernel)
    _, pullback = kernel.forward(theta, x)
    numeric = approx_fprime(theta, lambda t: np.vdot(weights, kernel.matrix(t, x, x)), 1e-7)
    assert np.allclose(pullback(weights), numeric, atol=1e-4)


def test_forward_is_the_matrix(kernel):
    x = np.random.default_rng(4).random((6, 4))
    theta = theta_of(kernel)
    covariance, _ = kernel.forward(theta, x)
    assert np.array_equal(covariance, kernel.matrix(theta, x, x))
    assert np.allclose(np.diag(covariance), kernel.variance(theta))


@pytest.mark.parametrize("n", [5, 300])
def test_gram_is_the_upper_triangle(kernel, n):
    x = np.random.default_rng(9).random((n, 4))
    theta = theta_of(kernel)
    gram = np.triu(kernel.gram(theta, x))
    assert np.allclose(gram, np.triu(kernel.matrix(theta, x, x)), rtol=1e-12, atol=1e-14)


def test_gradient_by_inputs(kernel):
    rng = np.random.default_rng(5)
    a, b = rng.random((3, 4)), rng.random((9, 4))
    theta = theta_of(kernel)
    for weight in [rng.normal(size=(3, 9)), rng.normal(size=(1, 9))]:
        gradient = kernel.input_gradient(theta, a, b, weight)
        numeric = approx_fprime(
            a.ravel(),
            lambda flat, w=weight: (w * kernel.matrix(theta, flat.reshape(3, 4), b)).sum(),
            1e-7,
        )
        assert np.allclose(gradient.ravel(), numeric, atol=1e-5)


def test_gradient_by_inputs_is_finite_on_top_of_data(kernel):
    x = np.random.default_rng(6).random((4, 4))
    gradient = kernel.input_gradient(theta_of(kernel), x, x, np.ones((4, 4)))
    assert np.isfinite(gradient).all()


def test_names_cover_the_parameters(kernel):
    assert sum(length for _, length in kernel.names) == kernel.size
    assert (kernel.lower < kernel.prior.mean).all()
    assert (kernel.prior.mean < kernel.upper).all()


def test_no_array_of_pairs_times_features():
    n, features = 200, 40
    kernel = Matern(range(features))
    x = np.random.default_rng(7).random((n, features))
    tracemalloc.start()
    _, pullback = kernel.forward(np.zeros(kernel.size), x)
    pullback(np.ones((n, n)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * n * n * 8


def test_distances_are_never_negative():
    x = np.random.default_rng(8).random((50, 6)) * 1e3
    assert squared_distances(x, x).min() >= 0.0
