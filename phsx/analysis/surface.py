"""A smooth surface through the results over two axes.

References
----------
G. Wahba, *Spline Models for Observational Data*, SIAM, 1990: the thin-plate smoothing spline
(section 2.4) and the choice of its smoothing by generalized cross-validation (section 4.3).
Y.-J. Kim and C. Gu, "Smoothing spline Gaussian regression", J. R. Stat. Soc. B 66, 2004: the
factor 1.4 on the degrees of freedom (section 3).
"""

from __future__ import annotations

import numpy as np

from phsx.analysis.frame import FloatArray

#: More points than this are averaged in cells first, this many per axis: a dense cluster then
#: weighs no more than its area, and the solution stays cheap.
MOST = 100
CELLS = 24
#: By how much the spline's degrees of freedom are overrated where values are noisy: generalized
#: cross-validation alone follows noise now and then.
GAMMA = 1.4
#: How much larger than the hull of the trials a surface is drawn.
MARGIN = 1.05
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


def smooth(points: FloatArray, values: FloatArray, *, noisy: bool) -> tuple[FloatArray, FloatArray]:
    """Evaluate the smoothing spline through `values` at `points` over the unit square.

    Parameters
    ----------
    points : ndarray, shape (n, 2)
        Not degenerate.
    values : ndarray, shape (n,)
    noisy : bool
        Whether values depend on more than the points.

    Returns
    -------
    axis : ndarray, shape (m,)
        The grid's coordinates, the same on both axes.
    heights : ndarray, shape (m, m)
        The surface at (axis[column], axis[row]), never beyond the values' range. Outside of the
        `hull` of the points it is guessed.
    """
    axis = np.linspace(0.0, 1.0, GRID)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    heights = np.clip(
        _spline(*_thin(points, values), grid, GAMMA if noisy else 1.0), values.min(), values.max()
    )
    return axis, heights.reshape(GRID, GRID)


def hull(points: FloatArray) -> FloatArray:
    """Return the corners of the convex hull, counter-clockwise, shape (m, 2) (monotone chain).

    It is a little larger than the hull, within the unit square, so that the points at its border
    are seen on it.

    >>> hull(np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.5], [1.0, 1.0], [0.0, 1.0]])).tolist()
    [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    """
    ordered = [*map(tuple, np.unique(points, axis=0).tolist())]
    corners: list[tuple[float, ...]] = []
    for way in (ordered, ordered[::-1]):
        chain: list[tuple[float, ...]] = []
        for x, y in way:
            while len(chain) > 1:
                (ax, ay), (bx, by) = chain[-2], chain[-1]
                if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                    break
                chain.pop()
            chain.append((x, y))
        corners += chain[:-1]
    border = np.array(corners)
    middle = border.mean(axis=0)
    return np.asarray(np.clip(middle + (border - middle) * MARGIN, 0.0, 1.0))


def _thin(points: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Average points and values in cells where they are many."""
    if len(points) <= MOST:
        return points, values
    columns = np.minimum((points * CELLS).astype(int), CELLS - 1)
    _, cell = np.unique(columns[:, 0] * CELLS + columns[:, 1], return_inverse=True)
    count = np.bincount(cell)
    sums = [np.bincount(cell, weights=array) / count for array in (*points.T, values)]
    return np.stack(sums[:2], axis=1), sums[2]


def _spline(points: FloatArray, values: FloatArray, grid: FloatArray, gamma: float) -> FloatArray:
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
        freedom = len(values) - gamma * (len(values) - left.sum())
        return float(((left * shares) ** 2).sum() / freedom**2) if freedom > 0 else np.inf

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
