"""The command that follows a search that runs elsewhere."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from phsx.cli.command import DIRECTORY, Nothing, plainly
from phsx.cli.showing import line_of, print_best

#: Seconds between two looks, and how many trials are listed at the beginning and by one look.
INTERVAL, NEWEST, MOST = 0.5, 5, 20


@click.command()
@DIRECTORY
@plainly
def attach(directory: Path) -> None:
    """Follow a search that runs elsewhere, until it ends: its progress, each trial, the best.

    Ctrl-C leaves the search running.
    """
    from phsx.experiment.experiment import open_experiment
    from phsx.experiment.following import Following
    from phsx.experiment.progress import Reporter

    experiment = open_experiment(directory)
    following = Following(experiment)
    if not following.look():
        raise Nothing(
            f"{directory}: nobody runs it; `phsx status {directory}` tells how far it is, and "
            f"`phsx run {directory}` or `phsx submit {directory}` goes on"
        )
    reporter = Reporter(experiment.name, lambda: following.progress)
    most, note = NEWEST, ""
    try:
        while following.look():
            if following.note != note:
                note = following.note
                reporter.say(f"{experiment.name}: {note}", sys.stderr)
            for trial in following.news(most):
                reporter.say(line_of(trial, None), sys.stdout)
            most = MOST
            reporter.tick()
            time.sleep(INTERVAL)
        for trial in following.news(MOST):
            reporter.say(line_of(trial, None), sys.stdout)
    except KeyboardInterrupt:
        reporter.close()
        click.echo(
            f"the search goes on; `phsx attach {directory}` follows it, `phsx stop {directory}` "
            f"ends it",
            err=True,
        )
        sys.exit(130)
    reporter.close(None if following.complete else "trials are left")
    if experiment.best is not None:
        print_best(experiment, as_json=False)
