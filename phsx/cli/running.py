"""Commands that run a search: run, demo."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phsx.cli.command import JSON, plainly
from phsx.cli.showing import print_best
from phsx.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phsx.experiment.experiment import Experiment
    from phsx.experiment.searchfile import SearchFile
    from phsx.trial import Trial


@click.command()
@click.argument("what", metavar="FILE|DIR", type=click.Path(exists=True, path_type=Path))
@click.option("-w", "--workers", type=int, help="Local worker processes.  [default: one per core]")
@click.option("--cluster", metavar="ADDRESS", help="A Dask scheduler instead, or 'inline'.")
@click.option("--slurm", metavar="jobs=8,...", help="Jobs of Slurm instead; see docs/slurm.md.")
@click.option("--more", type=click.IntRange(min=1), help="Add trials to the plan's last block.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a trial that takes longer.")
@click.option("--max-time", type=float, metavar="SECONDS", help="End the run after this time.")
@click.option("--stop-at", type=float, metavar="VALUE", help="End when a trial is as good.")
@click.option(
    "--deterministic",
    is_flag=True,
    default=None,
    help="Give the same trials whatever the timing; waits for slow ones.",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and the job script, start nothing.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@JSON
@plainly
def run(
    what: Path,
    more: int | None,
    cluster: str | None,
    slurm: str | None,
    dry_run: bool,
    quiet: bool,
    as_json: bool,
    **options: Any,
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
    search = _search(what)
    settings, table = (dict(search.run), search.jobs.get("slurm", {})) if search else ({}, {})
    pool = {"workers": options.pop("workers"), "cluster": cluster}
    if slurm is not None:
        _refuse_both(pool)
        pool["cluster"] = _jobs(slurm, table)
    if any(value is not None for value in pool.values()):  # in place of what the file says
        settings |= pool
    if "deterministic" in settings:  # the file may say how many trials are to run at once
        options["deterministic"] = None
    settings |= {name: value for name, value in options.items() if value is not None}
    if dry_run:
        click.echo(_preview(what, search, more, settings))
        return
    experiment = search.make() if search else _open(what)
    if more is not None:
        experiment.add_trials(more)
    if quiet:
        settings["progress"] = False
    with quiet_stdout() if as_json else nullcontext():
        experiment.run(**settings)
    print_best(experiment, as_json)


def _search(what: Path) -> SearchFile | None:
    """Return what a file says; None for an experiment's directory."""
    from phsx.experiment.searchfile import SearchFile

    if what.is_dir():
        return None
    if what.suffix == ".py":
        raise ConfigurationError(f"{what} is a script; run it with `python {what}`")
    return SearchFile.read(what)


def _open(directory: Path) -> Experiment:
    from phsx.experiment.experiment import open_experiment

    return open_experiment(directory)


def _refuse_both(pool: dict[str, Any]) -> None:
    for name, value in pool.items():
        if value is not None:
            raise ConfigurationError(f"--{name} and --slurm exclude each other; give one of them")


def _jobs(text: str, table: dict[str, Any]) -> Any:
    """Return what `--slurm` says, and what else the file's table does."""
    from phsx.clusters.spelled import describe, parse

    try:
        return describe("slurm", table | parse(text))
    except ConfigurationError as error:
        raise ConfigurationError(f"--slurm: {error}") from error


def _preview(
    what: Path, search: SearchFile | None, more: int | None, settings: dict[str, Any]
) -> str:
    """Return what a run would do; no experiment is made for that, which would settle its space."""
    from phsx.clusters.connect import check_pool
    from phsx.experiment.preview import preview
    from phsx.space import Space
    from phsx.strategies.plan import Plan

    check_pool(settings.get("workers"), settings.get("cluster"))
    directory = what if search is None else Path(search.experiment["directory"])
    trials: Sequence[Trial] = ()
    if search is None or directory.exists():
        experiment = _open(directory)
        space, plan, trials = experiment.space, experiment.plan, experiment.trials
    if search is not None:
        space, plan = Space.of(search.experiment["space"]), Plan.of(search.experiment["plan"])
        plan.check(space)
    plan = plan if more is None else plan.more(more)
    return preview(str(directory), space, plan, trials, settings)


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
@click.option("--trials", type=click.IntRange(min=3), default=40, show_default=True)
@plainly
def demo(directory: Path, workers: int | None, trials: int) -> None:
    """Search the parameters of a classifier of handwritten digits, and draw what was found."""
    from phsx import demo as search

    click.echo(search.run(directory, trials=trials, workers=workers))
