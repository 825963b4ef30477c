import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from phsx.models.acquisition import log_expected_improvement, log_h, mean_improvement


@pytest.mark.parametrize(
    ("mean", "sd", "best"), [(0.3, 0.5, 0.0), (-1.0, 0.2, 0.5), (2.0, 1.0, 0.0)]
)
def test_is_the_expected_improvement(mean, sd, best):
    expected, _ = quad(lambda f: (best - f) * norm.pdf(f, mean, sd), mean - 12 * sd, best)
    value, _, _ = log_expected_improvement(np.array([mean]), np.array([sd**2]), best)
    assert math.exp(value[0]) == pytest.approx(expected, rel=1e-7)


def test_sound_where_the_improvement_underflows():
    # E[max(-f, 0)] for f ~ N(m, 1) is φ(m) / m² (1 - 3/m² + ...): below 1e-300 from m = 37 on.
    mean = np.array([40.0, 1e3, 1e6, 1e9])
    value, slope, _ = log_expected_improvement(mean, np.ones(4), 0.0)
    leading = -0.5 * mean**2 - 0.5 * math.log(2 * math.pi) - 2 * np.log(mean)
    assert np.allclose(value, leading + np.log1p(-3 / mean**2 + 15 / mean**4), rtol=1e-9)
    assert np.allclose(slope, -mean, rtol=2e-3)


def test_no_steps_where_the_formulas_meet():
    for z in (8.0, -1e3):
        around = z + np.array([-1e-6, 1e-6]) * max(1.0, abs(z))
        value, slope, density = log_h(around)
        assert np.diff(value)[0] == pytest.approx(slope[0] * np.diff(around)[0], rel=1e-4)
        assert slope[0] == pytest.approx(slope[1], rel=1e-4)
        assert density[0] == pytest.approx(density[1], rel=1e-4)


def test_derivatives():
    mean = np.concatenate([np.linspace(-30, 30, 41), [99.0, 2e3]])
    variance = np.linspace(0.5, 2.0, len(mean))
    _, by_mean, by_variance = log_expected_improvement(mean, variance, 0.1)
    step = 1e-5

    def value(m, v):
        return log_expected_improvement(m, v, 0.1)[0]

    numeric = (value(mean + step, variance) - value(mean - step, variance)) / (2 * step)
    assert np.allclose(by_mean, numeric, rtol=1e-4)
    numeric = (value(mean, variance + step) - value(mean, variance - step)) / (2 * step)
    assert np.allclose(by_variance, numeric, rtol=1e-4, atol=1e-8)


def test_certain_improvement():
    value, by_mean, by_variance = log_expected_improvement(np.array([-1e3]), np.array([1.0]), 0.0)
    assert value[0] == pytest.approx(math.log(1e3))
    assert by_mean[0] == pytest.approx(-1e-3)
    assert by_variance[0] == 0.0


def test_mean_over_samples():
    rng = np.random.default_rng(0)
    mean, variance, best = rng.normal(size=(3, 4)), rng.random(3), rng.normal(size=4)
    value, by_mean, by_variance = mean_improvement(mean, variance, best)
    each = [np.exp(log_expected_improvement(mean[:, s], variance, best[s])[0]) for s in range(4)]
    assert np.allclose(value, np.log(np.mean(each, axis=0)))
    step = 1e-6
    for s in range(4):
        moved = mean + step * (np.arange(4) == s)
        change = mean_improvement(moved, variance, best)[0] - value
        assert np.allclose(change / step, by_mean[:, s], atol=1e-4)
    change = mean_improvement(mean, variance + step, best)[0] - value
    assert np.allclose(change / step, by_variance, rtol=1e-3)


def test_mean_over_samples_is_sound_where_all_underflow():
    mean = np.array([[1e6, 40.0], [1e6, 2e6]])
    value, by_mean, _ = mean_improvement(mean, np.ones(2), np.zeros(2))
    one, _, _ = log_expected_improvement(np.array([40.0, 1e6]), np.ones(2), 0.0)
    assert np.allclose(value, one - math.log(2))
    assert np.isfinite(by_mean).all()
