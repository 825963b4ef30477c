import numpy as np
import pytest

from phsx.testing.functions import (
    ackley,
    branin,
    conditional,
    griewank,
    hartmann3,
    hartmann6,
    levy,
    mixed,
    rosenbrock,
)

FUNCTIONS = [
    branin,
    hartmann3,
    hartmann6,
    ackley(5),
    rosenbrock(4),
    griewank(2),
    levy(4),
    mixed,
    conditional,
]


@pytest.fixture(params=FUNCTIONS, ids=lambda function: function.name)
def function(request):
    return request.param


def test_the_optimum_has_the_minimum(function):
    best = function.space.check(dict(function.best))
    assert function(**best) == pytest.approx(function.minimum, abs=1e-5)
    assert function.regret(function(**best)) == pytest.approx(0.0, abs=1e-5)


def test_nothing_is_below_the_minimum(function):
    rng = np.random.default_rng(0)
    values = [function(**function.space.sample(rng)) for _ in range(300)]
    assert min(values) > function.minimum
    assert max(values) - min(values) > 0.1


def test_nothing_near_the_optimum_is_below_it(function):
    rng = np.random.default_rng(1)
    space = function.space
    center = space.to_unit(space.check(dict(function.best)))
    for scale in (1e-4, 1e-2):
        for _ in range(50):
            unit = np.clip(center + scale * rng.standard_normal(len(center)), 0.0, 1.0)
            assert function(**space.from_unit(unit)) >= function.minimum - 1e-6


def test_missing_conditional_parameters_are_refused():
    with pytest.raises(ValueError, match="gamma"):
        conditional(kernel="rbf", cost=1.0)
    with pytest.raises(ValueError, match="degree"):
        conditional(kernel="poly", cost=1.0, gamma=0.1)


def test_dimensions():
    assert len(ackley(3).space) == 3
    assert [len(f.space) for f in (branin, hartmann3, hartmann6, mixed)] == [2, 3, 6, 4]
