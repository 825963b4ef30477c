"""Values that a parameter may take: JSON scalars and tuples of them, with an exact identity."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np

from phsx.exceptions import SpaceError

_NESTING = 16


def freeze(value: object, depth: int = 0) -> Any:
    """Return a value as plain, immutable Python, lists (as JSON has them) as tuples.

    Parameters
    ----------
    value : object
        A string, number, bool, None, a NumPy scalar, or a (nested) tuple or list of them.
    depth : int
        How deep the value lies in others; for the function's own use.

    Raises
    ------
    SpaceError
        The value is of another kind, not finite, or nested too deep.

    Examples
    --------
    >>> freeze([1, [2.5, "a"], None])
    (1, (2.5, 'a'), None)
    """
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise SpaceError(
                f"{value!r} is not a finite number, which cannot be stored safely; use a string "
                "or None to stand for it."
            )
        return float(value)
    if isinstance(value, str):
        if not value.isprintable() and any("\ud800" <= sign <= "\udfff" for sign in value):
            raise SpaceError(f"{value!r} is not valid Unicode text.")
        return str(value)
    if isinstance(value, (tuple, list)):
        if depth >= _NESTING:
            raise SpaceError(f"a value is nested more than {_NESTING} levels deep.")
        return tuple(freeze(item, depth + 1) for item in value)
    raise SpaceError(
        f"{describe(value)} cannot be a value: only text, numbers, True, False, None and tuples "
        "of these can be stored and sent. Name it by a string and look it up in the target."
    )


def identity(value: Any) -> Hashable:
    """Return a key that is equal for equal values of equal type only.

    ``1``, ``1.0`` and ``True`` are different; ``0.0`` and ``-0.0`` are the same.

    Examples
    --------
    >>> identity(1) == identity(True), identity(0.0) == identity(-0.0)
    (False, True)
    """
    if isinstance(value, tuple):
        return (tuple, *map(identity, value))
    return (type(value), value)


def thaw(value: Any) -> Any:
    """Return a frozen value as JSON knows it: tuples as lists."""
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value


def real(value: object, what: str) -> float:
    """Return a finite float.

    Parameters
    ----------
    value : object
        A Python or NumPy number; a bool is none.
    what : str
        What the number is, for the message.

    Raises
    ------
    SpaceError
        It is no number, or not finite.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise SpaceError(f"{what} is {describe(value)}; it has to be a number.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SpaceError(f"{what} is {describe(value)}; it has to be a finite number.")
    return number + 0.0  # no minus zero


def whole(value: object, what: str) -> int:
    """Return an int, also from an integral float such as ``3.0``.

    Raises
    ------
    SpaceError
        It is no whole number.
    """
    if isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_)):
        return int(value)
    number = real(value, what)
    if not number.is_integer():
        raise SpaceError(f"{what} is {describe(value)}; it has to be a whole number.")
    return int(number)


def flag(value: object, what: str) -> bool:
    """Return a bool, or raise a SpaceError that says what should have been one."""
    if not isinstance(value, (bool, np.bool_)):
        raise SpaceError(f"{what} is {describe(value)}; it has to be True or False.")
    return bool(value)


def describe(value: object) -> str:
    """Return a short `repr` with the type where the type matters, for messages."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    try:
        text = repr(value)
    except Exception as error:  # a foreign __repr__ may raise anything
        text = f"an object whose repr fails ({type(error).__name__})"
    if "\n" in text:
        text = " ".join(text.split())
    if len(text) > 80:
        text = text[:77] + "..."
    if value is None or isinstance(value, (bool, int, float, str, tuple, list, dict)):
        return text
    return f"{text} ({type(value).__name__})"
