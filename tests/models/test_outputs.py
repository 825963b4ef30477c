import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from phsx.models.outputs import FORMS, Outputs, inverse_yeo_johnson, yeo_johnson

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("power", [-1.0, 0.0, 0.4, 1.0, 2.0])
def test_yeo_johnson_is_scipys(power):
    values = np.linspace(-3, 4, 15)
    assert np.allclose(yeo_johnson(values, power), stats.yeojohnson(values, power))
    assert np.allclose(inverse_yeo_johnson(yeo_johnson(values, power), power), values)


def test_exponent_is_near_the_likeliest():
    values = np.random.default_rng(0).lognormal(0.0, 0.8, 200)
    outputs = Outputs.of(values, "power")
    _, best = stats.yeojohnson((values - values.mean()) / values.std())
    assert outputs.power == pytest.approx(best, abs=0.06)
    assert abs(stats.skew(outputs.forward(values))) < 0.3 < stats.skew(values)


def test_standardized():
    values = np.array([1.0, 5.0, 9.0, 2.0])
    for form in FORMS:
        transformed = Outputs.of(values, form).forward(values)
        assert transformed.mean() == pytest.approx(0.0, abs=1e-12)
        assert transformed.std() == pytest.approx(1.0)


@given(st.lists(NUMBERS, min_size=1, max_size=12), st.sampled_from(FORMS))
def test_any_values_stay_finite_and_in_order(values, form):
    values = np.array(values)
    outputs = Outputs.of(values, form)
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
    for form in FORMS:
        outputs = Outputs.of(np.random.default_rng(1).lognormal(size=9), form)
        assert Outputs.from_dict(json.loads(json.dumps(outputs.to_dict()))) == outputs


@pytest.mark.parametrize("form", ["bent", "log"])
class TestLogarithm:
    def test_shows_what_differs_among_good_values(self, form):
        good, bad = np.linspace(0.46, 0.47, 8), np.linspace(4.0, 9.0, 6)
        values = np.concatenate([good, bad])
        seen, plain = (np.ptp(Outputs.of(values, one).forward(good)) for one in (form, "standard"))
        assert seen > 0.2 > 0.01 > plain

    def test_backward_undoes_forward(self, form):
        values = np.random.default_rng(2).lognormal(0.0, 2.0, 40)
        outputs = Outputs.of(values, form)
        new = np.append(values, [-7.0, -0.1])
        assert np.allclose(outputs.backward(outputs.forward(new)), new)

    def test_much_better_values_than_those_it_was_learned_of(self, form):
        outputs = Outputs.of(np.append(1.0 + 1e-9 * np.arange(9), 5.0), form)
        assert -100.0 < outputs.forward(np.array([-1e6]))[0] < outputs.forward(np.array([0.0]))[0]

    def test_equal_values_at_the_best(self, form):
        outputs = Outputs.of(np.array([0.0, 0.0, 0.0, 1.0, 10.0]), form)
        transformed = outputs.forward(np.arange(11.0))
        assert np.isfinite(transformed).all()
        assert (np.diff(transformed) > 0.0).all()

    def test_equal_values_alone(self, form):
        values = np.full(5, 3.0)
        assert Outputs.of(values, form) == Outputs.of(values)


def test_what_is_not_far_above_the_best_stays_as_it_is():
    values = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
    assert np.allclose(
        Outputs.of(values, "bent").forward(values), Outputs.of(values).forward(values)
    )
