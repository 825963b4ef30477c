import json

import numpy as np
import pytest

from phsx.models.recipe import Recipe, representative

RNG = np.random.default_rng(0)
X = RNG.random((30, 2))
Y = np.sin(5 * X[:, 0]) + X[:, 1]


@pytest.mark.parametrize("recipe", [Recipe((0, 1)), Recipe((0, 1), additive=True, outputs="log")])
def test_rebuilt_from_json_bit_for_bit(recipe):
    learned = recipe.learn(X, Y)
    new = RNG.random((9, 2))
    one = recipe.condition(X, Y, learned)
    two = recipe.condition(X, Y, json.loads(json.dumps(learned)))
    assert np.array_equal(one.posterior.predict(new), two.posterior.predict(new))
    assert np.array_equal(one.targets, one.outputs.forward(Y))


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
