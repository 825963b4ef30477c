"""What a target's code is, as one number: the same after a change of comments or of the layout."""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import sys
from collections.abc import Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any

from phsx.targets.calling import SpecialTarget

#: Bytecode differs from one version of Python to the next.
_TAG = sys.implementation.cache_tag or sys.implementation.name


def code_digest(target: Any) -> str | None:
    """Return a number of the code of a target and of the functions beside it that it calls.

    Parameters
    ----------
    target : object
        A function, a method, an object that can be called, or a partial of them.

    Returns
    -------
    str or None
        The version of Python, a colon, and a digest; None where there is no Python code. Other
        modules, and values that the function refers to, are not part of it.

    Examples
    --------
    >>> def f(x):
    ...     return x + 1
    >>> def g(x):  # a comment
    ...     return (x + 1)
    >>> code_digest(f) == code_digest(g), code_digest(f) == code_digest(lambda x: x + 2)
    (True, False)
    """
    if isinstance(target, SpecialTarget):
        return f"any:{_digest([json.dumps(target.describe(), sort_keys=True)])}"
    function = _function(target)
    if function is None:
        return None
    return f"{_TAG}:{_digest(_parts(function, set()))}"


def comparable(one: str, other: str) -> bool:
    """Tell whether two digests are of one version of Python, so that they say something."""
    return one.partition(":")[0] == other.partition(":")[0]


def _digest(parts: Any) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        digest.update(part.encode())
    return digest.hexdigest()


def _function(target: Any) -> FunctionType | None:
    while isinstance(target, functools.partial):
        target = target.func
    if isinstance(target, MethodType):
        target = target.__func__
    if not isinstance(target, FunctionType):
        target = inspect.getattr_static(type(target), "__call__", None)
    return target if isinstance(target, FunctionType) else None


def _parts(function: FunctionType, seen: set[int]) -> Iterator[str]:
    """Yield what a function is made of, then the functions of its module that it mentions."""
    seen.add(id(function))
    yield from _of_code(function.__code__)
    for name in sorted(_names(function.__code__)):
        other = function.__globals__.get(name)
        if (
            isinstance(other, FunctionType)
            and id(other) not in seen
            and other.__module__ == function.__module__
        ):
            yield from _parts(other, seen)


def _names(code: CodeType) -> set[str]:
    inner = [_names(const) for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*inner)


def _of_code(code: CodeType) -> Iterator[str]:
    yield from (code.co_code.hex(), *code.co_names, *code.co_varnames, *code.co_freevars)
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _of_code(const)
        else:
            yield _of_constant(const)


def _of_constant(const: Any) -> str:
    # The order of a set of texts is another one in every process.
    listed = sorted(map(repr, const)) if isinstance(const, frozenset) else const
    return f"{type(const).__name__} {listed!r}"
