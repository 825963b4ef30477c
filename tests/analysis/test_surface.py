import numpy as np
import pytest

from phsx.analysis import surface

rng = np.random.default_rng(1)


def test_an_exact_function_is_met_at_its_points():
    points = rng.random((60, 2))
    values = np.sin(3 * points[:, 0]) + points[:, 1] ** 2
    axis, grid = surface.smooth(points, values, noisy=False)
    columns = np.rint(points * (len(axis) - 1)).astype(int)
    assert grid[columns[:, 1], columns[:, 0]] == pytest.approx(values, abs=0.05)


@pytest.mark.parametrize("n", [80, 500])
def test_noise_is_smoothed_away(n):
    points = rng.random((n, 2))
    truth = points[:, 0]
    _, grid = surface.smooth(points, truth + rng.normal(0, 0.2, n), noisy=True)
    expected = np.broadcast_to(np.linspace(0, 1, surface.GRID), grid.shape)
    assert np.abs(grid - expected)[10:-10, 10:-10].mean() < 0.1


def test_the_surface_stays_within_the_values():
    points = rng.random((10, 2))
    values = rng.integers(0, 2, 10).astype(float)
    _, grid = surface.smooth(points, values, noisy=False)
    assert grid.min() >= 0
    assert grid.max() <= 1


def test_constant_values_and_repeated_points():
    points = np.repeat(rng.random((5, 2)), 4, axis=0)
    _, grid = surface.smooth(points, np.ones(20), noisy=True)
    assert (grid == 1).all()
    _, grid = surface.smooth(points, rng.random(20), noisy=True)
    assert np.isfinite(grid).all()


def test_what_has_no_surface():
    line = np.column_stack([np.linspace(0, 1, 9), np.linspace(0, 1, 9)])
    assert surface.degenerate(line) == "all trials lie on a line"
    assert surface.degenerate(line[:3]) == "fewer than 4 different points"
    assert surface.degenerate(np.repeat(line[:2], 5, axis=0)) == "fewer than 4 different points"
    assert surface.degenerate(rng.random((4, 2))) is None


def test_the_hull_has_all_points_within():
    points = 0.2 + 0.6 * rng.random((50, 2))
    corners = surface.hull(points)
    following = np.roll(corners, -1, axis=0) - corners
    for corner, edge in zip(corners, following, strict=True):
        left = edge[0] * (points[:, 1] - corner[1]) - edge[1] * (points[:, 0] - corner[0])
        assert (left > 0).all()
