"""All parameters side by side: one line per trial."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from phsx.analysis import colour
from phsx.analysis.figure import axes_for, check_path, finish, note
from phsx.analysis.frame import FloatArray, Trials
from phsx.analysis.layout import head, legend
from phsx.analysis.magnitude import Magnitude
from phsx.analysis.scale import Scale
from phsx.analysis.searched import Searched
from phsx.analysis.uprights import BELOW, Upright, draw_uprights, room
from phsx.analysis.words import number
from phsx.exceptions import ConfigurationError

#: Inches per axis, and the bounds of the whole width.
PER_AXIS, NARROWEST, WIDEST, HEIGHT = 1.45, 6.5, 22.0, 5.6


def parallel_coordinates(
    experiment: Searched,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
    parameters: Sequence[str] | None = None,
) -> Axes:
    """Draw one line per trial through an axis per parameter, the result as colour and last axis.

    Every parameter has its own scale: its whole domain, logarithmic where it is searched so, with
    trials of the same choice spread a little. Better trials are drawn later and more opaque; the
    best one stands out. Where a parameter was inactive a line passes below its axis, at
    "inactive". Trials that failed are faint and end at "failed".

    Parameters
    ----------
    experiment : Experiment or Optimizer
        The search to look at, finished or running.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    path : str or path-like, optional
        Save the figure to this .png, .pdf or .svg file.
    parameters : sequence of str, optional
        Which parameters to draw, from left to right. Default: all but constants.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ConfigurationError
        `parameters`, `ax` or `path` is not one of those above, or the file cannot be written.

    Examples
    --------
    >>> import phsx
    >>> space = {"rate": phsx.Float(1e-5, 1, log=True), "layers": phsx.Int(1, 4)}
    >>> optimizer = phsx.Optimizer(space, seed=0)
    >>> optimizer.tell_many([({"rate": 0.1, "layers": n}, n / 10) for n in (1, 2, 3)])
    >>> ax = phsx.plot.parallel_coordinates(optimizer)
    >>> [label.get_text() for label in ax.get_xticklabels()]
    ['rate', 'layers', 'value']
    """
    names = _names(experiment, parameters)
    target = check_path(path)
    trials = Trials.of(experiment)
    width = float(np.clip(PER_AXIS * (len(names) + 1), NARROWEST, WIDEST))
    ax = axes_for(ax, target, (width, HEIGHT))
    known = experiment.space.parameters
    scales = [Scale.of(name, known[name], trials.params[name]) for name in names]
    magnitude = Magnitude.of(trials.value[trials.scored], maximize=trials.maximize)
    heights = _heights(trials, scales, magnitude)
    lost = ~np.isfinite(heights)
    limit = room(ax, len(names))
    uprights = [
        Upright.of_parameter(
            scale, limit, inactive=bool(lost[trials.scored | trials.failed, i].any())
        )
        for i, scale in enumerate(scales)
    ]
    uprights.append(
        Upright.of_result(trials.objective, magnitude, failed=bool(trials.failed.any()))
    )
    draw_uprights(ax, uprights, colour.colours(trials.maximize))
    lines = np.where(lost, BELOW + _shift(trials, len(names) + 1), heights)
    handles = _draw_lines(ax, trials, lines, magnitude) + _draw_failed(ax, trials, lines)
    if not trials.scored.any():
        note(ax, "no trial has a result" if len(trials) else "no trials yet")
    head(ax, trials.name, pad=14.0)
    legend(ax, handles, below=True)
    return finish(ax, target)


def _names(experiment: Searched, chosen: Sequence[str] | None) -> list[str]:
    known = experiment.space.parameters
    if chosen is None:
        varying = [name for name in experiment.space.names if known[name].kind != "constant"]
        return varying or list(experiment.space.names)
    if isinstance(chosen, str):
        raise ConfigurationError(f"parameters={chosen!r} is a text: write [{chosen!r}].")
    for name in chosen:
        if name not in known:
            close = difflib.get_close_matches(str(name), list(known), n=1)
            cure = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}."
            raise ConfigurationError(
                f"parameters= names {name!r}, which is no parameter of the search: {cure}"
            )
    if not chosen or len(set(chosen)) != len(chosen):
        raise ConfigurationError(
            f"parameters={list(chosen)!r}: name at least one parameter, and none twice."
        )
    return list(chosen)


def _heights(trials: Trials, scales: Sequence[Scale], magnitude: Magnitude) -> FloatArray:
    """Return where every trial crosses every axis, shape (n, axes); NaN where it does not."""
    columns = []
    for i, scale in enumerate(scales):
        # The spread is bounded in height too: few choices would become clouds, not points.
        width = min(0.3, 0.035 * (scale.high - scale.low) / (scale.pitch or 1.0))
        spread = scale.spread(trials.ids, width, stream=i)
        columns.append(scale.unit(scale.positions(trials.params[scale.name]) + spread))
    result = np.ma.filled(magnitude.norm()(np.ma.masked_invalid(trials.value)), np.nan)
    columns.append(np.clip(np.asarray(result, dtype=float), 0.0, 1.0))
    return np.stack(columns, axis=1)


def _shift(trials: Trials, axes: int) -> FloatArray:
    """Keep lines below the axes apart a little, so that one sees how many they are."""
    return np.random.default_rng(0).uniform(-0.01, 0.01, (len(trials), axes))


def _draw_lines(ax: Axes, trials: Trials, lines: FloatArray, magnitude: Magnitude) -> list[Any]:
    """Draw trials that have a result, the worst first, and the best as a line of its own."""
    best = trials.best(trials.scored)
    if best is None:
        return []
    rows = trials.worst_first(trials.scored)
    rank = np.linspace(0.0, 1.0, len(rows)) if len(rows) > 1 else np.ones(1)
    rgba = colour.colours(trials.maximize)(magnitude.norm()(trials.value[rows]))
    few = float(np.clip(12 / len(rows), 0.0, 1.0))
    faintest = 0.2 + 0.6 * few
    rgba[:, 3] = faintest + (0.95 - faintest) * rank**3
    x = np.arange(lines.shape[1])
    bundle = LineCollection(
        [np.column_stack([x, line]) for line in lines[rows]],
        colors=rgba,
        linewidths=0.8 + 0.8 * few + 0.6 * rank**3,
        zorder=2,
        gid="trials",
    )
    ax.add_collection(bundle, autolim=False)
    (line,) = ax.plot(
        x,
        lines[best],
        color=colour.BEST,
        linewidth=2.6,
        marker="o",
        markersize=4.5,
        zorder=5,
        path_effects=[patheffects.withStroke(linewidth=4.6, foreground="white")],
        gid="best",
        label=f"best: {number(float(trials.value[best]), 4)} (trial {trials.ids[best]})",
    )
    return [line]


def _draw_failed(ax: Axes, trials: Trials, lines: FloatArray) -> list[Any]:
    if not trials.failed.any():
        return []
    x = np.arange(lines.shape[1])
    bundle = LineCollection(
        [np.column_stack([x, line]) for line in lines[trials.failed]],
        colors=colour.FAINT,
        linewidths=0.7,
        linestyles=(0, (2, 3)),
        alpha=0.7,
        zorder=1,
        gid="failed",
    )
    ax.add_collection(bundle, autolim=False)
    label = f"failed ({int(trials.failed.sum())})"
    return [Line2D([], [], color=colour.FAINT, linestyle=(0, (2, 3)), linewidth=1.2, label=label)]
