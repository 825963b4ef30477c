"""Finds what it is in a target that cannot be pickled."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, MethodType
from typing import Any

from phsx.targets.calling import BoundTarget

_DEPTH_LIMIT = 6


def find_culprit(bound: BoundTarget, dumps: Callable[[Any], bytes]) -> str | None:
    """Return a description of the innermost thing that cannot be pickled, where it can be found.

    Parameters
    ----------
    bound : BoundTarget
        The target and its fixed arguments.
    dumps : callable
        Pickles or raises.

    Returns
    -------
    str or None
        Such as ``"the global variable 'lock' (of type lock)"``.

    Examples
    --------
    >>> import pickle
    >>> find_culprit(BoundTarget(print, None, {"data": (i for i in "a")}), pickle.dumps)
    "fixed['data'] (of type generator)"
    """
    for name, value in bound.fixed.items():
        if not _works(dumps, value):
            return _descend(f"fixed[{name!r}]", value, dumps, {id(bound)}, 0)
    if _works(dumps, bound.target):
        return None
    found = _inside(bound.target, dumps, {id(bound)}, 0)
    return found or _title("the target itself", bound.target)


def _inside(owner: Any, dumps: Callable[[Any], bytes], seen: set[int], depth: int) -> str | None:
    """Return the first part of `owner` that cannot be pickled."""
    if depth > _DEPTH_LIMIT or id(owner) in seen:
        return None
    seen.add(id(owner))
    for where, part in _parts(owner):
        if not _works(dumps, part):
            return _descend(where, part, dumps, seen, depth + 1)
    return None


def _descend(
    where: str, part: Any, dumps: Callable[[Any], bytes], seen: set[int], depth: int
) -> str:
    inner = _inside(part, dumps, seen, depth)
    if inner is None:
        return _title(where, part)
    return f"{inner}, in {where}"


def _works(dumps: Callable[[Any], bytes], value: Any) -> bool:
    try:
        dumps(value)
    except Exception:
        return False
    return True


def _title(where: str, value: Any) -> str:
    return f"{where} (of type {type(value).__name__})"


def _parts(owner: Any) -> Iterator[tuple[str, Any]]:
    """Yield what belongs to an object, with a description of where it is."""
    if isinstance(owner, functools.partial):
        yield from ((f"argument {i + 1} of the partial", arg) for i, arg in enumerate(owner.args))
        yield from ((f"the partial's argument {k!r}", arg) for k, arg in owner.keywords.items())
        yield "its function", owner.func
    elif isinstance(owner, MethodType):
        yield f"the {type(owner.__self__).__name__} object", owner.__self__
        yield "the method", owner.__func__
    elif isinstance(owner, FunctionType):
        yield from _parts_of_function(owner)
    elif isinstance(owner, dict):
        yield from ((f"the entry {key!r}", value) for key, value in owner.items())
    elif isinstance(owner, (list, tuple)):
        yield from ((f"the entry {i}", value) for i, value in enumerate(owner))
    else:
        attributes = getattr(owner, "__dict__", {})
        yield from ((f"the attribute {name!r}", value) for name, value in attributes.items())


def _parts_of_function(function: FunctionType) -> Iterator[tuple[str, Any]]:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield f"the variable {name!r} of its closure", cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for name in _names(function.__code__):
        if name in function.__globals__:
            yield f"the global variable {name!r}", function.__globals__[name]
    for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
        yield "a default of its arguments", value


def _names(code: CodeType) -> Iterator[str]:
    """Yield the names of globals that code and the functions within it use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
