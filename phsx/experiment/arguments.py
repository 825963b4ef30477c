"""Checks of what users give: an error at the call, naming the argument and the cure."""

from __future__ import annotations

import os
from collections.abc import Callable
from numbers import Real
from pathlib import Path
from typing import Any

from phsx.exceptions import ConfigurationError, DirectoryError
from phsx.trial import Trial


def check_definition(seed: Any, maximize: Any, objective: Any) -> None:
    """Check the arguments of `Experiment` that are plain values."""
    if seed is not None:
        whole("seed", seed, 0)
    if maximize is not None and not isinstance(maximize, bool):
        raise ConfigurationError(f"maximize={maximize!r}: give True or False")
    if objective is not None and not isinstance(objective, str):
        raise ConfigurationError(
            f"objective={objective!r}: give the key of the objective in what the target returns"
        )


def directory_of(value: Any) -> Path:
    """Return a directory as an absolute path, whether it exists or not."""
    try:
        text = os.fspath(value)
        if not isinstance(text, str) or not text:
            raise TypeError
        path = Path(text).absolute()
        path.exists()  # a name that is too long, or has a character that no name can have
    except (TypeError, ValueError, OSError) as error:
        reason = f" ({error})" if str(error) else ""
        raise DirectoryError(
            f"directory={_short(value)}: this can be no directory{reason}; give the name of one"
        ) from None
    return path


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def number(name: str, value: Any) -> float:
    """Return a number as a float."""
    if isinstance(value, bool) or not isinstance(value, Real) or value != value:
        raise ConfigurationError(f"{name}={value!r}: give a number")
    return float(value)


def finite(name: str, value: Any) -> float | None:
    """Return a number, or None."""
    return None if value is None else number(name, value)


def positive(name: str, value: Any) -> float | None:
    """Return a number of seconds above 0, or None."""
    if value is None:
        return None
    if number(name, value) <= 0:
        raise ConfigurationError(f"{name}={value!r}: give a number of seconds above 0")
    return float(value)


def not_negative(name: str, value: Any) -> float:
    """Return a number of seconds of at least 0."""
    if number(name, value) < 0:
        raise ConfigurationError(f"{name}={value!r}: give a number of seconds of at least 0")
    return float(value)


def share(name: str, value: Any) -> float:
    """Return a share between 0 and 1."""
    if not 0 <= number(name, value) <= 1:
        raise ConfigurationError(f"{name}={value!r}: give a share between 0 and 1")
    return float(value)


def whole(name: str, value: Any, least: int) -> int:
    """Return a whole number of at least `least`."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise ConfigurationError(f"{name}={value!r}: give a whole number of at least {least}")
    return int(value)


def callables(functions: Any) -> tuple[Callable[[Trial], object], ...]:
    """Return functions as a tuple."""
    try:
        found = tuple(functions)
    except TypeError:
        raise ConfigurationError(
            f"callbacks={functions!r}: give a list of functions of one trial"
        ) from None
    for function in found:
        if not callable(function):
            raise ConfigurationError(f"callbacks: {function!r} cannot be called")
    return found
