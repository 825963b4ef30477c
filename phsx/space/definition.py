"""Whether a mapping of names to parameters makes sense as a space."""

from __future__ import annotations

import difflib
import keyword
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from phsx.exceptions import SpaceError
from phsx.space.constant import Constant
from phsx.space.expr import Expr
from phsx.space.parameter import Parameter
from phsx.space.value import describe


def read_parameters(parameters: Any) -> dict[str, Parameter]:
    """Return the parameters by name, with bare scalars made constants.

    Raises
    ------
    SpaceError
        There are none, a name cannot be a keyword argument, or a value is no parameter.
    """
    if not isinstance(parameters, Mapping):
        raise SpaceError(
            f"a space has to be a mapping from names to parameters, not {describe(parameters)}; "
            "write {'x': Float(0, 1)}."
        )
    if not parameters:
        raise SpaceError("the space is empty; give it at least one parameter.")
    return {check_name(name): _parameter(name, value) for name, value in parameters.items()}


def check_name(name: object) -> str:
    """Return a name that can be a keyword argument, or raise a SpaceError."""
    if not isinstance(name, str):
        raise SpaceError(f"the parameter name {describe(name)} has to be text.")
    if not name.isidentifier():
        raise SpaceError(
            f"the parameter name {name!r} is no Python name, but targets get their parameters as "
            "keywords; use letters, digits and underscores, and begin with a letter."
        )
    if keyword.iskeyword(name):
        raise SpaceError(
            f"the parameter name {name!r} is a word of Python's own, which cannot be a keyword "
            f"argument; call it {name + '_'!r}."
        )
    normal = unicodedata.normalize("NFKC", name)
    if normal != name:
        raise SpaceError(
            f"the parameter name {name!r} is read by Python as {normal!r}; write it like that."
        )
    return name


def _parameter(name: str, value: object) -> Parameter:
    if isinstance(value, Parameter):
        return value
    if isinstance(value, (list, tuple, range, np.ndarray)):
        raise SpaceError(
            f"parameter {name!r} is {describe(value)}; write Categorical([...]) or Ordinal([...]) "
            "for a choice among values, Float(low, high) or Int(low, high) for a range, and "
            "Constant((...)) for a tuple that stays the same."
        )
    if isinstance(value, type) and issubclass(value, Parameter):
        raise SpaceError(
            f"parameter {name!r} is the class {value.__name__}; call it with its arguments."
        )
    try:
        return Constant(value)
    except SpaceError as error:
        raise SpaceError(f"parameter {name!r}: {error}") from None


def read_constraints(constraints: Any) -> tuple[Expr, ...]:
    """Return the constraints as expressions; a single one may stand by itself."""
    if isinstance(constraints, (str, Expr)):
        constraints = [constraints]
    if not isinstance(constraints, Sequence):
        raise SpaceError(
            f"constraints={describe(constraints)} has to be a list of expressions, such as "
            "['x + y <= 1']."
        )
    read = []
    for place, constraint in enumerate(constraints, 1):
        try:
            read.append(constraint if isinstance(constraint, Expr) else Expr(constraint))
        except SpaceError as error:
            raise SpaceError(f"constraint {place}: {error}") from None
    return tuple(read)


def check_order(parameters: Mapping[str, Parameter]) -> None:
    """Raise a SpaceError where a parameter mentions itself, a later one, or none at all."""
    earlier: set[str] = set()
    for name, parameter in parameters.items():
        if parameter.when is not None:
            what = f"parameter {name!r}: its condition {parameter.when.source!r}"
            check_names(what, parameter.when, parameters)
            _check_earlier(what, name, parameter.when.names, earlier)
        for expr in getattr(parameter, "sources", ()):
            what = f"parameter {name!r}: its expression {expr.source!r}"
            check_names(what, expr, parameters)
            _check_earlier(what, name, expr.names, earlier)
        earlier.add(name)


def _check_earlier(what: str, name: str, mentioned: Iterable[str], earlier: set[str]) -> None:
    if name in mentioned:
        raise SpaceError(f"{what} mentions the parameter itself.")
    for other in sorted(mentioned):
        if other not in earlier:
            raise SpaceError(
                f"{what} mentions {other!r}, which is defined later; put {other!r} before {name!r}."
            )


def check_names(what: str, expr: Expr, known: Mapping[str, Parameter]) -> None:
    """Raise a SpaceError where an expression mentions what is no parameter, or ambiguous."""
    for name in sorted(expr.names):
        if name not in known:
            raise SpaceError(f"{what} mentions {name!r}, {unknown(name, known)}")
    for name in sorted(expr.constants):
        if name in known:
            raise SpaceError(
                f"{what} mentions {name!r}, which is a parameter and also a constant of the "
                "expression language; give the parameter another name."
            )


def unknown(name: object, known: Iterable[str]) -> str:
    """Return the end of a sentence about a name that no parameter has."""
    names = list(known)
    close = difflib.get_close_matches(str(name), names, n=1)
    if close:
        return f"which is no parameter; did you mean {close[0]!r}?"
    return f"which is no parameter; the space has {', '.join(names)}."
