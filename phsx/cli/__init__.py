"""The command line, thin: every command is a few lines over the library."""

from __future__ import annotations

import click

from phsx._version import __version__
from phsx.cli.asking import add, stop
from phsx.cli.following import attach
from phsx.cli.looking import best, export, show, status
from phsx.cli.plotting import PLOTS, plot
from phsx.cli.repairing import repair
from phsx.cli.running import demo, run
from phsx.cli.submitting import master, submit
from phsx.cli.verifying import verify

__all__ = ["PLOTS", "main"]

#: What exit codes mean; shown by `phsx --help`.
EXIT_CODES = """
\b
Exit codes: 0 done; 1 an error, said on standard error; 2 wrong usage;
3 there is nothing to show yet; 4 `verify`: equivalent, not identical;
130 / 143 interrupted by SIGINT / SIGTERM.
"""


@click.group(
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 96},
)
@click.version_option(__version__, prog_name="phsx")
def main() -> None:
    """Search the parameters of any expensive function or program, in parallel on Dask.

    A search lives in a directory. `run` makes or continues it, `submit` lets it run by itself,
    `stop` ends a run, `add` gives it more trials, `repair` mends a damaged journal; all others look
    at it, while it runs or afterwards, and change nothing.

    \b
    phsx demo                      a first search, with pictures
    phsx run search.toml           a search described in a file
    phsx status results/search     how far it is
    """


for _command in (
    run,
    submit,
    stop,
    add,
    attach,
    status,
    best,
    show,
    plot,
    export,
    verify,
    repair,
    demo,
    master,
):
    main.add_command(_command)
