"""A smooth surface through the results over two axes.

References
----------
G. Wahba, *Spline Models for Observational Data*, SIAM, 1990: the thin-plate smoothing spline
(section 2.4) and the choice of its smoothing by generalized cross-validation (section 4.3).
"""

from __future__ import annotations

import numpy as np
from matplotlib.tri import Triangulation

from phsx.analysis.frame import BoolArray, FloatArray

#: The surface is computed from at most this many points; more are averaged in cells first.
MOST = 600
CELLS = 24
#: Points per axis of the grid on which the surface is evaluated.
GRID = 81
#: Points whose width is below this part of their length lie on a line.
FLAT = 1e-3


def degenerate(points: FloatArray) -> str | None:
    """Tell why no surface goes through points of shape (n, 2), or None where one does.

    >>> degenerate(np.array([[0.0, 0.0], [0.5, 0.5], [0.7, 0.7], [1.0, 1.0]]))
    'all trials lie on a line'
    """
    if len(np.unique(points, axis=0)) < 4:
        return "fewer than 4 different points"
    long, short = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return "all trials lie on a line" if short < FLAT * long else None


def smooth(points: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Evaluate the smoothing spline through `values` at `points` over the unit square.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        Not degenerate.
    values : ndarray, shape (n,)

    Returns
    -------
    axis : ndarray, shape (m,)
        The grid's coordinates, the same on both axes.
    heights : ndarray, shape (m, m)
        The surface at (axis[column], axis[row]), never beyond the values' range; NaN outside of
        the convex hull of the points, where it would be guessed.
    """
    axis = np.linspace(0.0, 1.0, GRID)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    inside = _within_hull(points, grid)
    heights = np.full(len(grid), np.nan)
    heights[inside] = np.clip(
        _spline(*_thin(points, values), grid[inside]), values.min(), values.max()
    )
    return axis, heights.reshape(GRID, GRID)


def _within_hull(points: FloatArray, grid: FloatArray) -> BoolArray:
    finder = Triangulation(points[:, 0], points[:, 1]).get_trifinder()
    return np.asarray(finder(grid[:, 0], grid[:, 1]) >= 0)


def _thin(points: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Average points and values in cells where there are too many for a dense solution."""
    if len(points) <= MOST:
        return points, values
    columns = np.minimum((points * CELLS).astype(int), CELLS - 1)
    _, cell = np.unique(columns[:, 0] * CELLS + columns[:, 1], return_inverse=True)
    count = np.bincount(cell)
    sums = [np.bincount(cell, weights=array) / count for array in (*points.T, values)]
    return np.stack(sums[:2], axis=1), sums[2]


def _spline(points: FloatArray, values: FloatArray, grid: FloatArray) -> FloatArray:
    """Fit f = K c + P a with Pᵀc = 0 (Wahba, eq. 2.4.7 to 2.4.11) and evaluate it on `grid`.

    With P = Q₁R and the eigenvalues d of Q₂ᵀKQ₂, the residuals for smoothing λ are λBy, with
    B = Q₂(Q₂ᵀKQ₂ + λ)⁻¹Q₂ᵀ, so that every λ costs but a product.
    """
    kernel, plane = _kernel(points, points), _plane(points)
    rest = np.linalg.qr(plane, mode="complete")[0][:, 3:]
    roots, vectors = np.linalg.eigh(rest.T @ kernel @ rest)
    roots, basis = np.maximum(roots, 0.0), rest @ vectors
    shares = basis.T @ values

    def score(smoothing: float) -> float:
        left = smoothing / (roots + smoothing)
        return float(((left * shares) ** 2).sum() / left.sum() ** 2)

    scale = max(float(roots.max(initial=0.0)), 1e-12)
    smoothing = min(scale * np.logspace(-8, 0, 33), key=score)
    bends = basis @ (shares / (roots + smoothing))
    tilt = np.linalg.lstsq(plane, values - kernel @ bends - smoothing * bends, rcond=None)[0]
    return np.asarray(_kernel(grid, points) @ bends + _plane(grid) @ tilt)


def _kernel(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return r² log r between all pairs."""
    squared = ((left[:, None, :] - right[None, :, :]) ** 2).sum(axis=-1)
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-300)))


def _plane(points: FloatArray) -> FloatArray:
    return np.column_stack([np.ones(len(points)), points])
