"""What all plots look alike in: titles, legends, spines, the axes of parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator

from phsx.analysis.scale import Scale
from phsx.analysis.ticks import RoundFormatter, RoundLocator
from phsx.analysis.words import shorten

#: Room between the title and what is below it, and for a line of a legend, in points.
PAD, LEGEND_LINE = 8.0, 14.0
#: Entries of a legend beside each other.
COLUMNS = 5


def dress(ax: Axes) -> None:
    """Take the upper and right spine away and draw a faint grid below everything."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)


def head(
    ax: Axes, title: str, handles: Sequence[Any] = (), remark: str = "", pad: float = PAD
) -> None:
    """Write a title at the left, a remark at the right, and a legend between them and the axes."""
    if handles:
        legend(ax, handles)
        pad = PAD + LEGEND_LINE * -(-len(handles) // COLUMNS)
    ax.set_title(shorten(title, 40 if remark else 72), loc="left", pad=pad, parse_math=False)
    if remark:
        style: dict[str, Any] = {"fontsize": "small", "color": "0.35"}
        ax.set_title(remark, loc="right", pad=pad, parse_math=False, **style)


def legend(ax: Axes, handles: Sequence[Any], *, below: bool = False) -> None:
    """Write a legend in rows above or below the axes, where it hides nothing."""
    if not handles:
        return
    ax.legend(
        handles=list(handles),
        loc="upper left" if below else "lower left",
        bbox_to_anchor=(0.0, 0.0 if below else 1.0),
        ncols=min(COLUMNS, len(handles)),
        frameon=False,
        borderaxespad=0.2,
        borderpad=0.2,
        handletextpad=0.5,
        columnspacing=1.6,
        fontsize="small",
    )


def scale_axis(ax: Axes, which: Literal["x", "y"], scale: Scale) -> None:
    """Give an axis a parameter's scale, domain, ticks and name."""
    axis = ax.xaxis if which == "x" else ax.yaxis
    margin = 0.0 if scale.pitch else 0.03
    limits = scale.from_unit(np.array([-margin, 1.0 + margin])).tolist()
    kind = "log" if scale.kind == "log" else "linear"
    ax.set(**{f"{which}scale": kind, f"{which}lim": limits})
    axis.set_label_text(shorten(scale.name, 48), parse_math=False)
    if scale.fixed:
        ticks, labels = scale.ticks()
        slanted = which == "x" and not _fit(ax, labels)
        style: dict[str, Any] = {"rotation_mode": "anchor", "ha": "right", "rotation": 30}
        axis.set_ticks(ticks, labels=labels, parse_math=False, **(style if slanted else {}))
        axis.set_minor_locator(NullLocator())
    elif scale.kind == "log":
        round_log(axis)
    else:
        axis.set_major_formatter(RoundFormatter())
    if scale.kind == "choices":
        axis.grid(visible=False)


def round_log(axis: Any, threshold: float | None = None) -> None:
    """Write round numbers, not powers, along a logarithmic axis (symmetric with a threshold)."""
    axis.set_major_locator(RoundLocator(threshold))
    axis.set_major_formatter(RoundFormatter())
    axis.set_minor_formatter(NullFormatter())


def points_wide(ax: Axes) -> float:
    """Return the width of the axes in points, as far as it is known before the layout."""
    return float(ax.get_window_extent().width * 72 / ax.figure.figure.dpi)


def letters(points: float, size: float) -> int:
    """Return how many letters of a font of `size` points fit into `points`."""
    return int(points / (0.6 * size))


def _fit(ax: Axes, labels: Sequence[str]) -> bool:
    room = points_wide(ax) / max(1, len(labels))
    return max(map(len, labels), default=0) + 2 <= letters(room, rcParams["font.size"])
