"""Colours: safe for the colour-blind, and the same meaning in every plot."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, ListedColormap

from phsx.analysis.magnitude import Magnitude
from phsx.analysis.words import shorten, tick_labels

#: The best trial: bright and warm, as viridis is neither at its good, dark end, and bright to
#: those too who see no red or no green.
BEST = "#FF6A13"
#: Crosses for trials that failed, lines of such trials, and bars.
CROSS = "#222222"
FAINT = "0.55"
FAILED = "#CC3311"
#: Bars of evaluations by turns, of such that still run, and of suggestions.
EVALUATION = ("#3F8FCF", "#7DB8E3")
RUNNING = "#CFE3F3"
SUGGESTION = "#1B2A41"
#: Strategies, in the order of their appearance: cool and neutral, the warm end is for the best.
STRATEGIES = ("#4477AA", "#44AA99", "#AA4499", "#777777", "#88CCEE", "#117733")


def colours(maximize: bool) -> Colormap:
    """Return viridis without its palest end; dark is good, whichever way the search goes."""
    viridis = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.94, 256))
    return ListedColormap(viridis[::-1] if maximize else viridis, name="phsx")


def colour_bar(ax: Axes, magnitude: Magnitude, cmap: Colormap, label: str) -> Colorbar:
    """Draw a colour bar beside `ax`, pointed at the end beyond which results lie."""
    mappable = ScalarMappable(magnitude.norm(), cmap)
    bar = ax.figure.colorbar(mappable, ax=ax, extend=magnitude.clipped, pad=0.02, fraction=0.06)
    ticks = magnitude.ticks()
    bar.set_ticks(ticks, labels=tick_labels(ticks))
    bar.minorticks_off()
    bar.outline.set_visible(False)
    bar.set_label(shorten(label, 48), parse_math=False)
    return bar
