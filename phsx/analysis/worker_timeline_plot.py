"""What every worker did when."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch

from phsx.analysis import colour
from phsx.analysis.figure import axes_for, check_path, finish, note
from phsx.analysis.frame import FloatArray, Trials
from phsx.analysis.lanes import Timeline, labels
from phsx.analysis.layout import dress, head
from phsx.analysis.searched import Searched
from phsx.analysis.words import shorten

#: Heights around the middle of a row (which is 1 high, downwards): evaluations above, suggestions
#: in a thin band below, since both happen at the same time.
EVALUATION_BAND = (-0.36, 0.26)
SUGGESTION_BAND = (0.29, 0.44)
#: Points of height that a line of text needs.
LINE = 10.0
#: Where the idle shares end, in points from the axes.
BESIDE = 46.0
#: Units of the time axis, and the longest window, in seconds, that each is for.
UNITS = (("s", 1.0, 180.0), ("min", 60.0, 10_800.0), ("h", 3600.0, 259_200.0))
DAYS = ("days", 86_400.0)


def worker_timeline(
    experiment: Searched,
    ax: Axes | None = None,
    path: str | os.PathLike[str] | None = None,
) -> Axes:
    """Draw when every worker evaluated, in two shades by turns, and when it suggested.

    Suggestions are computed on a worker while it evaluates, so they are a thin band below its
    evaluations. At the right is the share of time in which a worker was not evaluating, from the
    first start of an evaluation to the last end; the title has the share in which all of them were.

    Parameters
    ----------
    experiment : Experiment or Optimizer
        The search to look at, finished or running.
    ax : matplotlib.axes.Axes, optional
        Where to draw. Default: a new figure.
    path : str or path-like, optional
        Save the figure to this .png, .pdf or .svg file.

    Returns
    -------
    matplotlib.axes.Axes
        What was drawn on.

    Raises
    ------
    ConfigurationError
        `ax` or `path` is not one of those above, or the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> import phsx
    >>> def target(x):
    ...     return abs(x)
    >>> space = {"x": phsx.Float(-1, 1)}
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     search = phsx.Experiment(directory, target, space, phsx.Random(3), seed=0)
    ...     ax = phsx.plot.worker_timeline(search.run(cluster="inline", progress=False))
    >>> ax.get_xlabel()
    'time since start / s'
    """
    target = check_path(path)
    trials = Trials.of(experiment)
    timeline = Timeline.of(trials)
    rows = len(timeline.lanes) if timeline else 3
    ax = axes_for(ax, target, (11.0, float(np.clip(1.7 + 0.3 * rows, 3.0, 14.0))))
    dress(ax)
    if timeline is None:
        note(ax, "no trial was started" if len(trials) else "no trials yet")
        head(ax, trials.name)
        return finish(ax, target)
    unit, seconds = _unit(timeline.end - timeline.origin)
    handles = _draw_evaluations(ax, trials, timeline, seconds)
    handles += _draw_suggestions(ax, trials, timeline, seconds)
    _draw_rows(ax, timeline)
    span = (timeline.end - timeline.origin) / seconds or 1.0
    ax.set_xlim(-0.005 * span, 1.005 * span)
    ax.set_xlabel(f"time since start / {unit}")
    workers = f"{rows} worker{'s' if rows > 1 else ''}"
    utilized = f"{100 * timeline.utilization:.1f} % utilized"
    title = f"{shorten(trials.name, 40)}: " if trials.name else ""
    head(ax, f"{title}{workers}, {utilized}", handles)
    return finish(ax, target)


def _unit(span: float) -> tuple[str, float]:
    return next(((name, size) for name, size, most in UNITS if span <= most), DAYS)


def _bars(left: FloatArray, right: FloatArray, row: FloatArray, band: tuple[float, float]) -> Any:
    """Return rectangles as an array of shape (n, 4, 2)."""
    top, bottom = row + band[0], row + band[1]
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return np.stack([np.stack(corner, axis=-1) for corner in corners], axis=1)


def _draw_evaluations(ax: Axes, trials: Trials, timeline: Timeline, seconds: float) -> list[Any]:
    """Draw evaluations that went well, that failed and that are running."""
    positions = np.concatenate([lane.evaluations for lane in timeline.lanes])
    sizes = [len(lane.evaluations) for lane in timeline.lanes]
    row = np.repeat(np.arange(len(sizes), dtype=float), sizes)
    turn = np.concatenate([np.arange(size) % 2 for size in sizes])
    bars = _bars(
        (trials.started[positions] - timeline.origin) / seconds,
        (timeline.ended[positions] - timeline.origin) / seconds,
        row,
        EVALUATION_BAND,
    )
    failed = trials.failed[positions]
    running = ~np.isfinite(trials.ended[positions])
    handles = []
    for name, rows, shades in (
        ("evaluation", ~failed & ~running, colour.EVALUATION),
        ("failed", failed & ~running, (colour.FAILED, colour.FAILED)),
        ("running", running, (colour.RUNNING, colour.RUNNING)),
    ):
        if rows.any():
            faces = np.array(shades)[turn[rows]]
            ax.add_collection(
                # The outline keeps evaluations visible that are shorter than a pixel.
                PolyCollection(
                    bars[rows],
                    facecolors=faces,
                    edgecolors=faces,
                    linewidths=0.3,
                    zorder=2,
                    gid=name,
                )
            )
            label = f"failed ({rows.sum()})" if name == "failed" else name
            handles.append(Patch(color=shades[0], label=label))
    return handles


def _draw_suggestions(ax: Axes, trials: Trials, timeline: Timeline, seconds: float) -> list[Any]:
    """Draw suggestions; their outline keeps short ones visible."""
    positions = np.concatenate([lane.suggestions for lane in timeline.lanes])
    if not positions.size:
        return []
    sizes = [len(lane.suggestions) for lane in timeline.lanes]
    bars = _bars(
        (trials.suggest_started[positions] - timeline.origin) / seconds,
        (trials.suggest_ended[positions] - timeline.origin) / seconds,
        np.repeat(np.arange(len(sizes), dtype=float), sizes),
        SUGGESTION_BAND,
    )
    ax.add_collection(
        PolyCollection(
            bars,
            facecolors=colour.SUGGESTION,
            edgecolors=colour.SUGGESTION,
            linewidths=0.7,
            zorder=3,
            gid="suggestion",
        )
    )
    return [Patch(color=colour.SUGGESTION, label="suggestion")]


def _draw_rows(ax: Axes, timeline: Timeline) -> None:
    """Name rows and write at the right how long each was idle; only some where all are many."""
    rows = len(timeline.lanes)
    ax.set_ylim(rows - 0.4, -0.6)
    height = ax.get_window_extent().height * 72 / ax.figure.figure.dpi
    stride = max(1, int(np.ceil(LINE * rows / height)))
    shown = range(0, rows, stride)
    names = labels(timeline)
    ax.set_yticks(list(shown), labels=[names[i] for i in shown], fontsize="small", parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False, axis="y")
    ax.spines["left"].set_visible(False)
    for i in shown:
        _beside(ax, i, f"{100 * timeline.lanes[i].idle:.1f} %", color="0.1", gid="idle")
    _beside(ax, -0.75, "idle", color="0.35", gid="idle header")


def _beside(ax: Axes, row: float, text: str, **style: Any) -> None:
    """Write at the right of a row."""
    ax.annotate(
        text,
        (1.0, row),
        xycoords=ax.get_yaxis_transform(),
        xytext=(BESIDE, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        fontsize="small",
        annotation_clip=False,
        **style,
    )
