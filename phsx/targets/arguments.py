"""The argument list of a command, with places for parameters."""

from __future__ import annotations

import json
import string
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from phsx.exceptions import TargetError

#: An argument, or a group of arguments that belong together.
Argument = str | tuple[str, ...]


def read_arguments(given: Any) -> tuple[Argument, ...]:
    """Return the arguments of a command as texts and groups of texts.

    Raises
    ------
    TargetError
        Something in it is no text, number or path.
    """
    return tuple(
        tuple(_text(part) for part in entry) if isinstance(entry, (list, tuple)) else _text(entry)
        for entry in given
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        text = value
    elif hasattr(value, "__fspath__"):
        text = str(value)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        text = repr(value)
    else:
        raise TargetError(
            f"an argument of a command must be a text, a number or a path, not {value!r} "
            f"({type(value).__name__})"
        )
    if "\0" in text:
        raise TargetError(f"an argument of a command cannot hold a null character: {text!r}")
    return text


def placeholders(argument: Argument) -> list[str]:
    """Return the names in braces in an argument, in their order.

    Raises
    ------
    TargetError
        The braces are not those of a plain name, such as ``{x}`` or ``{x:.3f}``.

    Examples
    --------
    >>> placeholders("--rate={rate:.2e},{decay}")
    ['rate', 'decay']
    """
    if isinstance(argument, tuple):
        return [name for part in argument for name in placeholders(part)]
    names = []
    try:
        for _, name, form, conversion in string.Formatter().parse(argument):
            if name is None:
                continue
            if not name.isidentifier() or conversion or "{" in (form or ""):
                raise ValueError
            names.append(name)
    except ValueError:
        raise TargetError(
            f"the argument {argument!r} of the command has braces that are no parameter's: write "
            "{x} or {x:.3f} for a parameter x, and {{ and }} for braces that are meant as such"
        ) from None
    return names


def fill(arguments: Sequence[Argument], values: Mapping[str, Any]) -> list[str]:
    """Return the arguments with the values put in.

    An argument or a group that mentions a name without a value, an inactive parameter, is left
    out as a whole.

    Examples
    --------
    >>> fill(["--x={x}", ("--momentum", "{momentum}"), "{{}}"], {"x": 0.5})
    ['--x=0.5', '{}']
    """
    filled: list[str] = []
    for argument in arguments:
        if not all(name in values for name in placeholders(argument)):
            continue
        parts = argument if isinstance(argument, tuple) else (argument,)
        filled += [_fill_one(part, values) for part in parts]
    return filled


def _fill_one(text: str, values: Mapping[str, Any]) -> str:
    pieces = []
    for literal, name, form, _ in string.Formatter().parse(text):
        pieces.append(literal)
        if name is not None:
            pieces.append(format(values[name], form) if form else write_value(values[name]))
    return "".join(pieces)


def write_value(value: Any) -> str:
    """Return a parameter's value as an argument: text as it is, everything else as in JSON.

    Examples
    --------
    >>> [write_value(value) for value in ("adam", 0.1, True, None, (3, 4))]
    ['adam', '0.1', 'true', 'null', '[3, 4]']
    """
    return value if isinstance(value, str) else json.dumps(value)


def check_placeholders(
    arguments: Sequence[Argument],
    names: Collection[str],
    optional: Collection[str],
    special: Collection[str],
    in_file: bool,
) -> None:
    """Check that arguments and parameters fit each other.

    Parameters
    ----------
    arguments : sequence
        The command's arguments.
    names, optional : collection of str
        The parameters, and those of them that may be inactive.
    special : collection of str
        Further names that have a value.
    in_file : bool
        Whether the parameters are also written to a file, so that all are used.

    Raises
    ------
    TargetError
        Names the unknown or unused one, and the cure.
    """
    used = [name for argument in arguments for name in placeholders(argument)]
    for name in used:
        if name not in names and name not in special:
            close = get_close_matches(name, [*names, *special], 1)
            cure = f"did you mean {{{close[0]}}}?" if close else "add it to the space"
            raise TargetError(
                f"the command uses {{{name}}}, which is no parameter of the space: {cure}"
            )
    unused = [name for name in names if name not in used]
    if unused and not in_file:
        raise TargetError(
            f"the command does not use the parameter {unused[0]!r}: add {{{unused[0]}}} to its "
            'arguments, or give input="params.json" to have all parameters in a file'
        )
    for before, argument in pairwise(arguments):
        bare = isinstance(before, str) and before.startswith("-") and not placeholders(before)
        if bare and isinstance(argument, str) and set(placeholders(argument)) & {*optional}:
            raise TargetError(
                f"the argument {argument!r} is left out where its parameter is inactive, which "
                f"would leave {before!r} alone: group them, as in [{before!r}, {argument!r}] "
                f"within the list, or write {before}={argument}"
            )
