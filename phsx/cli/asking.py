"""Commands that ask something of whoever runs a search: stop, add."""

from __future__ import annotations

import time
from pathlib import Path

import click

from phsx.cli.command import DIRECTORY, Nothing, plainly
from phsx.cli.showing import runner


@click.command()
@DIRECTORY
@click.option(
    "--grace", type=float, metavar="SECONDS", help="For running trials.  [default: as it was run]"
)
@click.option("--wait/--no-wait", default=True, help="Return when the run has ended.")
@plainly
def stop(directory: Path, grace: float | None, wait: bool) -> None:
    """Ask whoever runs a search to stop, on this host or another.

    No further trial begins, and running ones have some seconds to finish. `phsx run` goes on.
    """
    from phsx.experiment.following import DEAD
    from phsx.experiment.stopping import request_stop
    from phsx.experiment.submission import Submission
    from phsx.journal import Vigil

    owner = request_stop(directory, grace)
    submission = Submission.load(directory)
    if submission is not None and (owner is None or owner.job != submission.job):
        if submission.cancel():
            click.echo(f"job {submission.job} was in the queue, and is cancelled")
        elif owner is None:
            raise Nothing(f"{directory}: nobody runs it")
    elif owner is None:
        raise Nothing(f"{directory}: nobody runs it")
    if owner is None:
        return
    click.echo(f"asked {owner} to stop")
    if not wait:
        return
    vigil = Vigil(directory, patience=DEAD)
    while vigil.owner == owner and not vigil.changed and vigil.look() is not False:
        time.sleep(vigil.period)
    if vigil.owner != owner or vigil.changed or owner.alive() is False:
        click.echo("it has ended")
    else:
        click.echo(f"it has given no sign of life for {DEAD:g} s: it has ended without a word")


@click.command()
@DIRECTORY
@click.argument("trials", type=click.IntRange(min=1))
@plainly
def add(directory: Path, trials: int) -> None:
    """Give a search more trials, in the last block of its plan.

    Whoever runs it takes them up, on this host or another. Where nobody does, the next run
    evaluates them.
    """
    from phsx.experiment.experiment import open_experiment

    experiment = open_experiment(directory)
    before = experiment.total
    experiment.add_trials(trials)
    owner, total = runner(experiment), experiment.total
    if total == before:
        click.echo(
            f"{experiment.name}: {owner or 'its run'} has not answered yet. The request stays: it "
            f"is taken up as soon as it is seen, or else by the next run"
        )
    elif owner is not None:
        click.echo(f"{experiment.name}: {total} trials in all, which {owner} evaluates")
    else:
        click.echo(f"{experiment.name}: {total} trials in all; nobody runs it now")
        click.echo(f"  `phsx run {directory}` evaluates those that are left")
