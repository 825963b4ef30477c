"""The vertical axes of a parallel coordinates plot, drawn by hand on one pair of axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap

from phsx.analysis.layout import letters, points_wide
from phsx.analysis.magnitude import Magnitude
from phsx.analysis.scale import Scale
from phsx.analysis.words import number, shorten, tick_labels, wrap

#: Height at which lines pass that have no place on an axis, whose own heights are 0 to 1.
BELOW = -0.11
#: Sizes of type, in points, and the length of ticks.
NAME_SIZE, TICK_SIZE, TICK_LENGTH = 9.5, 8.0, 3.5
#: So many choices may have labels of two lines.
TALL = 8
#: Width of the last axis, in units of the distance between axes.
STRIP = 0.05


@dataclass(frozen=True)
class Upright:
    """One vertical axis.

    Attributes
    ----------
    name : str
        What is written above it.
    heights : tuple of float
        Heights of its ticks, 0 to 1.
    labels : tuple of str
        What is written beside them.
    below : str or None
        What it is called when a trial has no place on it; None where all have.
    """

    name: str
    heights: tuple[float, ...]
    labels: tuple[str, ...]
    below: str | None = None

    @classmethod
    def of_parameter(cls, scale: Scale, limit: int, *, inactive: bool) -> Upright:
        """Make the axis of a parameter, with labels of at most `limit` characters in a line."""
        lines = 2 if len(scale.choices) <= TALL else 1
        ticks, labels = scale.ticks(limit=limit, lines=lines)
        heights = scale.unit(np.array(ticks)).tolist()
        return cls(scale.name, tuple(heights), tuple(labels), "inactive" if inactive else None)

    @classmethod
    def of_result(cls, name: str, magnitude: Magnitude, *, failed: bool) -> Upright:
        """Make the axis of the result; its end is marked where results lie beyond it."""
        norm = magnitude.norm()
        values = magnitude.ticks()
        ticks = [
            (float(norm(v)), text) for v, text in zip(values, tick_labels(values), strict=True)
        ]
        if magnitude.clipped != "neither":
            end = 1.0 if magnitude.clipped == "max" else 0.0
            sign, value = ("≥", magnitude.high) if end else ("≤", magnitude.low)
            ticks = [tick for tick in ticks if abs(tick[0] - end) > 0.05]
            ticks.append((end, f"{sign} {number(value, 3)}"))
        heights, labels = zip(*ticks, strict=True)
        return cls(name, heights, labels, "failed" if failed else None)


def room(ax: Axes, axes: int) -> int:
    """Return how many letters of a tick label fit between two of so many axes."""
    return max(5, letters(points_wide(ax) / axes - 12, TICK_SIZE))


def draw_uprights(ax: Axes, uprights: Sequence[Upright], cmap: Colormap) -> None:
    """Draw the axes at x = 0, 1, 2, ..., the last one as a strip of colour."""
    last = len(uprights) - 1
    lowest = BELOW if any(upright.below for upright in uprights) else 0.0
    ax.set(xlim=(-0.1, last + 0.1), ylim=(lowest - 0.04, 1.03))
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    stems = [[(i, 0.0), (i, 1.0)] for i in range(last)]
    ax.add_collection(LineCollection(stems, colors="0.25", linewidths=1.0, zorder=4), autolim=False)
    edges = np.linspace(0.0, 1.0, cmap.N + 1)
    strip = ax.pcolormesh(
        [last, last + STRIP], edges, np.linspace(0, 1, cmap.N)[:, None], cmap=cmap, vmin=0, vmax=1
    )
    strip.set(zorder=4, gid="result strip", rasterized=True)
    for i, upright in enumerate(uprights):
        _draw_ticks(ax, i, upright, right=i == last)
    _draw_names(ax, uprights)


def _draw_ticks(ax: Axes, x: int, upright: Upright, *, right: bool) -> None:
    """Write ticks and labels beside one axis: at its left, and for the last one at its right."""
    edge, side = (x + STRIP, 1) if right else (x, -1)
    texts = [*zip(upright.heights, upright.labels, strict=True)]
    if upright.below is not None:
        texts.append((BELOW, upright.below))
    for height, label in texts:
        ax.annotate(
            label,
            (edge, height),
            xytext=(side * (TICK_LENGTH + 2), 0),
            textcoords="offset points",
            ha="left" if right else "right",
            va="center",
            fontsize=TICK_SIZE,
            fontstyle="italic" if height == BELOW else "normal",
            color="0.4" if height == BELOW else "0.1",
            zorder=7,
            parse_math=False,
            annotation_clip=False,
            linespacing=1.2,
            path_effects=[patheffects.withStroke(linewidth=2.5, foreground="white", alpha=0.85)],
            gid=f"tick {x}",
        )
        ax.annotate(
            "",
            (edge, height),
            xytext=(side * TICK_LENGTH, 0),
            textcoords="offset points",
            arrowprops={"arrowstyle": "-", "color": "0.25", "shrinkA": 0, "shrinkB": 0},
            annotation_clip=False,
            zorder=6,
        )


def _draw_names(ax: Axes, uprights: Sequence[Upright]) -> None:
    """Write names above the axes, broken into lines; slanted where there is little room."""
    width = letters(points_wide(ax) / max(1, len(uprights) - 1), NAME_SIZE) - 1
    ax.xaxis.tick_top()
    ax.tick_params(axis="x", length=0, pad=6)
    names = [upright.name for upright in uprights]
    longest = max(len(piece) for name in names for piece in name.split("_"))
    if longest <= width or width >= 12:
        labels = [wrap(name, width) for name in names]
        style: dict[str, Any] = {"va": "bottom"}
    else:
        labels = [shorten(name, 28) for name in names]
        style = {"rotation": 35, "ha": "left", "rotation_mode": "anchor"}
    ax.set_xticks(
        range(len(uprights)), labels=labels, parse_math=False, fontsize=NAME_SIZE, **style
    )
    ax.get_xticklabels()[-1].set_fontweight("bold")
