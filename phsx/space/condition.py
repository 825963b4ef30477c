"""When a parameter is active: from what users write to an expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phsx.exceptions import SpaceError
from phsx.space.expr import Expr
from phsx.space.value import describe, freeze

#: What `when=` takes.
Condition = str | Expr | Mapping[str, Any] | None


def condition(when: Condition) -> Expr | None:
    """Return a condition as an expression.

    Parameters
    ----------
    when : None, str, Expr or mapping
        An expression that is True where the parameter is active, or a mapping from the name of a
        parent to its value, or to the list of its values. Several parents all have to agree. A
        tuple is one value.

    Raises
    ------
    SpaceError
        It is something else, or empty.

    Examples
    --------
    >>> condition({"kernel": ["rbf", "poly"], "scale": True})
    Expr("kernel in ('rbf', 'poly') and scale == True")
    """
    if when is None or isinstance(when, Expr):
        return when
    if isinstance(when, str):
        return Expr(when)
    if not isinstance(when, Mapping):
        raise SpaceError(
            f"when={describe(when)} is no condition; write a mapping such as "
            "when={'kernel': 'rbf'} or an expression such as when=\"depth > 2\"."
        )
    if not when:
        raise SpaceError("when={} names no parameter; leave it out for one that is always active.")
    return Expr(" and ".join(_clause(name, value) for name, value in when.items()))


def _clause(name: object, value: object) -> str:
    if not isinstance(name, str) or not name.isidentifier():
        raise SpaceError(f"when= names {describe(name)}, which cannot be a parameter's name.")
    if not isinstance(value, list):
        if isinstance(value, (set, frozenset, range, Mapping)):
            raise SpaceError(
                f"when={{{name!r}: {describe(value)}}}: write the values as a list, in []."
            )
        return f"{name} == {freeze(value)!r}"
    if not value:
        raise SpaceError(f"when={{{name!r}: []}} can never hold: the list of values is empty.")
    return f"{name} in {tuple(freeze(item) for item in value)!r}"
