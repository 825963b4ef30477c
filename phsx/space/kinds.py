"""The kinds of parameters by name, and how one is read from JSON values."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from inspect import signature
from typing import Any, Final

from phsx.exceptions import SpaceError
from phsx.space.categorical import Categorical
from phsx.space.constant import Constant
from phsx.space.expression import Expression
from phsx.space.float import Float
from phsx.space.int import Int
from phsx.space.ordinal import Ordinal
from phsx.space.parameter import Parameter
from phsx.space.value import describe

#: A new kind of parameter is one file, and one entry here.
KINDS: Final[dict[str, type[Parameter]]] = {
    kind.kind: kind for kind in (Float, Int, Categorical, Ordinal, Constant, Expression)
}


def parameter_from_dict(definition: Mapping[str, Any]) -> Parameter:
    """Return the parameter that `Parameter.to_dict` described.

    Raises
    ------
    SpaceError
        The kind is unknown, an option is unknown, missing, or makes no sense.

    Examples
    --------
    >>> parameter_from_dict({"kind": "float", "low": 0, "high": 1})
    Float(0.0, 1.0)
    """
    if not isinstance(definition, Mapping):
        raise SpaceError(f"{describe(definition)} is no definition of a parameter.")
    options = dict(definition)
    kind = options.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise SpaceError(
            f"there is no kind of parameter {describe(kind)}; known are {', '.join(KINDS)}."
        )
    _check_options(KINDS[kind], options)
    return KINDS[kind].from_options(options)


def _check_options(kind: type[Parameter], options: Mapping[str, Any]) -> None:
    """Refuse options that the kind does not have, and the lack of one that it needs."""
    known = dict(signature(kind).parameters)
    for option in options:
        if option not in known:
            close = difflib.get_close_matches(str(option), known, n=1)
            cure = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known)}."
            raise SpaceError(
                f"a parameter of the kind {kind.kind!r} has no option {describe(option)}; {cure}"
            )
    for name, argument in known.items():
        if argument.default is argument.empty and name not in options:
            raise SpaceError(f"a parameter of the kind {kind.kind!r} needs the option {name!r}.")


def parameters_from_dict(definition: Mapping[str, Any]) -> dict[str, Parameter]:
    """Return the parameters by name that `Space.to_dict` described."""
    entries = definition.get("parameters") if isinstance(definition, Mapping) else None
    if not isinstance(entries, list):
        raise SpaceError(f"{describe(definition)} is no definition of a space.")
    parameters: dict[str, Parameter] = {}
    for entry in entries:
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if not isinstance(name, str):
            raise SpaceError(f"{describe(entry)} is no definition of a parameter with a name.")
        if name in parameters:
            raise SpaceError(f"parameter {name!r} is defined twice.")
        options = {option: value for option, value in entry.items() if option != "name"}
        try:
            parameters[name] = parameter_from_dict(options)
        except SpaceError as error:
            raise SpaceError(f"parameter {name!r}: {error}") from None
    return parameters
