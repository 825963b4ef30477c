"""The command that mends a journal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from phsx.cli.command import DIRECTORY, JSON, plainly
from phsx.cli.showing import print_json


@click.command()
@DIRECTORY
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")
@JSON
@plainly
def repair(directory: Path, dry_run: bool, as_json: bool) -> None:
    """Mend a journal that was damaged, by a disk or by hand.

    Everything up to the damage is kept, and what is sound behind it. The damaged file stays as it
    is; the journal goes on in a new one. An experiment that somebody runs is refused.
    """
    from phsx.experiment.repair import repair as mend

    done = mend(directory, dry_run=dry_run)
    if as_json:
        print_json(asdict(done))
        return
    if done.damage is None:
        click.echo(f"the journal is sound; {done.finished} trials have ended")
        return
    verb = "would be" if dry_run else "are"
    click.echo(done.damage)
    click.echo(f"  unreadable lines: {done.unreadable}")
    click.echo(f"  results that {verb} kept: {done.finished}")
    click.echo(f"  trials to be evaluated, or evaluated again: {_numbers(done.again)}")
    click.echo(f"  trials of which nothing is known any more: {_numbers(done.lost)}")
    if done.segment is not None:
        click.echo(f"  the journal goes on in {done.segment}; `phsx run {directory}` goes on")


def _numbers(numbers: Sequence[int], most: int = 20) -> str:
    shown = ", ".join(map(str, numbers[:most])) or "none"
    return shown if len(numbers) <= most else f"{shown} and {len(numbers) - most} more"
