"""What all plots look alike in: spines, titles, legends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from phsx.analysis.scale import Scale
from phsx.analysis.words import shorten

#: Room between title and axes, in points: without a legend, and with one line of it.
TITLE_PAD, LEGEND_PAD = 8.0, 26.0


def dress(ax: Axes, title: str) -> None:
    """Write the title at the left, take the upper and right spine away, draw a faint grid."""
    ax.set_title(shorten(title, 72), loc="left", pad=TITLE_PAD, parse_math=False)
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)


def legend_above(ax: Axes, handles: Sequence[Any], columns: int = 5) -> None:
    """Write a legend in rows between title and axes, where it hides nothing."""
    if not handles:
        return
    rows = -(-len(handles) // columns)
    ax.legend(
        handles=list(handles),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=min(columns, len(handles)),
        frameon=False,
        borderaxespad=0.2,
        borderpad=0.2,
        handletextpad=0.4,
        columnspacing=1.4,
        fontsize="small",
    )
    ax.set_title(ax.get_title(loc="left"), loc="left", pad=LEGEND_PAD + 14 * (rows - 1))


def remark(text: str) -> Any:
    """Return an entry of a legend that has no sign."""
    return Line2D([], [], linestyle="none", marker="none", label=text)


def scale_axis(ax: Axes, which: Literal["x", "y"], scale: Scale) -> None:
    """Give an axis a parameter's scale, domain, ticks and name."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    margin = 0.0 if scale.kind == "choices" else 0.03
    low, high = scale.from_unit(np.array([-margin, 1.0 + margin])).tolist()
    ax.set(
        **{f"{which}scale": "log" if scale.kind == "log" else "linear", f"{which}lim": (low, high)}
    )
    ticks, labels = scale.ticks(limit=24)
    slanted = which == "x" and not _fit(ax, labels)
    style: dict[str, Any] = (
        {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
    )
    axis.set_ticks(ticks, labels=labels, parse_math=False, **style)
    axis.set_minor_formatter(NullFormatter())
    axis.set_label_text(shorten(scale.name, 48), parse_math=False)
    if not scale.ordered:
        axis.grid(visible=False)


def points_wide(ax: Axes) -> float:
    """Return the width of the axes in points, as far as it is known before the layout."""
    return float(ax.get_window_extent().width * 72 / ax.figure.figure.dpi)


def letters(points: float, size: float) -> int:
    """Return how many letters of a font of `size` points fit into `points`."""
    return int(points / (0.6 * size))


def _fit(ax: Axes, labels: Sequence[str]) -> bool:
    room = points_wide(ax) / max(1, len(labels))
    return max(map(len, labels), default=0) + 2 <= letters(room, rcParams["font.size"])


def legend_below(ax: Axes, handles: Sequence[Any]) -> None:
    """Write a legend in one row under the axes."""
    if handles:
        ax.legend(
            handles=list(handles),
            loc="upper left",
            bbox_to_anchor=(0.0, 0.0),
            ncols=len(handles),
            frameon=False,
            borderpad=0.2,
            fontsize="small",
        )
