"""Options that several commands have: what is to be run, on what, and within which limits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]

WHAT = click.argument("what", metavar="FILE|DIR", type=click.Path(exists=True, path_type=Path))


def pool(command: Command) -> Command:
    """Add options that say where trials run."""
    return _all(
        command,
        click.option(
            "-w", "--workers", type=int, help="Local worker processes.  [default: one per core]"
        ),
        click.option("--cluster", metavar="ADDRESS", help="A Dask scheduler instead, or 'inline'."),
        click.option(
            "--slurm",
            multiple=True,
            metavar="jobs=8,...",
            help="Jobs of Slurm instead; see docs/slurm.md. Once for each kind of jobs.",
        ),
    )


def limits(command: Command) -> Command:
    """Add options that say how trials run, and for how long."""
    return _all(
        command,
        click.option(
            "--timeout", type=float, metavar="SECONDS", help="End a trial that takes longer."
        ),
        click.option(
            "--max-time", type=float, metavar="SECONDS", help="End the run after this time."
        ),
        click.option(
            "--trial-time",
            type=float,
            metavar="SECONDS",
            help="What a trial takes at most: it starts in no job that ends sooner.",
        ),
        click.option("--stop-at", type=float, metavar="VALUE", help="End when a trial is as good."),
        click.option(
            "--deterministic",
            is_flag=True,
            default=None,
            help="Give the same trials whatever the timing; waits for slow ones.",
        ),
    )


def _all(command: Command, *options: Callable[[Command], Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command
