"""The result over the plane of two parameters, as filled contours or as cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path

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
    if plane.crowded:
        edges_x, edges_y = _edges(plane.x, int(scored.sum())), _edges(plane.y, int(scored.sum()))
        medians = _medians(plane, scored, trials.value[scored], edges_x, edges_y)
        mesh = ax.pcolormesh(edges_x, edges_y, medians, norm=norm, cmap=cmap)
        mesh.set(zorder=1, gid="cells")
        for scale, edges, line in ((plane.x, edges_x, ax.axvline), (plane.y, edges_y, ax.axhline)):
            for edge in edges[1:-1] if scale.pitch else ():
                line(edge, color="white", linewidth=2.5, zorder=1.5)
        return None
    points = plane.unit(scored)
    why = surface.degenerate(points)
    if why is not None:
        return why
    # In colours, not in results: an outlier then bends the surface no further than a colour.
    heights = np.clip(np.asarray(norm(trials.value[scored]), dtype=float), 0.0, 1.0)
    axis, grid = surface.smooth(points, heights, noisy=not plane.alone)
    across, up = plane.x.from_unit(axis), plane.y.from_unit(axis)
    levels = np.linspace(0.0, 1.0, LEVELS + 1)
    filled = ax.contourf(across, up, grid, levels, cmap=cmap, vmin=0, vmax=1)
    filled.set(zorder=1, gid="contours")
    border = surface.hull(points)
    border = np.append(border, border[:1], axis=0)
    corners = [plane.x.from_unit(border[:, 0]), plane.y.from_unit(border[:, 1])]
    filled.set_clip_path(Path(np.stack(corners, axis=1), closed=True), ax.transData)
    return None


def _edges(scale: Scale, trials: int) -> FloatArray:
    """Return the borders of cells: one per choice, or so many that cells hold a few trials."""
    if scale.pitch:
        return np.arange(scale.low, scale.high + scale.pitch / 2, scale.pitch)
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
