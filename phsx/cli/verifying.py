"""The command that computes a search's suggestions again."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from phsx.cli.command import DIRECTORY, JSON, plainly
from phsx.cli.showing import print_json

if TYPE_CHECKING:
    from phsx.experiment.verification import Difference, Verification

#: How many differences are shown.
SHOWN = 10

#: Exit codes by verdict.
CODES = {"identical": 0, "different": 1, "equivalent, not identical": 4}


@click.command()
@DIRECTORY
@JSON
@plainly
def verify(directory: Path, as_json: bool) -> None:
    """Compute every suggestion again, and compare it with the journal.

    The target is not called. The exit code is 0 where all comes out bit for bit; 4 where it was
    computed by other libraries or another kind of processor, and is the same but for what rounding
    explains; and 1 where something differs. What is named first is where to look, since whatever
    was suggested later knew of it.
    """
    from tqdm import tqdm

    from phsx.experiment.replay import verify as compute

    with tqdm(unit=" suggestion", leave=False, disable=None if not as_json else True) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = compute(directory, progress)
    if as_json:
        verdict = {"verdict": found.verdict, "identical": found.identical}
        print_json({**verdict, "equivalent": found.equivalent, **asdict(found)})
    else:
        click.echo("\n".join(_lines(found)))
    sys.exit(CODES[found.verdict])


def _lines(found: Verification) -> Iterator[str]:
    yield (
        f"computed again: {found.trials} points, {found.suggestions} suggestions, {found.fits} fits"
    )
    yield from (f"  {difference}" for difference in found.differences[:SHOWN])
    if len(found.differences) > SHOWN:
        yield f"  and {len(found.differences) - SHOWN} more"
    elsewhere = [difference for difference in found.differences if difference.elsewhere]
    if elsewhere:
        yield f"rounding does not explain {len(elsewhere)} of them, {_where(elsewhere)}"
    if found.rounded:
        yield f"{len(found.rounded)} differ no more than rounding explains, {_where(found.rounded)}"
    if found.identical:
        yield "all of them are as the journal says, bit for bit"
    else:
        yield found.verdict


def _where(differences: Sequence[Difference]) -> str:
    """Say what computed them, as far as it is not what does so here."""
    from phsx.models.numerics import numerics

    here = numerics()
    there = {
        (name, value)
        for difference in differences
        for name, value in (difference.numerics or {}).items()
        if here.get(name) != value
    }
    listed = "; ".join(f"{value} (here {here.get(name)})" for name, value in sorted(there))
    return f"computed by {listed}"
