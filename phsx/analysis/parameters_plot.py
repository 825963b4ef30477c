"""Two parameters, with the result as colour."""

from __future__ import annotations

import difflib
import os
from typing import Any, Literal

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes

from phsx.analysis import colour
from phsx.analysis.field import draw_field
from phsx.analysis.figure import axes_for, check_path, finish, note
from phsx.analysis.frame import BoolArray, Trials
from phsx.analysis.layout import dress, head, scale_axis
from phsx.analysis.magnitude import Magnitude
from phsx.analysis.plane import Plane
from phsx.analysis.searched import Searched
from phsx.analysis.words import number
from phsx.exceptions import ConfigurationError


def parameters(
    experiment: Searched,
    x: str,
    y: str,
    kind: Literal["scatter", "contour"] = "scatter",
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Axes:
    """Draw two parameters of every trial, with the result as colour (dark is good).

    The star is the best trial, crosses are trials that failed. Colours are robust: the worst fifth
    of the results is not told apart where it would take more than half of the colours.

    Parameters
    ----------
    experiment : Experiment or Optimizer
        The search to look at, finished or running.
    x, y : str
        Names of two parameters. Each is drawn over its whole domain, on a logarithmic axis where
        it is searched on one; trials of the same choice are spread a little.
    kind : {"scatter", "contour"}
        Points, or filled contours of a smooth surface through them: a thin-plate spline, smoothed
        as far as neighbours differ (as they do where other parameters matter), and drawn only
        between the trials. Where an axis has categories, between which nothing can be
        interpolated, cells with the median result replace the contours.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    path : str or path-like, optional
        Save the figure to this .png, .pdf or .svg file.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on (the colour bar has axes of its own).

    Raises
    ------
    ConfigurationError
        `x`, `y`, `kind`, `ax` or `path` is not one of those above, or the file cannot be written.

    Examples
    --------
    >>> import phsx
    >>> space = {"rate": phsx.Float(1e-5, 1, log=True), "layers": phsx.Int(1, 4)}
    >>> optimizer = phsx.Optimizer(space, seed=0)
    >>> optimizer.tell_many([({"rate": 0.1, "layers": n}, n / 10) for n in (1, 2, 3)])
    >>> ax = phsx.plot.parameters(optimizer, "rate", "layers")
    >>> ax.get_xscale(), [label.get_text() for label in ax.get_yticklabels()]
    ('log', ['1', '2', '3', '4'])
    """
    _check(experiment, x, y, kind)
    target = check_path(path)
    trials = Trials.of(experiment)
    plane = Plane.of(experiment, trials, x, y)
    ax = axes_for(ax, target, (7.4, 5.6))
    dress(ax)
    scale_axis(ax, "x", plane.x)
    scale_axis(ax, "y", plane.y)
    scored = plane.drawn & trials.scored
    handles: list[Any] = []
    why = None
    if scored.any():
        magnitude = Magnitude.of(trials.value[scored], maximize=trials.maximize)
        if kind == "contour":
            why = draw_field(ax, plane, trials, scored, magnitude)
        if kind == "contour" and why is None:
            _draw_dots(ax, plane, scored)
        else:
            _draw_points(ax, plane, trials, scored, magnitude)
        handles.append(_draw_best(ax, plane, trials, scored))
        colour.colour_bar(ax, magnitude, colour.colours(trials.maximize), trials.objective)
    else:
        note(ax, _why_empty(trials, plane))
    handles += _draw_failed(ax, plane, trials)
    remarks = [f"no contours: {why}"] if why else []
    if kind == "contour" and plane.crowded:
        remarks.append("cells: median result")
    absent = int((~plane.drawn & trials.scored).sum())
    if absent:
        remarks.append(f"{absent} not drawn (inactive)")
    head(ax, trials.name, handles, "; ".join(remarks))
    return finish(ax, target)


def _check(experiment: Searched, x: str, y: str, kind: str) -> None:
    names = list(experiment.space.names)
    for axis, name in (("x", x), ("y", y)):
        if name not in names:
            close = difflib.get_close_matches(str(name), names, n=1)
            cure = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(names)}."
            raise ConfigurationError(f"{axis}={name!r} is no parameter of the search: {cure}")
    if x == y:
        raise ConfigurationError(f"x and y are both {x!r}: choose two different parameters.")
    if kind not in ("scatter", "contour"):
        raise ConfigurationError(f'kind={kind!r} is not known: use "scatter" or "contour".')


def _draw_points(
    ax: Axes, plane: Plane, trials: Trials, scored: BoolArray, magnitude: Magnitude
) -> None:
    """Draw trials in the colour of their result, the better ones later."""
    rows = trials.worst_first(scored)
    ax.scatter(
        *plane.at(rows),
        c=trials.value[rows],
        s=float(np.clip(9000 / len(rows), 18, 48)),
        norm=magnitude.norm(),
        cmap=colour.colours(trials.maximize),
        edgecolors="white",
        linewidths=0.5,
        zorder=3,
        gid="trials",
    )


def _draw_dots(ax: Axes, plane: Plane, scored: BoolArray) -> None:
    """Show where there were trials, on a surface that has the colours."""
    size = float(np.clip(3000 / scored.sum(), 6, 16))
    style: dict[str, Any] = {"facecolors": "white", "edgecolors": "0.15", "linewidths": 0.5}
    ax.scatter(*plane.at(scored), s=size, zorder=3, gid="trials", **style)


def _draw_best(ax: Axes, plane: Plane, trials: Trials, scored: BoolArray) -> Any:
    best = trials.best(scored)
    everywhere = trials.best(trials.scored)
    word = "best" if best == everywhere else "best shown"
    return ax.scatter(
        *plane.at([best]),
        s=260,
        marker="*",
        color=colour.BEST,
        edgecolors="white",
        linewidths=1.0,
        zorder=5,
        gid="best",
        label=f"{word}: {number(float(trials.value[best]), 4)} (trial {trials.ids[best]})",
    )


def _draw_failed(ax: Axes, plane: Plane, trials: Trials) -> list[Any]:
    rows = plane.drawn & trials.failed
    if not rows.any():
        return []
    crosses = ax.scatter(
        *plane.at(rows),
        s=20,
        marker="x",
        color=colour.CROSS,
        linewidths=0.9,
        zorder=2.5,
        path_effects=[patheffects.withStroke(linewidth=2.2, foreground="white")],
        gid="failed",
        label=f"failed ({rows.sum()})",
    )
    return [crosses]


def _why_empty(trials: Trials, plane: Plane) -> str:
    if not len(trials):
        return "no trials yet"
    if trials.failed.all():
        return "all trials failed"
    if not trials.scored.any():
        return "no trial has a result"
    return f"no trial with a result has both {plane.x.name} and {plane.y.name}"
