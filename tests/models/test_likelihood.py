import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal, norm

from phsx.models.additive import Additive
from phsx.models.likelihood import (
    NOISE_FLOOR,
    belief,
    fresh_start,
    maximize_posterior,
    negative_log_posterior,
)
from phsx.models.matern import Matern
from phsx.models.sum import Sum

RNG = np.random.default_rng(0)
X, Y = RNG.random((14, 3)), RNG.normal(size=14)
KERNELS = {"matern": Matern([0, 1, 2]), "sum": Sum(Matern([0, 1, 1]), Additive([0, 1, 1]))}


@pytest.fixture(params=KERNELS)
def kernel(request):
    return KERNELS[request.param]


def test_gradient(kernel):
    vector = RNG.normal(-0.5, 0.4, kernel.size + 1)
    _, gradient = negative_log_posterior(vector, kernel, belief(kernel), X, Y)
    numeric = approx_fprime(
        vector, lambda v: negative_log_posterior(v, kernel, belief(kernel), X, Y)[0], 1e-7
    )
    assert np.allclose(gradient, numeric, atol=1e-4)


def test_value_is_likelihood_and_priors(kernel):
    def reference(vector):
        covariance = kernel.matrix(vector[:-1], X, X) + np.exp(vector[-1]) * np.eye(14)
        inverse = np.linalg.inv(covariance)
        mean = (inverse @ Y).sum() / inverse.sum()
        return -(
            multivariate_normal(np.full(14, mean), covariance).logpdf(Y)
            - kernel.prior.penalty(vector[:-1])[0]
            + norm(-7.0, 2.0).logpdf(vector[-1])
        )

    # Constants are left out, so differences are compared.
    one, two = RNG.normal(-0.5, 0.4, (2, kernel.size + 1))
    ours = [
        negative_log_posterior(vector, kernel, belief(kernel), X, Y)[0] for vector in (one, two)
    ]
    assert ours[0] - ours[1] == pytest.approx(reference(one) - reference(two))


def test_maximum_is_one(kernel):
    start = fresh_start(kernel)
    vector = maximize_posterior(kernel, X, Y, [(start, 200)])
    value, gradient = negative_log_posterior(vector, kernel, belief(kernel), X, Y)
    assert value < negative_log_posterior(start, kernel, belief(kernel), X, Y)[0]
    inside = vector > np.append(kernel.lower, np.log(NOISE_FLOOR)) + 1e-9
    assert np.abs(gradient[inside]).max() < 0.05


def test_the_better_start_wins():
    x = np.linspace(0, 1, 25)[:, None]
    y = np.sin(30 * x[:, 0])
    kernel = Matern([0])
    good, bad = np.array([-2.0, 0.0, -9.0]), np.array([6.0, 0.0, 2.0])
    both = maximize_posterior(kernel, x, y, [(bad, 0), (good, 30)])
    assert np.array_equal(both, maximize_posterior(kernel, x, y, [(good, 30)]))


def test_noise_has_a_floor():
    x = np.linspace(0, 1, 30)[:, None]
    vector = maximize_posterior(Matern([0]), x, x[:, 0] * 3, [(np.array([1.0, 1.0, -30.0]), 50)])
    assert vector[-1] >= np.log(NOISE_FLOOR)


def test_impossible_values():
    with pytest.raises(np.linalg.LinAlgError, match="not finite"):
        maximize_posterior(Matern([0, 1, 2]), X, np.full(14, np.nan), [(np.zeros(5), 5)])
