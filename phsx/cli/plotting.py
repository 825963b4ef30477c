"""The command that draws a search."""

from __future__ import annotations

from pathlib import Path

import click

from phsx.cli.command import DIRECTORY, plainly, writing
from phsx.exceptions import ConfigurationError

PLOTS = ("history", "parameters", "parallel_coordinates", "worker_timeline")


@click.command()
@DIRECTORY
@click.option(
    "-k", "--kind", "kinds", type=click.Choice(PLOTS), multiple=True, help="Which.  [default: all]"
)
@click.option("-x", help="Parameter on the horizontal axis of `parameters`.")
@click.option("-y", help="Parameter on its vertical axis.")
@click.option("--contour", is_flag=True, help="Draw `parameters` as contours.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Directory.  [default: DIRECTORY/plots]"
)
@click.option(
    "-f",
    "--format",
    "suffix",
    type=click.Choice(["png", "pdf", "svg"]),
    default="png",
    show_default=True,
)
@plainly
def plot(
    directory: Path,
    kinds: tuple[str, ...],
    x: str | None,
    y: str | None,
    contour: bool,
    output: Path | None,
    suffix: str,
) -> None:
    """Draw the search, while it runs or afterwards, and print where the pictures are."""
    from phsx import analysis
    from phsx.experiment.experiment import open_experiment

    experiment = open_experiment(directory)
    output = output or experiment.directory / "plots"
    with writing(output):
        output.mkdir(parents=True, exist_ok=True)
    chosen = kinds or PLOTS
    names = list(experiment.space.dimensions)
    if len(names) < 2 and "parameters" in chosen:
        if kinds:
            raise ConfigurationError("`parameters` needs a space of two parameters or more")
        chosen = tuple(kind for kind in chosen if kind != "parameters")
    for kind in chosen:
        path = output / f"{kind}.{suffix}"
        if kind == "parameters":
            x = x or next(name for name in names if name != y)
            y = y or next(name for name in names if name != x)
            with writing(path):
                analysis.parameters(
                    experiment, x, y, kind="contour" if contour else "scatter", path=path
                )
        else:
            with writing(path):
                getattr(analysis, kind)(experiment, path=path)
        click.echo(path)
