import numpy as np
import pytest

from phsx.models.encoding import Encoding
from phsx.space import Categorical, Constant, Expression, Float, Int, Ordinal, Space


def features(space, *points):
    unit = np.array([space.to_unit(point) for point in points])
    active = np.array([space.active(point) for point in points])
    return Encoding(space).features(unit, active)


def test_numbers_are_as_they_are():
    space = Space({"x": Float(0, 10), "n": Int(1, 4), "size": Ordinal(["s", "m", "l", "xl"])})
    point = {"x": 2.5, "n": 1, "size": "xl"}
    assert features(space, point).tolist() == [[0.25, 0.125, 0.875]]
    assert Encoding(space).groups == (0, 1, 2)


def test_categories_are_equally_far_apart():
    space = Space({"c": Categorical(["a", "b", "c"]), "x": Float(0, 1)})
    rows = features(space, *({"c": c, "x": 0.5} for c in "abc"))
    distances = [np.linalg.norm(rows[i] - rows[j]) for i, j in [(0, 1), (0, 2), (1, 2)]]
    assert distances == pytest.approx([1.0, 1.0, 1.0])
    assert Encoding(space).groups == (0, 0, 0, 1)


def test_constants_and_computed_values_are_no_features():
    space = Space({"x": Float(0, 1), "k": Constant(3), "y": Expression("2 * x")})
    assert Encoding(space).groups == (0,)


def test_inactive_dimensions_do_not_tell_points_apart():
    space = Space(
        {
            "kind": Categorical(["off", "on"]),
            "a": Float(0, 1, when={"kind": "on"}),
            "b": Categorical(["u", "v"], when={"kind": "on"}),
            "x": Float(0, 1),
            "c": Float(0, 1, when="x > 0.5"),
        }
    )
    encoding = Encoding(space)
    unit = np.array([[0.25, 0.1, 0.2, 0.3, 0.4], [0.25, 0.9, 0.8, 0.3, 0.6]])
    active = np.array([[True, False, False, True, False]] * 2)
    first, second = encoding.features(unit, active)
    assert np.array_equal(first, second)
    # The same, but active: other than inactive even at the fixed value.
    active[1, 1:3] = True
    unit[1, 1] = 0.5
    first, second = encoding.features(unit, active)
    assert not np.array_equal(first, second)
    # a and b share a condition, c has another: two indicators with a length scale each.
    assert encoding.groups == (0, 0, 1, 2, 2, 3, 4, 5, 6)


def test_edges_of_the_unit_cube():
    space = Space({"c": Categorical(["a", "b", "c"])})
    encoding = Encoding(space)
    rows = encoding.features(np.array([[0.0], [1.0]]), np.ones((2, 1), dtype=bool))
    assert rows.argmax(axis=1).tolist() == [0, 2]
