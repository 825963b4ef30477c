"""Tests of what is believed of hyper-parameters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal, norm

from phsx.models.prior import Prior

RNG = np.random.default_rng(0)


def difference(prior, one, two):
    return prior.penalty(one)[0] - prior.penalty(two)[0]


def test_independent():
    prior = Prior.independent([1.0, -2.0], [0.5, 3.0])
    one, two = RNG.normal(size=(2, 2))
    density = norm([1.0, -2.0], [0.5, 3.0])
    expected = (density.logpdf(two) - density.logpdf(one)).sum()
    assert difference(prior, one, two) == pytest.approx(expected)


def test_exchangeable_is_a_common_part_and_parts_of_its_own():
    prior = Prior.exchangeable(4, 0.7, 2.0, own=0.6)
    covariance = np.full((4, 4), 2.0**2 - 0.6**2) + 0.6**2 * np.eye(4)
    density = multivariate_normal(np.full(4, 0.7), covariance)
    one, two = RNG.normal(size=(2, 4))
    expected = density.logpdf(two) - density.logpdf(one)
    assert difference(prior, one, two) == pytest.approx(expected)
    assert np.allclose(np.sqrt(np.diag(covariance)), prior.sd)


def test_one_alone_is_not_changed_by_being_exchangeable():
    alone = Prior.exchangeable(1, 0.3, 1.5, own=0.2)
    plain = Prior.independent([0.3], [1.5])
    assert alone.penalty(np.array([2.0]))[0] == pytest.approx(plain.penalty(np.array([2.0]))[0])


def test_parts_of_a_sum_are_independent():
    first, second = Prior.exchangeable(3, 0.0, 2.0, own=0.5), Prior.independent([1.0], [2.0])
    theta = RNG.normal(size=4)
    value, slope = (first + second).penalty(theta)
    one, two = first.penalty(theta[:3]), second.penalty(theta[3:])
    assert value == pytest.approx(one[0] + two[0])
    assert np.allclose(slope, np.append(one[1], two[1]))


def test_gradient():
    prior = Prior.length_scales(5, 5) + Prior.independent([0.0], [1.0])
    theta = RNG.normal(size=6)
    numeric = approx_fprime(theta, lambda at: prior.penalty(at)[0], 1e-6)
    assert np.allclose(prior.penalty(theta)[1], numeric, atol=1e-4)


def test_longer_scales_are_expected_in_more_dimensions():
    one, many = Prior.length_scales(1, 1), Prior.length_scales(100, 100)
    assert many.mean == pytest.approx(one.mean[0] + np.log(10))
