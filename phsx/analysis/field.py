"""The result over the plane of two parameters, as filled contours or as cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from phsx.analysis import colour, surface
from phsx.analysis.frame import BoolArray, FloatArray, Trials
from phsx.analysis.magnitude import Magnitude
from phsx.analysis.plane import Plane
from phsx.analysis.scale import Scale

#: Steps of colour from the best to the worst contour.
LEVELS = 12


def draw_field(
    ax: Axes, plane: Plane, trials: Trials, scored: BoolArray, magnitude: Magnitude
) -> str | None:
    """Draw the surface, or cells where there are categories.

    Returns None, or why there is no surface, in which case nothing is drawn.
    """
    cmap, norm = colour.colours(trials.maximize), magnitude.norm()
    if not (plane.x.ordered and plane.y.ordered):
        edges_x, edges_y = _edges(plane.x, int(scored.sum())), _edges(plane.y, int(scored.sum()))
        medians = _medians(plane, scored, trials.value[scored], edges_x, edges_y)
        mesh = ax.pcolormesh(
            edges_x, edges_y, medians, norm=norm, cmap=cmap, edgecolors="white", linewidth=1.0
        )
        mesh.set(zorder=1, gid="cells")
        return None
    points = plane.unit(scored)
    why = surface.degenerate(points)
    if why is not None:
        return why
    # In colours, not in results: an outlier then bends the surface no further than a colour.
    heights = np.clip(np.asarray(norm(trials.value[scored]), dtype=float), 0.0, 1.0)
    axis, grid = surface.smooth(points, heights)
    across, up = plane.x.from_unit(axis), plane.y.from_unit(axis)
    levels = np.linspace(0.0, 1.0, LEVELS + 1)
    filled = ax.contourf(across, up, np.ma.masked_invalid(grid), levels, cmap=cmap, vmin=0, vmax=1)
    filled.set(zorder=1, gid="contours")
    return None


def _edges(scale: Scale, trials: int) -> FloatArray:
    """Return the borders of cells: one per choice, or so many that cells hold a few trials."""
    if scale.crowded:
        return np.arange(np.floor(scale.low + 0.5) - 0.5, scale.high + 0.75)
    cells = int(np.clip(np.sqrt(trials), 4, 12))
    return scale.from_unit(np.linspace(0.0, 1.0, cells + 1))


def _medians(
    plane: Plane, rows: BoolArray, values: FloatArray, edges_x: FloatArray, edges_y: FloatArray
) -> Any:
    """Return the median result in every cell, masked where there is none."""
    columns = np.clip(np.searchsorted(edges_x, plane.px[rows], "right") - 1, 0, len(edges_x) - 2)
    lines = np.clip(np.searchsorted(edges_y, plane.py[rows], "right") - 1, 0, len(edges_y) - 2)
    cells = np.full((len(edges_y) - 1, len(edges_x) - 1), np.nan)
    for line, column in {*zip(lines.tolist(), columns.tolist(), strict=True)}:
        cells[line, column] = np.median(values[(lines == line) & (columns == column)])
    return np.ma.masked_invalid(cells)
