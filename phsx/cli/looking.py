"""Commands that look at a search: status, best, show, export."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from phsx.cli.command import DIRECTORY, JSON, plainly, writing
from phsx.cli.showing import (
    INTERRUPTED,
    as_json_trial,
    line_of,
    print_best,
    print_json,
    runner,
    word,
)
from phsx.exceptions import ConfigurationError

if TYPE_CHECKING:
    from phsx.experiment.experiment import Experiment
    from phsx.journal import Owner


@click.command()
@DIRECTORY
@JSON
@plainly
def status(directory: Path, as_json: bool) -> None:
    """Say how far a search is, and whether somebody runs it."""
    from phsx.experiment.experiment import open_experiment
    from phsx.experiment.whereabouts import Whereabouts
    from phsx.trial import TrialState

    experiment = open_experiment(directory)
    where = Whereabouts.of(experiment.directory)
    owner = where.owner
    state = experiment.state
    counts = {word(kind, owner): state.count(kind) for kind in TrialState if state.count(kind)}
    best = experiment.best
    if as_json:
        print_json(
            {
                "name": experiment.name,
                **where.to_dict(),
                "trials": counts,
                "total": experiment.total,
                "best": as_json_trial(best) if best else None,
            }
        )
        return
    total = "" if experiment.total is None else f" of {experiment.total}"
    click.echo(f"{experiment.name}: {len(state.finished)}{total} trials have ended")
    click.echo(
        "  " + (", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none yet")
    )
    if again := sum(len(trial.earlier) for trial in experiment.trials):
        click.echo(
            f"  attempts that ended early: {again}, of which "
            f"{sum(trial.deaths for trial in experiment.trials)} by a death; "
            f"`phsx show {directory} TRIAL` says why"
        )
    for line in where.lines():
        click.echo(f"  {line}")
    if INTERRUPTED in counts:
        click.echo(f"  `phsx run {directory}` goes on, and evaluates what was interrupted again")
    if best is not None:
        click.echo(f"  best: {best.value:.10g} (trial {best.id})")


@click.command()
@DIRECTORY
@JSON
@plainly
def best(directory: Path, as_json: bool) -> None:
    """Print the best trial: its value and its parameters."""
    from phsx.experiment.experiment import open_experiment

    print_best(open_experiment(directory), as_json)


@click.command()
@DIRECTORY
@click.argument("trial", type=int, required=False)
@click.option("--output/--no-output", default=True, help="The end of what the trial printed.")
@JSON
@plainly
def show(directory: Path, trial: int | None, output: bool, as_json: bool) -> None:
    """Show one trial in full, or a line on each."""
    from phsx.experiment.experiment import open_experiment

    experiment = open_experiment(directory)
    owner = runner(experiment)
    if trial is None:
        _list(experiment, owner, as_json)
        return
    found = experiment.state.trials.get(trial)
    if found is None:
        raise ConfigurationError(
            f"there is no trial {trial} in {experiment.name}, which has {len(experiment.trials)}"
        )
    shown = as_json_trial(found) | {"state": word(found.state, owner)}
    if as_json:
        print_json(shown)
        return
    for name, value in shown.items():
        if name in {"params", "result"}:
            for key, part in value.items():
                click.echo(f"{name}.{key} = {part!r}")
        elif name == "earlier":
            for attempt, reason in enumerate(value, 1):
                click.echo(f"attempt {attempt} ended: {reason}")
        elif name != "traceback" and value is not None:
            click.echo(f"{name}: {value}")
    if found.traceback:
        click.echo(found.traceback.rstrip())
    if output:
        _print_output(experiment.directory / "trials" / f"{trial:06d}")


def _list(experiment: Experiment, owner: Owner | None, as_json: bool) -> None:
    if as_json:
        states = [word(trial.state, owner) for trial in experiment.trials]
        shown = zip(experiment.trials, states, strict=True)
        print_json([as_json_trial(trial) | {"state": state} for trial, state in shown])
        return
    for trial in experiment.trials:
        click.echo(line_of(trial, owner))


def _print_output(directory: Path, lines: int = 20) -> None:
    for name in ("stdout.txt", "stderr.txt"):
        path = directory / name
        if path.is_file() and path.stat().st_size:
            text = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
            click.echo(f"--- the end of {path}")
            click.echo("\n".join(text))


@click.command()
@DIRECTORY
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File.")
@click.option(
    "-f", "--format", "style", type=click.Choice(["csv", "json"]), default="csv", show_default=True
)
@plainly
def export(directory: Path, output: Path | None, style: str) -> None:
    """Write all trials as a table, to standard output or a file."""
    from phsx.experiment.experiment import open_experiment
    from phsx.experiment.results import table

    experiment = open_experiment(directory)

    def write(file: IO[str]) -> None:
        if style == "json":
            json.dump([as_json_trial(trial) for trial in experiment.trials], file, indent=2)
            file.write("\n")
        else:
            csv.writer(file).writerows(table(experiment.trials, experiment.space.names))

    if output is None:
        write(sys.stdout)
    else:
        with writing(output), output.open("w", encoding="utf-8", newline="") as file:
            write(file)
