from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phsx.exceptions import PlanError
from phsx.space import Categorical, Float, Int, Parameter, Space
from phsx.strategies import LogUniform, Normal, Plan, Random, Uniform
from phsx.strategies.distribution import Distribution
from phsx.testing.strategies import request_of


def draws(distribution: Distribution, parameter: Parameter, n: int = 2000) -> list[Any]:
    space = Space({"x": parameter})
    Plan.of(Random(1, x=distribution)).check(space)
    values = [distribution.propose(request_of(space, i)).params["x"] for i in range(n)]
    assert all(repr(parameter.check(value)) == repr(value) for value in values)
    return values


def test_uniform_whatever_the_scale() -> None:
    values = draws(Uniform(0.1, 0.9), Float(1e-6, 1, log=True))
    assert 0.1 <= min(values) < 0.11
    assert 0.89 < max(values) <= 0.9
    assert abs(np.mean(values) - 0.5) < 0.02


def test_log_uniform_whatever_the_scale() -> None:
    values = draws(LogUniform(1e-4, 1), Float(0, 1))
    assert min(values) >= 1e-4
    assert abs(np.mean(np.log10(values)) + 2) < 0.1


def test_normal() -> None:
    values = draws(Normal(0.4, 0.1), Float(-10, 10))
    assert abs(np.mean(values) - 0.4) < 0.01
    assert abs(np.std(values) - 0.1) < 0.01


def test_normal_is_cut_off_and_not_heaped_at_the_bounds() -> None:
    values = draws(Normal(0, 1), Float(0, 1))
    assert len(set(values)) == len(values)
    # E[z | 0 < z < 1]
    assert abs(np.mean(values) - 0.4598) < 0.02


@pytest.mark.parametrize(("mean", "bounds"), [(0.0, (5.0, 6.0)), (10.0, (4.0, 5.0))])
def test_normal_far_in_its_tail(mean: float, bounds: tuple[float, float]) -> None:
    values = draws(Normal(mean, 1), Float(*bounds), 500)
    near = min(bounds, key=lambda bound: abs(bound - mean))
    # The mean excess over a is about 1/a - 2/a**3.
    assert abs(abs(np.mean(values) - near) - (1 / 5 - 2 / 125)) < 0.02
    assert len(set(values)) == len(values)


def test_outermost_integers_are_no_rarer() -> None:
    values = draws(Uniform(2, 5), Int(0, 10), 4000)
    counts = np.bincount(values, minlength=11)
    assert counts[[0, 1, 6, 7, 8, 9, 10]].sum() == 0
    assert np.abs(counts[2:6] - 1000).max() < 130


def test_log_uniform_integers() -> None:
    values = draws(LogUniform(1, 100), Int(1, 100), 4000)
    share = np.mean([value <= 10 for value in values])
    assert abs(share - math.log(10.5 / 0.5) / math.log(100.5 / 0.5)) < 0.03


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        (Float(0, 1, step=0.1), [0.3, 0.4, 0.5]),
        (Float(0, 1, digits=1), [0.3, 0.4, 0.5]),
        (Int(0, 1000, step=7), None),
        (Float(0.01, 9, digits=1, log=True), [0.3, 0.4, 0.5]),
    ],
)
def test_only_values_of_the_parameter_within_the_range(
    parameter: Parameter, expected: list[float] | None
) -> None:
    uniform = Uniform(0.25, 0.55) if expected else Uniform(8, 30)
    expected = expected or [14, 21, 28]
    assert sorted(set(draws(uniform, parameter, 300))) == expected
    assert list(uniform.support("x", parameter) or []) == expected


def test_huge_ranges() -> None:
    values = draws(Uniform(-1e308, 1e308), Float(-1e308, 1e308), 200)
    assert min(values) < -5e307 < 5e307 < max(values)
    values = draws(Uniform(0, 2**62), Int(0, 2**62), 200)
    assert len(set(values)) == 200


@settings(derandomize=True, deadline=None)
@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-3, 1e6),
    st.sampled_from([{}, {"digits": 2}, {"step": 0.37}]),
    st.floats(0, 1),
    st.floats(0, 1),
    st.sampled_from(["uniform", "normal"]),
)
def test_always_values_of_the_parameter(
    low: float, width: float, options: dict[str, Any], a: float, b: float, kind: str
) -> None:
    try:
        parameter = Float(low, low + width, **options)
    except ValueError:
        return
    first, last = sorted((low + a * (parameter.high - low), low + b * (parameter.high - low)))
    last = min(last, parameter.high)
    if not parameter.low <= first < last:
        return
    distribution = Uniform(first, last) if kind == "uniform" else Normal(first, last - first)
    space = Space({"x": parameter})
    try:
        Plan.of(Random(1, x=distribution)).check(space)
    except PlanError:
        return
    for number in range(5):
        value = distribution.propose(request_of(space, number)).params["x"]
        assert parameter.check(value) == value
        if kind == "uniform":
            assert first - 1e-9 * width <= value <= last + 1e-9 * width


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (Uniform, (1, 1), "low must be below high"),
        (Uniform, (2, 1), "low must be below high"),
        (Uniform, ("0", 1), "low must be a number"),
        (Uniform, (True, 2), "low must be a number"),
        (Uniform, (0, math.inf), "high must be finite"),
        (Uniform, (0, 10**400), "high must be finite"),
        (LogUniform, (0, 1), "must be positive"),
        (LogUniform, (-1, 1), "must be positive"),
        (LogUniform, (2, 1), "low below high"),
        (Normal, (0, 0), "sd must be above 0"),
        (Normal, (0, -1), "sd must be above 0"),
        (Normal, (math.nan, 1), "mean must be finite"),
        (Normal, (None, 1), "mean must be a number"),
    ],
)
def test_wrong_arguments(make: Any, arguments: Any, message: str) -> None:
    with pytest.raises(PlanError, match=f"{make.__name__}: .*{message}"):
        make(*arguments)


@pytest.mark.parametrize(
    ("distribution", "parameter", "message"),
    [
        (Uniform(0, 2), Float(0, 1), "reaches 2.0, outside the parameter's bounds 0.0 and 1.0"),
        (Uniform(-1, 0.5), Float(0, 1), "reaches -1.0"),
        (LogUniform(0.1, 20), Int(1, 10), "reaches 0.1"),
        (Normal(100, 1), Float(0, 1), "next to nothing"),
        (Normal(-100, 1), Float(0, 1), "next to nothing"),
        (Uniform(1.2, 1.8), Int(0, 5), "none of its values"),
        (Uniform(0, 1), Categorical([0, 1]), "is categorical; use Choice"),
    ],
)
def test_what_does_not_fit(distribution: Any, parameter: Parameter, message: str) -> None:
    with pytest.raises(PlanError, match=message) as caught:
        Plan.of(Random(5, x=distribution)).check(Space({"x": parameter}))
    assert "'x'" in str(caught.value)
