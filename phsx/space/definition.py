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
from phsx.space.contradiction import check_truth, check_use, find_booleans
from phsx.space.expr import Expr
from phsx.space.expression import Expression
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
    if value is None or isinstance(value, (bool, int, float, str, np.generic)):
        try:
            return Constant(value)
        except SpaceError as error:
            raise SpaceError(f"parameter {name!r}: {error}") from None
    raise SpaceError(
        f"parameter {name!r} is {describe(value)}, which is neither a parameter such as "
        "Float(low, high) nor a plain value; what every trial needs besides its parameters is "
        "not part of the space."
    )


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


def check_parameters(parameters: Mapping[str, Parameter]) -> None:
    """Raise a SpaceError where a condition or an expression does not fit the parameters."""
    earlier: set[str] = set()
    booleans = find_booleans(parameters)
    for name, parameter in parameters.items():
        if parameter.when is not None:
            what = f"parameter {name!r}: its condition {parameter.when.source!r}"
            _check_mentions(what, name, parameter.when, parameters, earlier)
            check_truth(what, parameter.when, booleans)
        if isinstance(parameter, Expression):
            for expr in parameter.sources:
                what = f"parameter {name!r}: its expression {expr.source!r}"
                _check_mentions(what, name, expr, parameters, earlier)
        earlier.add(name)


def check_rules(rules: Sequence[Expr], parameters: Mapping[str, Parameter]) -> None:
    """Raise a SpaceError where a constraint does not fit the parameters."""
    booleans = find_booleans(parameters)
    for rule in rules:
        what = f"the constraint {rule.source!r}"
        check_names(what, rule, parameters)
        if not rule.names:
            raise SpaceError(f"{what} mentions no parameter; leave it out.")
        check_truth(what, rule, booleans)
        check_use(what, rule, parameters)


def _check_mentions(
    what: str, name: str, expr: Expr, parameters: Mapping[str, Parameter], earlier: set[str]
) -> None:
    check_names(what, expr, parameters)
    if name in expr.names:
        raise SpaceError(f"{what} mentions the parameter itself; it may mention earlier ones only.")
    for other in sorted(expr.names):
        if other not in earlier:
            raise SpaceError(
                f"{what} mentions {other!r}, which is defined later; put {other!r} before {name!r}."
            )
    check_use(what, expr, parameters)


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
