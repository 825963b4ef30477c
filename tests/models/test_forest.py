import numpy as np
import pytest
from sklearn.ensemble import ExtraTreesRegressor

from phsx.models.forest import Forest, Partition
from phsx.models.posterior import Posterior
from phsx.models.trees import Trees

RNG = np.random.default_rng(0)
X = RNG.random((60, 3))
Y = np.where(X[:, 0] > 0.4, 1.0, 0.0) + 0.3 * X[:, 1]
ONE = np.zeros(1)


@pytest.fixture(scope="module")
def kernel():
    return Forest(Partition(X, Y))


def test_alike_are_points_of_the_same_leaf(kernel):
    leaves = kernel.partition.leaves(X)
    alone = leaves[[4]] @ leaves[[9]].T
    assert kernel.matrix(ONE, X[4:5], X[9:10]).item() == pytest.approx(alone.toarray().item())
    shared = kernel.matrix(ONE, X, X)
    assert np.allclose(np.diag(shared), 1.0)
    assert shared.min() >= 0.0
    assert shared.max() <= 1.0 + 1e-12
    assert np.allclose(kernel.matrix(np.log([3.0]), X, X), 3.0 * shared)


def test_it_is_a_covariance(kernel):
    at = RNG.random((80, 3))
    assert np.linalg.eigvalsh(kernel.matrix(ONE, at, at)).min() > -1e-9


def test_cuts_where_outputs_change_and_nowhere_else(kernel):
    def alike(a, b):
        return kernel.matrix(ONE, np.array([a]), np.array([b])).item()

    here = [0.7, 0.5, 0.2]
    assert alike(here, [0.7, 0.5, 0.9]) > 0.3  # without effect
    assert alike(here, [0.95, 0.5, 0.2]) > 0.3  # the same side of the cliff
    assert alike(here, [0.1, 0.5, 0.2]) < 0.1  # the other side


def test_equal_data_give_equal_trees(kernel):
    again = Forest(Partition(X.copy(), Y.copy()))
    at = RNG.random((9, 3))
    assert np.array_equal(again.matrix(ONE, at, X), kernel.matrix(ONE, at, X))


def test_no_points(kernel):
    assert kernel.matrix(ONE, np.empty((0, 3)), X).shape == (0, 60)
    assert kernel.matrix(ONE, X, np.empty((0, 3))).shape == (60, 0)


def test_predicts_about_as_well_as_a_forest(kernel):
    at = RNG.random((500, 3))
    truth = np.where(at[:, 0] > 0.4, 1.0, 0.0) + 0.3 * at[:, 1]
    mean, variance = Posterior.of(kernel, ONE, 1e-3, X, Y - Y.mean()).predict(at)
    forest = ExtraTreesRegressor(100, random_state=0).fit(X, Y).predict(at)

    def error(predicted):
        return np.abs(predicted - truth).mean()

    assert error(mean + Y.mean()) < 1.5 * error(forest)
    assert (variance > 0).all()
    _, at_data = Posterior.of(kernel, ONE, 1e-3, X, Y).predict(X)
    assert at_data.max() < np.median(variance)


def test_same_predictions_from_what_was_learned():
    recipe = Trees((0, 1, 2), outputs="power")
    learned = recipe.learn(X, Y)
    at = RNG.random((9, 3))
    one, two = (recipe.condition(X, Y, learned).posterior.predict(at) for _ in range(2))
    assert np.array_equal(one, two)
