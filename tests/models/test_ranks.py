import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from phsx.models.outputs import Outputs
from phsx.models.ranks import Ranks

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
MANY = np.random.default_rng(0).lognormal(0.0, 3.0, 5000)


def test_scores_are_normal_quantiles():
    values = np.random.default_rng(1).lognormal(0.0, 3.0, 60)
    quantiles = stats.norm.ppf((stats.rankdata(values) - 0.5) / 60)
    assert np.allclose(Ranks.of(values).forward(values), quantiles / quantiles.std())


def test_of_many_values_some_are_kept():
    ranks = Ranks.of(MANY)
    assert 60 <= len(ranks.values) <= 64
    assert ranks.values[0] == MANY.min()
    assert ranks.values[-1] == MANY.max()
    best = np.sort(MANY)[:3]
    assert np.isin(best, ranks.values).all(), "there order counts most"
    quantiles = stats.norm.ppf((stats.rankdata(MANY) - 0.5) / len(MANY))
    assert np.abs(ranks.forward(MANY) - quantiles).max() < 0.1


@pytest.mark.parametrize("values", [np.arange(9.0), np.array([3.0, 1.0, 1.0, 2.0]), MANY[:50]])
def test_standardized(values):
    scores = Ranks.of(values).forward(values)
    assert scores.mean() == pytest.approx(0.0, abs=1e-12)
    assert scores.std() == pytest.approx(1.0)


@given(st.lists(NUMBERS, min_size=1, max_size=12), st.lists(NUMBERS, min_size=1, max_size=9))
def test_any_values_stay_finite_and_in_order(values, new):
    ranks = Ranks.of(np.array(values))
    new = np.sort([*values, *new])
    scores = ranks.forward(new)
    assert np.isfinite(scores).all()
    assert (np.diff(scores) >= -1e-9).all()
    assert np.isfinite(ranks.backward(scores)).all()


@pytest.mark.parametrize("values", [[-2e-316, 2e-316], [0.0, 7e-198], [-1e308, 5e-324, 1e308]])
def test_values_of_any_magnitude(values):
    ranks = Ranks.of(np.array(values))
    new = np.sort([*values, -6e110, 0.0, 1e-320, 3.0])
    scores = ranks.forward(new)
    assert np.isfinite(scores).all()
    assert (np.diff(scores) >= 0.0).all()


def test_equal_values_alone():
    for value in (0.0, 3.0, -1e300):
        assert Ranks.of(np.full(5, value)).forward(np.full(2, value)).tolist() == [0.0, 0.0]


def test_tells_the_best_of_a_plateau_apart():
    plateau, bad = 0.46 + 1e-5 * np.arange(8), np.linspace(4.0, 9.0, 6)
    values = np.concatenate([plateau, bad])
    seen, drawn = (
        np.ptp(one.forward(plateau)) for one in (Ranks.of(values), Outputs.of(values, "log"))
    )
    assert seen > 1.5 > 0.5 > drawn


@pytest.mark.parametrize("values", [MANY[:40], MANY])
def test_backward_undoes_forward(values):
    ranks = Ranks.of(values)
    new = np.append(values, [-70.0, -0.1, 0.0])
    assert np.allclose(ranks.backward(ranks.forward(new)), new)
    assert ranks.backward(np.array([9.0]))[0] == values.max()


def test_much_better_values_than_those_it_was_learned_of():
    ranks = Ranks.of(np.append(1.0 + 1e-9 * np.arange(9), 5.0))
    assert -100.0 < ranks.forward(np.array([-1e6]))[0] < ranks.forward(np.array([0.0]))[0]


def test_json_is_exact():
    ranks = Ranks.of(MANY)
    assert Ranks.from_dict(json.loads(json.dumps(ranks.to_dict()))) == ranks
