"""Commands that run a search: run, demo."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import click

from phsx.cli.command import JSON, plainly
from phsx.cli.options import WHAT, limits, pool
from phsx.cli.showing import print_best


@click.command()
@WHAT
@pool
@click.option("--more", type=click.IntRange(min=1), help="Add trials to the plan's last block.")
@limits
@click.option("--dry-run", is_flag=True, help="Show the plan and the job script, start nothing.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@JSON
@plainly
def run(
    what: Path, more: int | None, dry_run: bool, quiet: bool, as_json: bool, **options: Any
) -> None:
    """Run a search described in a TOML file, or go on with one in a directory.

    What has finished is never evaluated again: interrupt it in any way and run it again, with
    another number of workers if you like. The first Ctrl-C lets running trials finish for a
    moment, the second ends at once.

    \b
    phsx run search.toml --workers 8
    phsx run results/search --more 40
    phsx run search.toml --slurm jobs=8,memory=8GB,walltime=02:00:00
    """
    from phsx.experiment.order import Order

    order = Order.of(what, options)
    settings = order.settings()
    if dry_run:
        click.echo(order.preview(more))
        return
    experiment = order.make(more)
    if quiet:
        settings["progress"] = False
    with quiet_stdout() if as_json else nullcontext():
        experiment.run(**settings)
    print_best(experiment, as_json)


@contextmanager
def quiet_stdout() -> Iterator[None]:
    """Send what targets in this process print, C code and child processes too, to stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        with suppress(OSError):
            ctypes.CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


@click.command()
@click.option(
    "-d", "--directory", type=click.Path(path_type=Path), default="phsx-demo", show_default=True
)
@click.option("-w", "--workers", type=int, help="Local worker processes.  [default: 2 to 4]")
@click.option("--slurm", metavar="jobs=4,...", help="Jobs of Slurm instead; see docs/slurm.md.")
@click.option("--trials", type=click.IntRange(min=3), default=40, show_default=True)
@plainly
def demo(directory: Path, workers: int | None, slurm: str | None, trials: int) -> None:
    """Search the parameters of a classifier of handwritten digits, and draw what was found."""
    from phsx import demo as search
    from phsx.clusters.spelled import jobs_of

    cluster = None if slurm is None else jobs_of(slurm)
    click.echo(search.run(directory, trials=trials, workers=workers, cluster=cluster))
