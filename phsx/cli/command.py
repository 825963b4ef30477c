"""What all commands share: arguments, and errors as one paragraph with an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import click

from phsx.exceptions import ConfigurationError, PhsxError

DIRECTORY = click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")


class Nothing(click.ClickException):
    """There is nothing to show yet."""

    exit_code = 3


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Name the file or directory that cannot be written."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"--output: {error.filename or path} cannot be written ({error.strerror or error}); "
            f"give another place"
        ) from error


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


def plainly(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command end with one paragraph instead of a traceback."""

    @wraps(command)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _errors():
            return command(*args, **kwargs)

    return call
