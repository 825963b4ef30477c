import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from phsx.models.outputs import Outputs, inverse_yeo_johnson, yeo_johnson

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.4, 1.0, 2.0])
def test_yeo_johnson_is_scipys(power):
    values = np.linspace(-3, 4, 15)
    assert np.allclose(yeo_johnson(values, power), stats.yeojohnson(values, power))
    assert np.allclose(inverse_yeo_johnson(yeo_johnson(values, power), power), values)


def test_exponent_is_near_the_likeliest():
    values = np.random.default_rng(0).lognormal(0.0, 0.8, 200)
    outputs = Outputs.of(values, skewed=True)
    _, best = stats.yeojohnson((values - values.mean()) / values.std())
    assert outputs.power == pytest.approx(best, abs=0.06)
    assert abs(stats.skew(outputs.forward(values))) < 0.3 < stats.skew(values)


def test_standardized():
    values = np.array([1.0, 5.0, 9.0, 2.0])
    for skewed in (False, True):
        transformed = Outputs.of(values, skewed=skewed).forward(values)
        assert transformed.mean() == pytest.approx(0.0, abs=1e-12)
        assert transformed.std() == pytest.approx(1.0)


@given(st.lists(NUMBERS, min_size=1, max_size=12), st.booleans())
def test_any_values_stay_finite_and_in_order(values, skewed):
    values = np.array(values)
    outputs = Outputs.of(values, skewed=skewed)
    transformed = outputs.forward(values)
    assert np.isfinite(transformed).all()
    assert (np.diff(transformed[np.argsort(values)]) >= -1e-9).all()


def test_one_huge_value_does_not_flatten_the_others():
    values = np.append(np.arange(10.0), 1e300)
    transformed = Outputs.of(values).forward(values)
    assert np.ptp(transformed[:10]) > 0.01


def test_ordinary_outliers_are_left_alone():
    values = np.append(np.arange(10.0), 300.0)
    outputs = Outputs.of(values)
    assert np.allclose(outputs.backward(outputs.forward(values)), values)


def test_json_is_exact():
    for skewed in (False, True):
        outputs = Outputs.of(np.random.default_rng(1).lognormal(size=9), skewed=skewed)
        assert Outputs.from_dict(json.loads(json.dumps(outputs.to_dict()))) == outputs
