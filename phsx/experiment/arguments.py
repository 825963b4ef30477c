"""Checks of what users give: an error at the call, naming the argument and the cure."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from phsx.exceptions import ConfigurationError, DirectoryError
from phsx.trial import Trial

_MEMORY = re.compile(r"(\d+(?:\.\d*)?)\s*(?:([kmgt])(i?))?b?", re.IGNORECASE)


def check_definition(seed: Any, maximize: Any, objective: Any) -> None:
    """Check the arguments of `Experiment` that are plain values."""
    if seed is not None:
        whole("seed", seed, 0)
    if maximize is not None:
        truth("maximize", maximize)
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
        (path / "-").lstat()  # too long a name, a character that no name can have, no permission
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (TypeError, ValueError, OSError) as error:
        reason = f" ({error})" if str(error) else ""
        raise DirectoryError(
            f"directory={_short(value)}: this can be no directory of an experiment{reason}; give "
            f"the name of one"
        ) from None
    return path


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def number(name: str, value: Any) -> float:
    """Return a number as a float."""
    if isinstance(value, bool) or not isinstance(value, Real) or value != value:
        raise ConfigurationError(f"{name}={_short(value)}: give a number")
    try:
        return float(value)
    except OverflowError:
        raise ConfigurationError(f"{name}={_short(value)}: give a smaller number") from None


def finite(name: str, value: Any) -> float | None:
    """Return a finite number, or None."""
    if value is None:
        return None
    if not math.isfinite(number(name, value)):
        raise ConfigurationError(f"{name}={value!r}: give a finite number, or leave it out")
    return float(value)


def positive(name: str, value: Any) -> float | None:
    """Return a number of seconds above 0, or None; infinitely many are no limit, so None."""
    if value is None:
        return None
    seconds = number(name, value)
    if seconds <= 0:
        raise ConfigurationError(f"{name}={value!r}: give a number of seconds above 0")
    return None if math.isinf(seconds) else seconds


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


def memory(name: str, value: Any) -> int | None:
    """Return a number of bytes, from a number or a text such as "2GB"; or None.

    Examples
    --------
    >>> memory("memory_per_trial", "1.5GB"), memory("memory_per_trial", "2GiB")
    (1500000000, 2147483648)
    """
    if value is None:
        return None
    found = _MEMORY.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is not None:
        base = 1024 if found[3] else 1000
        size = float(found[1]) * base ** " kmgt".index((found[2] or " ").lower())
    elif isinstance(value, str):
        size = 0.0
    else:
        size = number(name, value)
    if not 1 <= size < 2**63:
        raise ConfigurationError(f'{name}={_short(value)}: give an amount of memory, such as "2GB"')
    return int(size)


def truth(name: str, value: Any) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}={_short(value)}: give True or False")
    return value


def deterministic(value: Any) -> bool | int:
    """Return True, False, or how many trials run at once."""
    return value if isinstance(value, bool) else whole("deterministic", value, 1)


def mapping(name: str, value: Any) -> dict[str, Any]:
    """Return a mapping as a dict; None is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{name}={_short(value)}: give a mapping from names to values, such as a dict"
        )
    return dict(value)


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
