import json

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern as Reference
from sklearn.gaussian_process.kernels import WhiteKernel
from sklearn.model_selection import cross_val_score

from phsx.models.gaussian_process import GaussianProcess
from phsx.models.recipe import FORMS
from phsx.testing.functions import hartmann3

RNG = np.random.default_rng(0)
X = RNG.random((40, 3))
Y = np.array([hartmann3(x0=a, x1=b, x2=c) for a, b, c in X])
NEW = RNG.random((60, 3))
TRUTH = np.array([hartmann3(x0=a, x1=b, x2=c) for a, b, c in NEW])

VARIANTS = [{}, {"additive": True}, *({"outputs": form} for form in FORMS)]


@pytest.mark.parametrize("options", VARIANTS)
def test_predicts(options):
    model = GaussianProcess(**options).fit(X, Y)
    assert model.score(NEW, TRUTH) > 0.85
    mean, std = model.predict(NEW, return_std=True)
    assert mean.shape == std.shape == (60,)
    assert (std > 0).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_no_worse_than_scikit_learns():
    kernel = Reference(np.full(3, 0.5), (0.05, 20.0), nu=2.5) + WhiteKernel(1e-3)
    theirs = GaussianProcessRegressor(kernel, normalize_y=True).fit(X, Y)
    assert GaussianProcess().fit(X, Y).score(NEW, TRUTH) > theirs.score(NEW, TRUTH) - 0.02


@pytest.mark.parametrize("options", VARIANTS)
def test_rebuilt_from_json_bit_for_bit(options):
    model = GaussianProcess(**options).fit(X, Y)
    floats = json.loads(json.dumps(model.hyperparameters_))
    again = GaussianProcess(**options).condition(X, Y, floats)
    for one, two in zip(model.predict(NEW, True), again.predict(NEW, True), strict=True):
        assert np.array_equal(one, two)


def test_hyperparameters_are_for_other_data_too():
    floats = GaussianProcess().fit(X[:30], Y[:30]).hyperparameters_
    more = GaussianProcess().condition(X, Y, floats)
    assert np.abs(more.predict(X) - Y).max() < 0.2


def test_warm_start_goes_on():
    first = GaussianProcess().fit(X[:35], Y[:35]).hyperparameters_
    warm = GaussianProcess().fit(X, Y, first, fresh=False)
    cold = GaussianProcess().fit(X, Y)
    assert np.allclose(warm.predict(NEW), cold.predict(NEW), atol=0.1)


def test_irrelevant_feature_gets_a_long_scale():
    x = RNG.random((40, 2))
    model = GaussianProcess().fit(x, np.sin(6 * x[:, 0]))
    relevant, irrelevant = model.hyperparameters_["length_scales"]
    assert irrelevant > 5 * relevant


def test_noise_is_learned():
    x = RNG.random((120, 1))
    y = np.sin(6 * x[:, 0]) + RNG.normal(0, 0.3, 120)
    model = GaussianProcess().fit(x, y)
    noise = np.sqrt(model.hyperparameters_["noise"]) * model.outputs_.scale
    assert noise == pytest.approx(0.3, rel=0.3)


def test_is_a_scikit_learn_estimator():
    model = GaussianProcess(additive=True, points=50)
    assert clone(model).get_params() == model.get_params()
    assert cross_val_score(GaussianProcess(), X, Y, cv=3).mean() > 0.5
    with pytest.raises(ValueError, match="fitted"):
        model.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X, np.full(40, np.nan))


def test_wrong_groups_and_hyperparameters():
    with pytest.raises(ValueError, match="outputs is 'best': it must be one of standard"):
        GaussianProcess(outputs="best").fit(X, Y)
    with pytest.raises(ValueError, match="2 entries, but there are 3 features"):
        GaussianProcess(groups=[0, 1]).fit(X, Y)
    floats = GaussianProcess().fit(X[:, :2], Y).hyperparameters_
    with pytest.raises(ValueError, match="another space"):
        GaussianProcess().condition(X, Y, floats)
