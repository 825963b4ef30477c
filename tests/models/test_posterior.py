import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel
from sklearn.gaussian_process.kernels import Matern as Reference

from phsx.models.additive import Additive
from phsx.models.matern import Matern
from phsx.models.posterior import Posterior
from phsx.models.sum import Sum

KERNEL = Sum(Matern([0, 1, 2]), Additive([0, 1, 2]))
THETA = np.random.default_rng(0).normal(-0.5, 0.3, KERNEL.size)
RNG = np.random.default_rng(1)
X, Y = RNG.random((15, 3)), RNG.normal(size=15)
NEW = RNG.random((6, 3))


@pytest.fixture
def posterior():
    return Posterior.of(KERNEL, THETA, 0.01, X, Y)


def test_is_scikit_learns():
    kernel = ConstantKernel(2.0) * Reference([0.3, 0.5, 0.9], nu=2.5)
    theta = np.log([0.3, 0.5, 0.9, 2.0])
    ours = Posterior.of(Matern([0, 1, 2]), theta, 0.01, X, Y)
    theirs = GaussianProcessRegressor(kernel, alpha=0.01, optimizer=None)
    theirs.fit(X, Y - ours.constant)
    mean, std = theirs.predict(NEW, return_std=True)
    our_mean, our_variance = ours.predict(NEW)
    assert np.allclose(our_mean, mean + ours.constant)
    assert np.allclose(our_variance, std**2)


def test_constant_is_by_generalized_least_squares(posterior):
    covariance = KERNEL.matrix(THETA, X, X) + 0.01 * np.eye(15)
    inverse = np.linalg.inv(covariance)
    assert posterior.constant == pytest.approx((inverse @ Y).sum() / inverse.sum())


def test_smoothed_is_the_mean_at_the_data(posterior):
    mean, _ = posterior.predict(X)
    assert np.allclose(posterior.smoothed(Y), mean)


def test_explained_is_what_is_predicted_of_each_from_the_others(posterior):
    covariance = KERNEL.matrix(THETA, X, X) + 0.01 * np.eye(15)
    residuals = Y - posterior.constant
    missed = []
    for i in range(15):
        rest = np.arange(15) != i
        weights = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, i])
        missed.append(residuals[i] - weights @ residuals[rest])
    expected = 1.0 - np.mean(np.square(missed)) / Y.var()
    assert posterior.explained() == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 15])
def test_of_equal_values_nothing_is_explained(n):
    assert Posterior.of(KERNEL, THETA, 0.01, X[:n], np.full(n, 0.25)).explained() == 0.0


def test_pending_points_leave_the_mean_and_lower_the_variance(posterior):
    pending = RNG.random((4, 3))
    extended = posterior.extend(pending[:1]).extend(pending[1:])
    before, after = posterior.predict(NEW), extended.predict(NEW)
    assert np.allclose(before[0], after[0])
    assert (after[1] < before[1]).all()
    # The believer: as if the values there had been seen, and were what the model expects.
    points, values = np.vstack([X, pending]), np.append(Y, posterior.predict(pending)[0])
    believer = Posterior.of(KERNEL, THETA, 0.01, points, values)
    assert np.allclose(believer.predict(NEW)[1], after[1])


def test_no_pending_points(posterior):
    assert posterior.extend(np.empty((0, 3))) is posterior


@pytest.mark.parametrize("samples", [None, 3])
def test_gradients(posterior, samples):
    draws = None if samples is None else RNG.normal(size=(2, samples))
    extended = posterior.extend(RNG.random((2, 3)), draws)
    mean, variance, slopes = extended.differentiable(NEW)
    assert np.array_equal(mean, extended.predict(NEW)[0])
    assert np.array_equal(variance, extended.predict(NEW)[1])
    by_mean, by_variance = RNG.normal(size=mean.shape), RNG.normal(size=variance.shape)
    gradient = slopes(by_mean, by_variance)

    def total(points):
        mean, variance = extended.predict(points)
        return (by_mean * mean).reshape(6, -1).sum(axis=1) + by_variance * variance

    for axis in range(3):
        step = np.zeros(3)
        step[axis] = 1e-6
        numeric = (total(NEW + step) - total(NEW - step)) / 2e-6
        assert np.allclose(gradient[:, axis], numeric, atol=1e-5)


def test_samples_of_what_is_pending(posterior):
    pending, more = RNG.random((2, 3)), RNG.random((2, 3))
    draws = RNG.normal(size=(4, 5))
    extended = posterior.extend(pending, draws[:2]).extend(more, draws[2:])
    points = np.vstack([pending, more])
    values, variance = extended.predict(points)
    # The values are correlated as the posterior says ...
    before, covariance = posterior.predict(points)[0], posterior.covariance(points)
    expected = before[:, None] + np.linalg.cholesky(covariance) @ draws
    assert np.allclose(values, expected, atol=1e-4)
    assert np.allclose(extended.sampled(4), values, atol=1e-4)
    assert np.allclose(extended.sampled(2), values[2:], atol=1e-4)
    assert (variance < 1e-6).all()
    # ... and each sample is what the model becomes that has seen them, without noise.
    covariance = KERNEL.matrix(THETA, np.vstack([X, points]), np.vstack([X, points]))
    covariance[:15, :15] += 0.01 * np.eye(15)
    residuals = np.append(Y, values[:, 2]) - posterior.constant
    weights = np.linalg.solve(covariance, residuals)
    mean = posterior.constant + KERNEL.matrix(THETA, NEW, np.vstack([X, points])) @ weights
    assert np.allclose(extended.predict(NEW)[0][:, 2], mean, atol=1e-4)


def test_covariance(posterior):
    joint = posterior.covariance(NEW)
    assert np.allclose(np.diag(joint), posterior.predict(NEW)[1])
    # Conditioning on one more point agrees with the joint covariance.
    after = posterior.extend(NEW[:1]).predict(NEW[1:])[1]
    assert np.allclose(after, np.diag(joint)[1:] - joint[0, 1:] ** 2 / (joint[0, 0] + 0.01))


def test_equal_points():
    same = np.repeat(X[:3], 20, axis=0)
    posterior = Posterior.of(KERNEL, THETA, 1e-6, same, np.repeat(Y[:3], 20))
    mean, variance = posterior.extend(same[:5]).predict(X[:3])
    assert np.allclose(mean, Y[:3], atol=1e-3)
    assert (variance > 0.0).all()
