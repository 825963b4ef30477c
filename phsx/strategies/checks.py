"""Checks of what a caller writes into a strategy; each error says what would be right."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from phsx.exceptions import PlanError, SpaceError
from phsx.space.value import freeze, identity


def number_of_trials(owner: str, trials: object) -> int | None:
    """Return a number of trials as int, or None where it is left open."""
    if trials is None:
        return None
    return whole_number(owner, "trials", trials)


def whole_number(owner: str, name: str, value: object) -> int:
    """Return a positive whole number, refusing everything that only looks like one."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise PlanError(f"{owner}: {name} must be a whole number such as 20, not {value!r}")
    if value < 1:
        raise PlanError(f"{owner}: {name} must be at least 1, not {value}")
    return int(value)


def real_number(owner: str, name: str, value: object) -> float:
    """Return a finite float."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise PlanError(f"{owner}: {name} must be a number, not {value!r}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise PlanError(f"{owner}: {name} must be finite, not {value!r}")
    return number


def one_of(owner: str, name: str, value: object, known: Iterable[str]) -> str:
    """Return one of the known names."""
    names = [*known]
    if isinstance(value, str) and value in names:
        return value
    hint = close(value, names) if isinstance(value, str) else ""
    choices = ", ".join(repr(one) for one in names)
    raise PlanError(f"{owner}: {name} must be one of {choices}, not {value!r:.80}{hint}")


def flag(owner: str, name: str, value: object) -> bool:
    """Return a truth value that was written as one."""
    if not isinstance(value, (bool, np.bool_)):
        raise PlanError(
            f"{owner}: {name} is an option of the strategy and must be True or False, not "
            f"{value!r}; a parameter of this name is overridden by overrides={{{name!r}: ...}}"
        )
    return bool(value)


def plain(owner: str, what: str, value: object) -> Any:
    """Return a value of a parameter as plain Python: numpy scalars unwrapped, lists as tuples.

    Raises
    ------
    PlanError
        The value is nothing that a parameter could have.
    """
    try:
        return freeze(value)
    except SpaceError as error:
        raise PlanError(f"{owner}: {what}: {error}") from None


def plain_list(owner: str, what: str, values: object) -> tuple[Any, ...]:
    """Return a list of a parameter's values, at least one, as plain Python."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise PlanError(f"{owner}: {what} must be a list of values, not {values!r:.80}")
    found = tuple(plain(owner, f"every value of {what}", value) for value in values)
    if not found:
        raise PlanError(f"{owner}: {what} is an empty list; give at least one value")
    return found


def distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    """Leave out what came before, keeping 1, 1.0 and True apart."""
    return tuple({identity(value): value for value in values}.values())


def close(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` where a known name is near, else nothing."""
    matches = difflib.get_close_matches(name, [*known], n=1, cutoff=0.6)
    return f"; did you mean {matches[0]!r}?" if matches else ""
