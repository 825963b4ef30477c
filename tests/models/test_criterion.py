"""The contract of a criterion, and what is special in each."""

from __future__ import annotations

import numpy as np
import pytest

from phsx.models.confidence_bound import ConfidenceBound
from phsx.models.criterion import CRITERIA, Criterion, criterion

OPTIONS = {"ucb": {"kappa": 1.5}}
RNG = np.random.default_rng(0)


@pytest.fixture(params=[*CRITERIA])
def judge(request: pytest.FixtureRequest) -> Criterion:
    return criterion(request.param, **OPTIONS.get(request.param, {})).given(0.3)


@pytest.mark.parametrize("samples", [None, 1, 5])
def test_derivatives(judge: Criterion, samples: int | None) -> None:
    shape = (6,) if samples is None else (6, samples)
    mean, variance = RNG.normal(size=shape), RNG.uniform(0.2, 2.0, 6)
    if samples is not None:
        judge = judge.extend(RNG.normal(size=(2, samples)))
    value, by_mean, by_variance = judge.judge(mean, variance)
    assert value.shape == by_variance.shape == (6,)
    assert by_mean.shape == shape
    step = 1e-6
    for column in range(samples or 1):
        shift = step if samples is None else step * (np.arange(samples) == column)
        up, down = (judge.judge(mean + sign * shift, variance)[0] for sign in (1, -1))
        wanted = by_mean if samples is None else by_mean[:, column]
        assert np.allclose((up - down) / (2 * step), wanted, rtol=1e-4, atol=1e-6)
    up, down = (judge.judge(mean, variance + sign * step)[0] for sign in (1, -1))
    assert np.allclose((up - down) / (2 * step), by_variance, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("variance", [1e-24, 1e-12, 1.0, 1e12])
def test_finite_and_better_for_lower_means(judge: Criterion, variance: float) -> None:
    mean = np.array([-1.0, 0.2, 0.31, 1.0])
    value, by_mean, by_variance = judge.judge(mean, np.full(4, variance))
    assert (np.diff(value) <= 0).all()
    assert value[0] > value[-1] or variance == 1e12
    assert (by_mean <= 0).all()
    assert (by_variance >= 0).all()
    for numbers in (value, by_mean, by_variance):
        assert not np.isnan(numbers).any()


def test_bound_of_a_sure_prediction_is_its_mean() -> None:
    value, _, slope = ConfidenceBound(2.0).judge(np.array([0.7]), np.array([1e-300]))
    assert value[0] == pytest.approx(-0.7)
    assert np.isfinite(slope).all()


def test_bound_without_kappa_is_the_mean() -> None:
    value, _, slope = ConfidenceBound(0.0).judge(np.array([[0.4, 0.6]]), np.array([1.0]))
    assert value.tolist() == [-0.5]
    assert slope.tolist() == [0.0]
