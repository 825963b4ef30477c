import numpy as np
import pytest

from phsx.models.encoding import Encoding
from phsx.models.optimize import Effort, maximize, refine
from phsx.models.region import Points, Region
from phsx.space import Categorical, Float, Int, Space


class Bowl:
    """A narrow bump in feature space."""

    smooth = True

    def __init__(self, top, width=0.02):
        self.top = np.array(top)
        self.width = width

    def __call__(self, features):
        return -((features - self.top) ** 2).sum(axis=1) / self.width

    def gradient(self, features):
        return self(features), -2.0 * (features - self.top) / self.width


def best(acquisition, space, fixed=None, effort=Effort(), seed=0):
    fixed = fixed or {}
    names = [name for name in space.dimensions if name not in fixed]
    region = Region(space, names, fixed)
    nowhere = Points(np.empty((0, len(space))), np.empty((0, len(space)), dtype=bool))
    points, values = maximize(
        acquisition, region, Encoding(space), nowhere, np.random.default_rng(seed), effort
    )
    assert (values[:-1] >= values[1:]).all()
    return region.params(points.unit[0]), values[0]


def test_finds_the_top_by_gradients():
    space = Space({f"x{i}": Float(0, 1) for i in range(5)})
    top = [0.1, 0.9, 0.33, 0.5, 1.0]
    params, _ = best(Bowl(top), space)
    assert list(params.values()) == pytest.approx(top, abs=1e-4)


def test_fixed_parameters_stay():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    params, _ = best(Bowl([0.2, 0.8]), space, {"x": 0.7})
    assert params["x"] == 0.7
    assert params["y"] == pytest.approx(0.8, abs=1e-4)


def test_local_search_among_many_combinations():
    space = Space({f"n{i}": Int(1, 20) for i in range(6)} | {"c": Categorical(list("abcdefgh"))})
    target = {f"n{i}": 3 * i + 2 for i in range(6)} | {"c": "f"}
    encoding = Encoding(space)
    unit = space.to_unit(target)[None]
    top = encoding.features(unit, np.ones(unit.shape, dtype=bool))[0]
    params, value = best(Bowl(top, 1.0), space, effort=Effort(rounds=30))
    assert params == target
    assert value == 0.0


def test_both_kinds_together():
    space = Space({"x": Float(0, 1), "n": Int(1, 9), "c": Categorical(list("abcd"))})
    encoding = Encoding(space)
    target = {"x": 0.123, "n": 8, "c": "c"}
    unit = space.to_unit(target)[None]
    top = encoding.features(unit, np.ones(unit.shape, dtype=bool))[0]
    params, _ = best(Bowl(top), space)
    assert params["x"] == pytest.approx(0.123, abs=1e-4)
    assert (params["n"], params["c"]) == (8, "c")


def test_stops_at_constraints():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, ["x + y <= 1"])
    params, value = best(Bowl([0.9, 0.9], 1.0), space)
    assert params["x"] + params["y"] <= 1.0
    assert value > -0.5  # the best valid value is -0.32


def test_inactive_dimensions_are_left_alone():
    space = Space(
        {"c": Categorical(["a", "b"]), "z": Float(0, 1, when={"c": "b"}), "x": Float(0, 1)}
    )
    half = np.sqrt(0.5)
    params, _ = best(Bowl([half, 0.0, 0.5, 0.25, 0.0]), space)
    assert params == {"c": "a", "x": pytest.approx(0.25, abs=1e-4)}
    params, _ = best(Bowl([0.0, half, 0.75, 0.25, 1.0]), space)
    assert params == {"c": "b", "z": pytest.approx(0.75, abs=1e-4), "x": pytest.approx(0.25, 1e-3)}


def test_nothing_valid():
    space = Space({"x": Float(0, 1), "y": Float(0, 1)}, ["x + y < 1e-9"])
    region = Region(space, space.dimensions, {})
    nowhere = Points(np.empty((0, 2)), np.empty((0, 2), dtype=bool))
    points, values = maximize(
        Bowl([0, 0]), region, Encoding(space), nowhere, np.random.default_rng(0), Effort()
    )
    assert len(points) == len(values) == 0


def test_no_number_is_no_maximum():
    class Broken(Bowl):
        def __call__(self, features):
            values = super().__call__(features)
            values[features[:, 0] > 0.5] = np.nan
            return values

        def gradient(self, features):
            return super().__call__(features), -2.0 * (features - self.top) / self.width

    params, _ = best(Broken([0.3, 0.3]), Space({"x": Float(0, 1), "y": Float(0, 1)}))
    assert params["x"] <= 0.5


def test_reproducible():
    space = Space({"x": Float(0, 1), "n": Int(1, 9)})
    assert best(Bowl([0.3, 0.3]), space, seed=3) == best(Bowl([0.3, 0.3]), space, seed=3)


class TestRefine:
    SPACE = Space({"x": Float(0, 1), "y": Float(0, 1)})

    def refined(self, acquisition, unit):
        region = Region(self.SPACE, self.SPACE.dimensions, {})
        points = Points(np.array(unit).reshape(-1, 2), np.ones((len(unit), 2), dtype=bool))
        return refine(acquisition, region, Encoding(self.SPACE), points, 4)

    def test_a_better_point_comes_first(self):
        acquisition = Bowl([0.3, 0.6], 1.0)
        found = self.refined(acquisition, [[0.4, 0.4], [0.9, 0.9]])
        assert found.unit[0] == pytest.approx([0.3, 0.6], abs=1e-3)
        assert found.unit[1:].tolist() == [[0.4, 0.4], [0.9, 0.9]]

    def test_nothing_better_changes_nothing(self):
        assert self.refined(Bowl([0.4, 0.4]), [[0.4, 0.4], [0.9, 0.9]]).unit.tolist() == [
            [0.4, 0.4],
            [0.9, 0.9],
        ]

    def test_where_there_are_no_gradients_nothing_changes(self):
        rough = Bowl([0.3, 0.6])
        rough.smooth = False
        assert self.refined(rough, [[0.4, 0.4]]).unit.tolist() == [[0.4, 0.4]]

    def test_nothing_to_begin_with(self):
        assert len(self.refined(Bowl([0.3, 0.6]), [])) == 0
