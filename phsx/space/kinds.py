"""The kinds of parameters by name, and how one is read from JSON values."""

from __future__ import annotations

from collections.abc import Mapping
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
    try:
        return KINDS[kind].from_options(options)
    except TypeError as error:
        raise SpaceError(
            f"the options {', '.join(map(str, options))} do not define a parameter of the kind "
            f"{kind!r}: {error}."
        ) from None
