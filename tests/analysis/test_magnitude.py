import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import LogNorm, SymLogNorm

from phsx.analysis.magnitude import Magnitude


def rng(seed=0):
    """Return the same numbers whatever other tests have run before."""
    return np.random.default_rng(seed)


def of(values, maximize=False, log="auto"):
    return Magnitude.of(np.asarray(values, dtype=float), maximize=maximize, log=log)


def test_losses_over_decades_are_logarithmic():
    magnitude = of(rng().lognormal(0, 2, 200))
    assert magnitude.kind == "log"
    assert isinstance(magnitude.norm(), LogNorm)


@pytest.mark.parametrize(
    "values",
    [
        rng().uniform(0.2, 0.9, 100),
        1 - rng().lognormal(-3, 0.5, 100),  # accuracies crowd at the large end
        rng().normal(0, 1, 100),
        [],
        [0.0, 0.0],
    ],
)
def test_what_needs_no_logarithm_is_linear(values):
    assert of(values, maximize=True).kind == "linear"


def test_signed_results_with_a_far_outlier_are_symmetric():
    values = np.append(rng().uniform(-1, 1, 50), 1e5)
    magnitude = of(values)
    assert magnitude.kind == "symlog"
    assert isinstance(magnitude.norm(), SymLogNorm)
    assert of(values, log=False).kind == "linear"


def test_zero_among_positive_results():
    assert of(np.append(rng().lognormal(0, 3, 100), 0.0)).kind == "symlog"


def test_asked_for():
    assert of([1.0, 2.0], log=True).kind == "log"
    assert of([-1.0, 2.0], log=True).kind == "symlog"
    assert of(np.geomspace(1e-3, 1e3, 50), log=False).kind == "linear"


def test_an_outlier_does_not_take_the_colours():
    values = np.append(rng().uniform(0, 1, 99), 1000.0)
    magnitude = of(values, log=False)
    assert magnitude.clipped == "max"
    assert magnitude.low == values.min()
    assert magnitude.high < 1
    # Those within the range use all of the colours.
    assert np.ptp(magnitude.norm()(values[values <= magnitude.high])) == pytest.approx(1)


def test_the_best_is_never_clipped_when_maximizing():
    values = np.append(rng().uniform(0, 1, 99), [-1000.0, 5.0])
    magnitude = of(values, maximize=True, log=False)
    assert (magnitude.clipped, magnitude.high) == ("min", 5.0)
    assert magnitude.low > -1


def test_few_results_are_not_clipped():
    assert of([1.0, 2.0, 3.0, 1e6]).clipped == "neither"


@pytest.mark.parametrize("value", [0.0, 3.0, -2.5])
def test_a_single_value_gets_the_middle_colour(value):
    magnitude = of([value, value])
    assert float(magnitude.norm()(value)) == pytest.approx(0.5)
    assert magnitude.ticks() == [value]


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.floats(-1e100, 1e100).filter(lambda v: v == 0 or abs(v) > 1e-100), max_size=60),
    st.booleans(),
    st.sampled_from([True, False, "auto"]),
)
def test_any_results_have_a_norm_that_keeps_their_order(values, maximize, log):
    magnitude = of(values, maximize=maximize, log=log)
    norm = magnitude.norm()
    inside = np.sort([v for v in values if magnitude.low <= v <= magnitude.high])
    places = np.asarray(norm(inside), dtype=float)
    assert np.isfinite(places).all()
    assert (np.diff(places) >= -1e-9).all()
    slack = 1e-8 * (magnitude.high - magnitude.low)
    ticks = np.array(magnitude.ticks())
    assert 1 <= len(ticks) <= 12
    assert ((ticks >= magnitude.low - slack) & (ticks <= magnitude.high + slack)).all()
