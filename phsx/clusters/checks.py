"""Checks of what is asked of a queue system: an error that names the argument and the cure."""

from __future__ import annotations

import re
from typing import Any

from phsx.exceptions import ConfigurationError

_MEMORY = re.compile(r"\d+(\.\d+)?\s*([kKMGTP]i?B?)")


def truth(name: str, value: Any) -> bool:
    """Return True or False."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name}={value!r}: give True or False")
    return value


def whole(name: str, value: Any, least: int = 1) -> int:
    """Return a whole number of at least `least`."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < least:
        raise ConfigurationError(f"{name}={value!r}: give a whole number of at least {least}")
    return int(value)


def seconds(name: str, value: Any) -> float:
    """Return a number of seconds above 0."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e6:
        raise ConfigurationError(f"{name}={value!r}: give a number of seconds above 0")
    return float(value)


def word(name: str, value: Any) -> str | None:
    """Return a name, as of a partition; or None."""
    if value is None:
        return None
    if not isinstance(value, str) or not value or not value.isprintable() or " " in value:
        raise ConfigurationError(f"{name}={value!r}: give a name, as text without spaces")
    return value


def amount(name: str, value: Any) -> str:
    """Return an amount of memory as text, with its unit: what none means differs among programs."""
    if not isinstance(value, str) or not _MEMORY.fullmatch(value.strip()):
        raise ConfigurationError(
            f"{name}={value!r}: give an amount as text with its unit, such as '8GB'"
        )
    return value.strip()


def lines(name: str, value: Any) -> tuple[str, ...]:
    """Return lines of a script; None are none."""
    if value is None:
        return ()
    found = tuple(value) if isinstance(value, (list, tuple)) else (None,)
    if not all(isinstance(line, str) and "\n" not in line for line in found):
        raise ConfigurationError(f"{name}={value!r}: give a list of lines, as text")
    return found
