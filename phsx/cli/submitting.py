"""Commands by which a search runs by itself: submit, and what its job or process calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from phsx.cli.command import DIRECTORY, JSON, plainly
from phsx.cli.options import WHAT, limits, pool
from phsx.cli.showing import print_best, print_json
from phsx.exceptions import DirectoryError

#: What is said of the master's own job.
MASTER = ("walltime", "memory", "cores", "queue", "account")


@click.command()
@WHAT
@pool
@limits
@click.option("--walltime", metavar="TIME", help="Of the master's job, such as 1-00:00:00.")
@click.option("--memory", metavar="SIZE", help="Of the master's job.  [default: 2GB]")
@click.option("--cores", type=int, help="Of the master's job.  [default: 1, or as --workers]")
@click.option("--queue", "--partition", metavar="NAME", help="Of the master's job.")
@click.option("--account", metavar="NAME", help="To which it is charged.  [default: as workers]")
@click.option("--here", is_flag=True, help="No job: a process of this host, in the background.")
@click.option("--dry-run", is_flag=True, help="Show the job's script, submit nothing.")
@JSON
@plainly
def submit(what: Path, here: bool, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Let a search run by itself: its master as a small batch job of Slurm.

    The shell may be closed. When the master's walltime ends while trials are left, it submits
    itself again. A directory goes on as it was submitted before, unless options say otherwise.

    \b
    phsx submit search.toml --walltime 1-00:00:00 --queue long
    phsx submit results/search
    phsx submit search.toml --here
    """
    from phsx.experiment.submission import plan_submission, submit

    master = {name: options.pop(name) for name in MASTER}
    if dry_run:
        planned = plan_submission(what, here=here, master=master, **options)
        click.echo(planned.order.preview())
        if not here:
            click.echo(f"\nthe master's own job:\n{planned.script().text}")
        return
    done = submit(what, here=here, master=master, **options)
    directory = done.directory
    if as_json:
        print_json({"directory": str(directory), "job": done.job, "log": str(done.output)})
        return
    where = f"in the background of {done.host}" if here else f"submitted as job {done.job}"
    click.echo(f"{directory.name}: {where}; it writes to {done.output}")
    click.echo(f"  phsx status {directory}   tells how far it is")
    click.echo(f"  phsx attach {directory}   follows it")
    click.echo(f"  phsx stop {directory}     ends it")


@click.command(hidden=True)
@DIRECTORY
@plainly
def master(directory: Path) -> None:
    """Run what was submitted: for the job or the process that `phsx submit` starts."""
    from phsx.experiment.submission import Submission

    submission = Submission.load(directory.absolute())
    if submission is None:
        raise DirectoryError(f"{directory}: nothing was submitted; see `phsx submit`")
    experiment = submission.order.make()
    experiment.run(**submission.order.settings())
    if experiment.best is not None:
        print_best(experiment, as_json=False)
