"""Where a plot is drawn and how it is saved."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from phsx.exceptions import ConfigurationError

FORMATS = (".png", ".pdf", ".svg")
DPI = 150


def check_path(path: str | os.PathLike[str] | None) -> Path | None:
    """Refuse, before anything is drawn, a file that could not be saved.

    Raises
    ------
    ConfigurationError
        The suffix is none of .png, .pdf and .svg, or the folder does not exist.
    """
    if path is None:
        return None
    target = Path(path)
    known = ", ".join(FORMATS)
    if target.suffix.lower() not in FORMATS:
        found = f"{target.suffix!r}" if target.suffix else "no suffix"
        raise ConfigurationError(
            f"path={str(target)!r} has {found}, which says no format that plots are saved in: end "
            f"the name with one of {known}."
        )
    if not target.parent.is_dir():
        raise ConfigurationError(
            f"path={str(target)!r} cannot be written: there is no folder {str(target.parent)!r}. "
            f"Create it first, or name another file ending with one of {known}."
        )
    return target


def axes_for(ax: Axes | None, target: Path | None, size: tuple[float, float]) -> Axes:
    """Return the axes to draw on: the caller's, or those of a new figure of `size` inches.

    A new figure belongs to pyplot, so that notebooks and `pyplot.show()` show it. Only one that is
    saved outside of a notebook does not: a script or a headless server that writes many files
    needs no window, and pyplot would keep every one of those figures alive.
    """
    if ax is not None:
        if not isinstance(ax, Axes):
            raise ConfigurationError(
                f"ax= must be the matplotlib Axes to draw on, not {type(ax).__name__}: of what "
                "pyplot.subplots() returns, pass a single one, such as axes[0]."
            )
        return ax
    if target is not None and not _in_notebook():
        return Figure(figsize=size, layout="constrained").add_subplot()
    from matplotlib import pyplot

    axes: Axes = pyplot.figure(figsize=size, layout="constrained").add_subplot()
    return axes


def _in_notebook() -> bool:
    """Tell whether IPython runs this in a kernel, without importing it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def finish(ax: Axes, target: Path | None) -> Axes:
    """Save the figure of `ax` where a path was given; return `ax`.

    Raises
    ------
    ConfigurationError
        The file cannot be written.
    """
    if target is None:
        return ax
    try:
        # The figure of an axes may be a subfigure; the figure of that is the whole one.
        ax.figure.figure.savefig(target, dpi=DPI)
    except OSError as error:
        raise ConfigurationError(
            f"path={str(target)!r} cannot be written ({error.strerror or error}): name a file that "
            f"may be written, ending with one of {', '.join(FORMATS)}."
        ) from error
    return ax


def note(ax: Axes, text: str) -> None:
    """Say in the middle of an otherwise empty plot why nothing is drawn."""
    ax.text(
        0.5,
        0.5,
        text,
        transform=ax.transAxes,
        ha="center",
        va="center",
        color="0.35",
        parse_math=False,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8},
        zorder=8,
        gid="note",
    )
