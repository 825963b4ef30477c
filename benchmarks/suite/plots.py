"""The plots of docs/benchmarks.md."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from suite.losses import Losses
from suite.setting import SETTINGS

_COLOURS = {
    "phsx": "black",
    "random": "0.6",
    "tpe": "tab:blue",
    "optuna-gp": "tab:cyan",
    "botorch": "tab:orange",
    "smac": "tab:green",
    "deephyper": "tab:pink",
    "cmaes": "tab:brown",
    "turbo": "tab:red",
}

_STYLES = {"phsx (fit every time)": "--", "phsx (fit at hand)": ":"}


def plot_regret(losses: Losses, path: Path) -> None:
    """Draw the median regret by trials, one panel for each problem."""
    problems, marks = losses.problems, SETTINGS[losses.setting].marks
    columns = min(4, len(problems))
    rows = math.ceil(len(problems) / columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(3.2 * columns, 2.4 * rows), squeeze=False, sharex=True
    )
    for axes in grid.flat[len(problems) :]:
        axes.axis("off")
    handles: dict[str, Any] = {}
    for axes, problem in zip(grid.flat, problems, strict=False):
        for one in losses.optimizers:
            seeds = sorted(losses.seeds(one, problem))
            if not seeds:
                continue
            curves = np.array([losses.curve(one, problem, seed) for seed in seeds])
            floor = 1e-5 * losses.scale[problem]
            (handles[one],) = axes.plot(
                marks,
                np.maximum(np.median(curves, axis=0), floor),
                color=_COLOURS[one],
                linewidth=2.2 if one == "phsx" else 1.2,
                zorder=3 if one == "phsx" else 2,
            )
        axes.set_yscale("log")
        axes.set_title(problem, fontsize=9)
        axes.tick_params(which="both", labelsize=7)
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=9, fontsize=9)
    figure.supylabel("median regret by trials", fontsize=9)
    figure.set_layout_engine("constrained")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def plot_latency(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw the seconds of one suggestion by observations."""
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for name in dict.fromkeys(row["optimizer"] for row in rows):
        some = sorted((r["observations"], r["cpu"]) for r in rows if r["optimizer"] == name)
        style, colour = _STYLES.get(name, "-"), _COLOURS[name.split(" ")[0]]
        axes.loglog(*zip(*some, strict=True), style, marker="o", label=name, color=colour)
    axes.set_xlabel("observations")
    axes.set_ylabel("seconds of the processor for one suggestion")
    figure.legend(loc="outside right upper", fontsize=8)
    figure.savefig(path, dpi=110)
    plt.close(figure)
