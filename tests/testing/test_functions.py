import numpy as np
import pytest

from phsx.space import Categorical, Float, Int, Space
from phsx.testing.functions import (
    Function,
    ackley,
    branin,
    conditional,
    griewank,
    hartmann3,
    hartmann6,
    levy,
    michalewicz5,
    mixed,
    moved,
    rates,
    rosenbrock,
    stops,
    styblinski,
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
    michalewicz5,
    styblinski(3),
    rates,
    moved(griewank(2), 1),
    moved(mixed, 7),
    moved(conditional, 8),
    moved(michalewicz5, 11),
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


def test_no_stops_are_better_than_the_best():
    values = sorted(stops(**params) for params in stops.space.points())
    assert len(values) == 625
    assert values[0] == pytest.approx(stops.minimum) == stops(**stops.best)
    assert values[1] > values[0]


def test_moved_ranges_keep_their_size_and_have_the_optimum_aside():
    parabola = Function(
        "parabola",
        Space(
            {
                "x": Float(-1, 1),
                "rate": Float(1e-3, 1e3, log=True),
                "n": Int(0, 20),
                "kind": Categorical(["a", "b"]),
                "extra": Float(0, 1, when={"kind": "b"}),
            }
        ),
        0.0,
        {"x": 0.0, "rate": 1.0, "n": 10, "kind": "a"},
        lambda x, rate, n, kind, extra=0.0: x**2 + np.log(rate) ** 2 + (n - 10) ** 2,
    )
    for seed in range(20):
        there = moved(parabola, seed)
        best = there.space.check(dict(there.best))
        places = there.space.to_unit(best)[:3]
        # A half belongs to the bin of an integer.
        assert np.all((np.abs(places - 0.5) > 0.07) & (np.abs(places - 0.5) < 0.43))
        x, rate, n, kind, extra = there.space.parameters.values()
        assert x.high - x.low == pytest.approx(2.0)
        assert rate.log and rate.high / rate.low == pytest.approx(1e6)
        assert n.high - n.low == 20
        assert (kind, extra) == tuple(parabola.space.parameters.values())[3:]
        assert there(**best) == 0.0
    assert moved(parabola, 3).space == moved(parabola, 3).space != moved(parabola, 4).space
