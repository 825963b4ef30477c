import numpy as np
import pytest

from phsx.models.region import Points, Region, latin_hypercube
from phsx.space import Categorical, Expression, Float, Int, Space

MIXED = Space({"x": Float(0, 1), "n": Int(1, 5), "c": Categorical(["a", "b", "c"])})
BOUND = Space(
    {
        "x": Float(0, 1),
        "y": Float(0, 1),
        "kind": Categorical(["off", "on"]),
        "z": Float(0, 1, when={"kind": "on"}),
    },
    ["x + y < 0.6"],
)


def rng():
    return np.random.default_rng(0)


def check_valid(space, region, points, fixed):
    assert points.unit.shape == points.active.shape == (len(points), len(space))
    for unit, active in zip(points.unit, points.active, strict=True):
        params = region.params(unit)
        assert space.check(params) == params
        assert space.to_unit(params) == pytest.approx(unit)
        assert np.array_equal(space.active(params), active)
        assert fixed.items() <= params.items()


@pytest.mark.parametrize(
    ("space", "fixed"), [(MIXED, {}), (MIXED, {"n": 2}), (BOUND, {}), (BOUND, {"kind": "on"})]
)
def test_everything_is_valid(space, fixed):
    names = [name for name in space.dimensions if name not in fixed]
    region = Region(space, names, fixed)
    spread = region.spread(64, rng())
    assert len(spread) >= 16
    near = region.perturb(spread.select(slice(0, 3)), 32, rng())
    around = region.neighbours(spread.unit[0])
    for points in (spread, near, around):
        check_valid(space, region, points, fixed)


def test_tight_constraints_are_searched_longer():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, ["x + y < 0.2"])
    region = Region(space, space.dimensions, {})
    assert len(region.spread(128, rng())) > 8


def test_impossible_constraints_end():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, ["x + y < 1e-9"])
    region = Region(space, space.dimensions, {})
    points = region.spread(16, rng())
    assert len(points) == 0
    assert len(region.perturb(points, 16, rng())) == 0


def test_few_combinations_are_all_listed():
    space = Space({"n": Int(1, 5), "c": Categorical(["a", "b", "c"])}, ["n > 1"])
    for fixed, count in (({}, 12), ({"n": 3}, 3)):
        names = [name for name in space.dimensions if name not in fixed]
        points = Region(space, names, fixed).spread(4, rng())
        assert len(points) == len(np.unique(points.unit, axis=0)) == count


def test_neighbours_differ_in_one_dimension():
    region = Region(MIXED, MIXED.dimensions, {})
    here = MIXED.to_unit({"x": 0.3, "n": 3, "c": "b"})
    around = region.neighbours(here)
    assert len(around) == 4 + 2
    assert ((around.unit != here).sum(axis=1) == 1).all()


def test_many_values_are_rounded_to():
    space = Space({"n": Int(1, 1000)})
    region = Region(space, ["n"], {})
    assert region.smooth.tolist() == [0]
    points = region.valid(np.array([[0.12345]]))
    assert points.unit[0, 0] == space.to_unit(region.params(points.unit[0]))[0]


def test_expressions_without_a_value_are_no_points():
    space = Space({"x": Float(-1, 1), "y": Expression("log(x)")})
    points = Region(space, ["x"], {}).spread(64, rng())
    assert len(points) > 16
    assert (points.unit > 0.5).all()


def test_points_of_a_finite_space_that_agree_with_what_is_fixed():
    space = Space({"n": Int(1, 3), "c": Categorical(["a", "b"])})
    assert list(Region(space, ["n"], {"c": "b"}).all_params()) == [
        {"n": n, "c": "b"} for n in (1, 2, 3)
    ]


def test_points():
    points = Points(np.eye(2), np.ones((2, 2), dtype=bool))
    assert len(points + points) == 4
    assert points.select(np.array([1])).unit.tolist() == [[0.0, 1.0]]


def test_perturbations_are_near_and_far():
    region = Region(Space({"x": Float(0, 1), "y": Float(0, 1)}), ["x", "y"], {})
    center = region.valid(np.array([[0.5, 0.5]]))
    distance = np.linalg.norm(region.perturb(center, 200, rng()).unit - 0.5, axis=1)
    assert (distance < 0.01).sum() > 20
    assert (distance > 0.1).sum() > 20


def test_latin_hypercube_has_a_point_in_every_slice():
    points = latin_hypercube(16, 3, rng())
    for column in points.T:
        assert sorted((column * 16).astype(int).tolist()) == list(range(16))
