"""The result over the index of the trial."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from phsx.analysis import colour
from phsx.analysis.figure import axes_for, check_path, finish, note
from phsx.analysis.frame import BoolArray, Trials
from phsx.analysis.layout import dress, head, round_log
from phsx.analysis.magnitude import Magnitude
from phsx.analysis.searched import Searched
from phsx.analysis.ticks import RoundFormatter
from phsx.analysis.words import number, shorten
from phsx.exceptions import ConfigurationError

#: Shapes for strategies, so that colour is not the only thing that tells them apart.
MARKERS = ("o", "s", "^", "D", "v", "P")
#: What makes them look equally large.
SIZES = {"o": 1.0, "s": 0.72, "^": 0.95, "D": 0.6, "v": 0.95, "P": 1.1}


def history(
    experiment: Searched,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
    *,
    log: bool | Literal["auto"] = "auto",
) -> Axes:
    """Draw the result of every trial over its index, with the best so far.

    Strategies have their own colours and shapes, every other block a light background. Hollow
    signs are trials that were stopped before their end; they do not count for the best. Crosses
    on the axis are trials that failed.

    Parameters
    ----------
    experiment : Experiment or Optimizer
        The search to look at, finished or running.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    path : str or path-like, optional
        Save the figure to this .png, .pdf or .svg file.
    log : bool or "auto"
        Whether the result has a logarithmic axis. "auto": where its values span more than a decade
        and crowd at the small end. Results that are not positive get a symmetric logarithm.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ConfigurationError
        `log`, `ax` or `path` is not one of those above, or the file cannot be written.

    Examples
    --------
    >>> import phsx
    >>> optimizer = phsx.Optimizer({"x": phsx.Float(-5, 5)}, seed=0)
    >>> optimizer.tell_many([({"x": x}, x * x) for x in (-3.0, 1.0, 2.0)])
    >>> ax = phsx.plot.history(optimizer)
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('trial', 'value')
    """
    if log not in (True, False, "auto"):
        raise ConfigurationError(f'log={log!r} is not known: use True, False or "auto".')
    target = check_path(path)
    trials = Trials.of(experiment)
    ax = axes_for(ax, target, (8.5, 4.8))
    dress(ax)
    ax.set_xlabel("trial")
    ax.set_ylabel(shorten(trials.objective, 48), parse_math=False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if not len(trials):
        note(ax, "no trials yet")
        head(ax, trials.name)
        return finish(ax, target)
    ax.set_xlim(*_margins(trials))
    _shade_blocks(ax, trials)
    handles = _draw_failed(ax, trials)
    if trials.scored.any():
        values = trials.value[trials.scored]
        _scale(ax, Magnitude.of(values, maximize=trials.maximize, log=log))
        handles = [*_draw_best(ax, trials), *_draw_results(ax, trials), *handles]
    else:
        note(ax, "no trial has a result")
        ax.set_yticks([])
    head(ax, trials.name, handles)
    return finish(ax, target)


def _scale(ax: Axes, magnitude: Magnitude) -> None:
    if magnitude.kind == "symlog":
        ax.set_yscale("symlog", linthresh=magnitude.threshold)
        round_log(ax.yaxis, magnitude.threshold)
    elif magnitude.kind == "log":
        ax.set_yscale("log")
        round_log(ax.yaxis)
    else:
        ax.yaxis.set_major_formatter(RoundFormatter())


def _margins(trials: Trials) -> tuple[float, float]:
    first, last = float(trials.ids[0]), float(trials.ids[-1])
    pad = max(0.5, 0.015 * (last - first))
    return first - pad, last + pad


def _shade_blocks(ax: Axes, trials: Trials) -> None:
    """Shade every other block, where there are several and each is one run of trials."""
    edges = np.flatnonzero(np.diff(np.nan_to_num(trials.block, nan=-1.0))) + 1
    starts, ends = [0, *edges.tolist()], [*edges.tolist(), len(trials)]
    for block, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if block % 2:
            left, right = trials.ids[start] - 0.5, trials.ids[end - 1] + 0.5
            ax.axvspan(left, right, color="0.955", linewidth=0, zorder=0, gid="block")


def _draw_results(ax: Axes, trials: Trials) -> list[Any]:
    """Draw every result, in the colour and shape of its strategy; return what the legend needs."""
    strategies = list(dict.fromkeys(trials.strategy))
    size = float(np.clip(9000 / len(trials), 14, 40))
    handles = []
    for i, strategy in enumerate(strategies):
        own = np.array([name == strategy for name in trials.strategy]) & trials.scored
        hue = colour.STRATEGIES[i % len(colour.STRATEGIES)]
        shape = MARKERS[i % len(MARKERS)]
        for rows, face in ((own & trials.completed, hue), (own & ~trials.completed, "none")):
            if rows.any():
                points = ax.scatter(
                    trials.ids[rows],
                    trials.value[rows],
                    s=size * SIZES[shape],
                    marker=shape,
                    facecolors=face,
                    edgecolors="white" if face == hue else hue,
                    linewidths=0.4 if face == hue else 0.9,
                    zorder=3,
                    gid="results",
                    label=shorten(strategy or "result", 24) + ("" if face == hue else ", stopped"),
                )
                handles.append(points)
    return handles


def _draw_best(ax: Axes, trials: Trials) -> list[Any]:
    """Draw the best so far as a step line up to the last trial, and its last step as a star."""
    rows: BoolArray = trials.completed if trials.completed.any() else trials.scored
    best = trials.best(rows)
    if best is None:
        return []
    pick = np.maximum if trials.maximize else np.minimum
    so_far = pick.accumulate(trials.value[rows])
    x = np.append(trials.ids[rows], trials.ids[-1])
    (line,) = ax.step(
        x,
        np.append(so_far, so_far[-1]),
        where="post",
        color=colour.BEST,
        linewidth=1.8,
        zorder=4,
        gid="best so far",
        label=f"best so far: {number(float(trials.value[best]), 4)} (trial {trials.ids[best]})",
    )
    ax.scatter(
        trials.ids[best],
        trials.value[best],
        s=150,
        marker="*",
        color=colour.BEST,
        edgecolors="white",
        linewidths=0.8,
        zorder=5,
        gid="best",
    )
    return [line]


def _draw_failed(ax: Axes, trials: Trials) -> list[Any]:
    """Mark failed trials on the x axis."""
    ids = trials.ids[trials.failed]
    if not ids.size:
        return []
    crosses = ax.scatter(
        ids,
        np.zeros(len(ids)),
        transform=ax.get_xaxis_transform(),
        s=22,
        marker="x",
        color=colour.CROSS,
        linewidths=1.0,
        clip_on=False,
        zorder=6,
        gid="failed",
        label=f"failed ({len(ids)})",
    )
    return [crosses]
