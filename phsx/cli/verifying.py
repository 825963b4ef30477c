"""The command that computes a search's suggestions again."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from phsx.cli.command import DIRECTORY, JSON, plainly
from phsx.cli.showing import print_json

#: How many differences are shown.
SHOWN = 10


@click.command()
@DIRECTORY
@JSON
@plainly
def verify(directory: Path, as_json: bool) -> None:
    """Compute every suggestion again, and compare it with the journal.

    The target is not called. The exit code is 1 where something differs; what is named first is
    where to look, since whatever was suggested later knew of it.
    """
    from tqdm import tqdm

    from phsx.experiment.replay import verify as compute

    with tqdm(unit=" suggestion", leave=False, disable=None if not as_json else True) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = compute(directory, progress)
    if as_json:
        print_json({"identical": found.identical, **asdict(found)})
    else:
        click.echo(
            f"computed again: {found.trials} points, {found.suggestions} suggestions, "
            f"{found.fits} fits"
        )
        for difference in found.differences[:SHOWN]:
            click.echo(f"  {difference}")
        if len(found.differences) > SHOWN:
            click.echo(f"  and {len(found.differences) - SHOWN} more")
        if any(difference.elsewhere for difference in found.differences):
            click.echo(
                "other numerical libraries, or another kind of processor, computed some of them: "
                "there the last digits may come out otherwise, and what builds on them"
            )
        if found.identical:
            click.echo("all of them are as the journal says, bit for bit")
    if not found.identical:
        sys.exit(1)
