"""The command line, thin: every command is a few lines over the library."""

from __future__ import annotations

import csv
import ctypes
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from dataclasses import asdict
from functools import wraps
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from phsx._version import __version__
from phsx.exceptions import ConfigurationError, PhsxError

if TYPE_CHECKING:
    from phsx.experiment.experiment import Experiment
    from phsx.journal import Owner
    from phsx.trial import Trial, TrialState

#: What exit codes mean; shown by `phsx --help`.
EXIT_CODES = """
\b
Exit codes: 0 done; 1 an error, said on standard error; 2 wrong usage;
3 there is nothing to show yet; 130 / 143 interrupted by SIGINT / SIGTERM.
"""

DIRECTORY = click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
#: What the state of a trial is called that was running when its run ended at once.
INTERRUPTED = "interrupted"
PLOTS = ("history", "parameters", "parallel_coordinates", "worker_timeline")


class Nothing(click.ClickException):
    """There is nothing to show yet."""

    exit_code = 3


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Name the file or directory that cannot be written."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"--output: {error.filename or path} cannot be written ({error.strerror or error}); "
            f"give another place"
        ) from error


@contextmanager
def _quiet_stdout() -> Iterator[None]:
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


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except PhsxError as error:
        text = "\n".join([str(error), *getattr(error, "__notes__", [])])
        raise click.ClickException(text) from error
    except BrokenPipeError:  # as by `| head -1`; nobody reads what is still to be flushed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


def _plainly(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command end with one paragraph instead of a traceback."""

    @wraps(command)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _errors():
            return command(*args, **kwargs)

    return call


@click.group(
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)
@click.version_option(__version__, prog_name="phsx")
def main() -> None:
    """Search the parameters of any expensive function or program, in parallel on Dask.

    A search lives in a directory. `run` makes or continues it, `repair` mends its journal; all
    other commands look at it, while it runs or afterwards, and change nothing.

    \b
    phsx demo                      a first search, with pictures
    phsx run search.toml           a search described in a file
    phsx status results/search     how far it is
    """


@main.command()
@click.argument("what", metavar="FILE|DIR", type=click.Path(exists=True, path_type=Path))
@click.option("-w", "--workers", type=int, help="Local worker processes.  [default: one per core]")
@click.option("--cluster", metavar="ADDRESS", help="A Dask scheduler instead, or 'inline'.")
@click.option("--more", type=click.IntRange(min=1), help="Add trials to the plan's last block.")
@click.option("--timeout", type=float, metavar="SECONDS", help="End a trial that takes longer.")
@click.option("--max-time", type=float, metavar="SECONDS", help="End the run after this time.")
@click.option("--stop-at", type=float, metavar="VALUE", help="End when a trial is as good.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress.")
@JSON
@_plainly
def run(
    what: Path, more: int | None, cluster: str | None, quiet: bool, as_json: bool, **options: Any
) -> None:
    """Run a search described in a TOML file, or go on with one in a directory.

    What has finished is never evaluated again: interrupt it in any way and run it again, with
    another number of workers if you like. The first Ctrl-C lets running trials finish for a
    moment, the second ends at once.

    \b
    phsx run search.toml --workers 8
    phsx run results/search --more 40
    """
    experiment, settings = _search(what)
    if more is not None:
        experiment.add_trials(more)
    pool = {"workers": options.pop("workers"), "cluster": cluster}
    if any(value is not None for value in pool.values()):  # in place of what the file says
        settings |= pool
    settings |= {name: value for name, value in options.items() if value is not None}
    if quiet:
        settings["progress"] = False
    with _quiet_stdout() if as_json else nullcontext():
        experiment.run(**settings)
    _print_best(experiment, as_json)


def _search(what: Path) -> tuple[Experiment, dict[str, Any]]:
    from phsx.experiment.experiment import open_experiment
    from phsx.experiment.searchfile import SearchFile

    if what.is_dir():
        return open_experiment(what), {}
    if what.suffix == ".py":
        raise ConfigurationError(f"{what} is a script; run it with `python {what}`")
    search = SearchFile.read(what)
    return search.make(), dict(search.run)


@main.command()
@DIRECTORY
@JSON
@_plainly
def status(directory: Path, as_json: bool) -> None:
    """Say how far a search is, and whether somebody runs it."""
    from phsx.experiment.experiment import open_experiment
    from phsx.trial import TrialState

    experiment = open_experiment(directory)
    owner = _runner(experiment)
    state = experiment.state
    counts = {_word(kind, owner): state.count(kind) for kind in TrialState if state.count(kind)}
    best = experiment.best
    if as_json:
        _print_json(
            {
                "name": experiment.name,
                "running": owner is not None,
                "owner": owner.to_dict() if owner else None,
                "trials": counts,
                "total": experiment.total,
                "best": _trial(best) if best else None,
            }
        )
        return
    total = "" if experiment.total is None else f" of {experiment.total}"
    click.echo(f"{experiment.name}: {len(state.finished)}{total} trials have ended")
    click.echo(
        "  " + (", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none yet")
    )
    click.echo(f"  running in {owner}" if owner else "  nobody runs it now")
    if INTERRUPTED in counts:
        click.echo(f"  `phsx run {directory}` goes on, and evaluates what was interrupted again")
    if best is not None:
        click.echo(f"  best: {best.value:.10g} (trial {best.id})")


@main.command()
@DIRECTORY
@JSON
@_plainly
def best(directory: Path, as_json: bool) -> None:
    """Print the best trial: its value and its parameters."""
    from phsx.experiment.experiment import open_experiment

    _print_best(open_experiment(directory), as_json)


@main.command()
@DIRECTORY
@click.argument("trial", type=int, required=False)
@click.option("--output/--no-output", default=True, help="The end of what the trial printed.")
@JSON
@_plainly
def show(directory: Path, trial: int | None, output: bool, as_json: bool) -> None:
    """Show one trial in full, or a line on each."""
    from phsx.experiment.experiment import open_experiment

    experiment = open_experiment(directory)
    owner = _runner(experiment)
    if trial is None:
        _list(experiment, owner, as_json)
        return
    found = experiment.state.trials.get(trial)
    if found is None:
        raise ConfigurationError(
            f"there is no trial {trial} in {experiment.name}, which has {len(experiment.trials)}"
        )
    shown = _trial(found) | {"state": _word(found.state, owner)}
    if as_json:
        _print_json(shown)
        return
    for name, value in shown.items():
        if name in {"params", "result"}:
            for key, part in value.items():
                click.echo(f"{name}.{key} = {part!r}")
        elif name != "traceback" and value is not None:
            click.echo(f"{name}: {value}")
    if found.traceback:
        click.echo(found.traceback.rstrip())
    if output:
        _print_output(experiment.directory / "trials" / f"{trial:06d}")


def _runner(experiment: Experiment) -> Owner | None:
    """Return who runs an experiment; None for nobody that lives."""
    from phsx.journal import holder

    owner = holder(experiment.directory)
    return owner if owner is not None and owner.alive() is not False else None


def _word(state: TrialState, owner: Owner | None) -> str:
    """Return a trial's state; what nobody runs any more was interrupted."""
    return INTERRUPTED if state == "running" and owner is None else str(state)


def _list(experiment: Experiment, owner: Owner | None, as_json: bool) -> None:
    if as_json:
        states = [_word(trial.state, owner) for trial in experiment.trials]
        shown = zip(experiment.trials, states, strict=True)
        _print_json([_trial(trial) | {"state": state} for trial, state in shown])
        return
    for trial in experiment.trials:
        value = "" if trial.value is None else f"{trial.value:.10g}"
        params = ", ".join(f"{name}={part!r}" for name, part in (trial.params or {}).items())
        click.echo(f"{trial.id:6d}  {_word(trial.state, owner):12}  {value:>16}  {params}")


def _print_output(directory: Path, lines: int = 20) -> None:
    for name in ("stdout.txt", "stderr.txt"):
        path = directory / name
        if path.is_file() and path.stat().st_size:
            text = path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
            click.echo(f"--- the end of {path}")
            click.echo("\n".join(text))


@main.command()
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
@_plainly
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
    with _writing(output):
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
            with _writing(path):
                analysis.parameters(
                    experiment, x, y, kind="contour" if contour else "scatter", path=path
                )
        else:
            with _writing(path):
                getattr(analysis, kind)(experiment, path=path)
        click.echo(path)


@main.command()
@DIRECTORY
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File.")
@click.option(
    "-f", "--format", "style", type=click.Choice(["csv", "json"]), default="csv", show_default=True
)
@_plainly
def export(directory: Path, output: Path | None, style: str) -> None:
    """Write all trials as a table, to standard output or a file."""
    from phsx.experiment.experiment import open_experiment
    from phsx.experiment.results import table

    experiment = open_experiment(directory)

    def write(file: IO[str]) -> None:
        if style == "json":
            json.dump([_trial(trial) for trial in experiment.trials], file, indent=2)
            file.write("\n")
        else:
            csv.writer(file).writerows(table(experiment.trials, experiment.space.names))

    if output is None:
        write(sys.stdout)
    else:
        with _writing(output), output.open("w", encoding="utf-8", newline="") as file:
            write(file)


@main.command()
@DIRECTORY
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")
@JSON
@_plainly
def repair(directory: Path, dry_run: bool, as_json: bool) -> None:
    """Mend a journal that was damaged, by a disk or by hand.

    Everything up to the damage is kept, and what is sound behind it. The damaged file stays as it
    is; the journal goes on in a new one. An experiment that somebody runs is refused.
    """
    from phsx.experiment.repair import repair as mend

    done = mend(directory, dry_run=dry_run)
    if as_json:
        _print_json(asdict(done))
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


@main.command()
@click.option(
    "-d", "--directory", type=click.Path(path_type=Path), default="phsx-demo", show_default=True
)
@click.option("-w", "--workers", type=int, help="Local worker processes.  [default: 2 to 4]")
@click.option("--trials", type=click.IntRange(min=3), default=40, show_default=True)
@_plainly
def demo(directory: Path, workers: int | None, trials: int) -> None:
    """Search the parameters of a classifier of handwritten digits, and draw what was found."""
    from phsx import demo as search

    click.echo(search.run(directory, trials=trials, workers=workers))


def _print_best(experiment: Experiment, as_json: bool) -> None:
    found = experiment.best
    if found is None:
        raise Nothing(f"{experiment.name}: no trial has completed yet")
    if as_json:
        _print_json(_trial(found))
        return
    click.echo(f"{experiment.objective} = {found.value:.10g}  (trial {found.id})")
    for name, value in (found.params or {}).items():
        click.echo(f"  {name} = {value!r}")


def _trial(trial: Trial) -> dict[str, Any]:
    return {
        "id": trial.id,
        "state": str(trial.state),
        "value": trial.value,
        "params": dict(trial.params or {}),
        "result": dict(trial.result),
        "strategy": trial.strategy,
        "block": trial.block,
        "attempt": trial.attempt,
        "deaths": trial.deaths,
        "worker": trial.worker,
        "started": trial.started,
        "ended": trial.ended,
        "error": trial.error,
        "traceback": trial.traceback,
    }


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))
