import json

import numpy as np
import pytest

from phsx.models.recipe import Recipe, representative
from phsx.models.trees import Trees

RNG = np.random.default_rng(0)
X = RNG.random((30, 2))
Y = np.sin(5 * X[:, 0]) + X[:, 1]


RECIPES = [
    Recipe((0, 1)),
    Recipe((0, 1), additive=True, outputs="log"),
    Recipe((0, 1), ripples=True),
    Recipe((0, 1), additive=True, ripples=True),
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_rebuilt_from_json_bit_for_bit(recipe):
    learned = recipe.learn(X, Y)
    new = RNG.random((9, 2))
    one = recipe.condition(X, Y, learned)
    two = recipe.condition(X, Y, json.loads(json.dumps(learned)))
    assert np.array_equal(one.posterior.predict(new), two.posterior.predict(new))
    assert np.array_equal(one.targets, one.outputs.forward(Y))


def test_a_fit_of_an_earlier_version_is_what_it_was():
    new = RNG.random((9, 2))
    plain, rippled = Recipe((0, 1)), Recipe((0, 1), ripples=True)
    learned = plain.learn(X, Y)
    then, _ = plain.condition(X, Y, learned).posterior.predict(new)
    now, _ = rippled.condition(X, Y, learned).posterior.predict(new)
    assert np.allclose(then, now, atol=0.01)
    assert set(rippled.learn(X, Y, learned)) == {*learned, "ratio", "share"}


def test_a_fit_of_another_space_is_refused():
    learned = Recipe((0, 1)).learn(X, Y)
    with pytest.raises(ValueError, match="belong to another space"):
        Recipe((0, 1, 2)).condition(np.hstack([X, X[:, :1]]), Y, learned)


def test_ripples_are_told_from_the_slope_beneath_them():
    at = np.linspace(0, 1, 60)[:, None]
    values = 20 * (at[:, 0] - 0.4) ** 2 + np.cos(60 * at[:, 0])
    rippled = Recipe((0,), ripples=True).learn(at[::2], values[::2])
    assert rippled["ratio"][0] < 0.3
    misses = []
    for recipe in [Recipe((0,)), Recipe((0,), ripples=True)]:
        known = recipe.condition(at[::2], values[::2], recipe.learn(at[::2], values[::2]))
        mean, _ = known.posterior.predict(at[1::2])
        misses.append(np.abs(known.outputs.backward(mean) - values[1::2]).mean())
    assert misses[1] < 0.7 * misses[0]


def test_what_is_near():
    recipe = Recipe((0, 1), additive=True, ripples=True)
    kernel, theta = recipe.near(recipe.learn(X, Y))
    assert kernel.size == len(theta) == 5
    reached = kernel.matrix(theta, X[:1], X) / kernel.variance(theta)
    assert reached.max() == pytest.approx(1.0)
    assert Trees((0, 1)).near(Trees((0, 1)).learn(X, Y)) is None


def test_only_some_points_are_used_where_there_are_many():
    recipe = Recipe((0, 1), points=12)
    assert recipe.learn(X, Y, seed=1) != recipe.learn(X, Y, seed=2)
    assert Recipe((0, 1)).learn(X, Y, seed=1) == Recipe((0, 1)).learn(X, Y, seed=2)


def test_representative_rows():
    values = np.arange(100.0)
    features = np.linspace(0, 1, 100)[:, None]
    rows = representative(features, values, 30, 0)
    assert len(rows) == len(set(rows.tolist())) == 30
    assert set(range(20)) <= set(rows.tolist())
    assert max(rows) > 40
    assert np.array_equal(rows, representative(features, values, 30, 0))
    assert not np.array_equal(rows, representative(features, values, 30, 1))
    assert np.array_equal(representative(features, values, 100, 0), np.arange(100))
