"""Reads a target's signature beside a space's parameters, and says what does not fit."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from inspect import Parameter
from typing import Any

from phsx.exceptions import TargetError
from phsx.targets.calling import HANDLE, Calling, name_of

_BY_NAME = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_ONLY)
_SCALARS = (int, float, bool, str, complex)
_SCALAR_NAMES = {kind.__name__ for kind in _SCALARS}


def read_signature(
    target: Any, names: Collection[str], fixed: Mapping[str, Any], optional: Collection[str]
) -> Calling:
    """Return how a Python callable takes the parameters; see `check_target`.

    Raises
    ------
    TargetError
        Names what is missing or unknown, and the cure.
    """
    _refuse_what_cannot_be_called(target)
    _refuse_clash(target, names, fixed)
    try:
        signature = inspect.signature(target)
    except (ValueError, TypeError):
        return Calling()
    return _Signature(target, signature, names, fixed, optional).calling()


class _Signature:
    """A target's signature beside what a search has to give it."""

    def __init__(
        self,
        target: Any,
        signature: inspect.Signature,
        names: Collection[str],
        fixed: Mapping[str, Any],
        optional: Collection[str],
    ) -> None:
        self.title = f"the target {name_of(target)}{_short(signature)}"
        self.names = names
        self.fixed = fixed
        self.optional = optional
        everything = list(signature.parameters.values())
        self.arguments = {p.name: p for p in everything if p.kind in _BY_NAME}
        self.others = any(p.kind is Parameter.VAR_KEYWORD for p in everything)
        self.rest = any(p.kind is Parameter.VAR_POSITIONAL for p in everything)
        bound = target.keywords if isinstance(target, functools.partial) else {}
        self.handle = HANDLE in self.arguments and HANDLE not in {*names, *fixed, *bound}

    def calling(self) -> Calling:
        argument = self._mapping_argument()
        given = {*self.fixed, *([HANDLE] if self.handle else [])}
        given |= {argument} if argument is not None else set(self.names)
        self._check_unknown(given)
        self._check_missing(given)
        if argument is None:
            self._check_optional()
        return Calling(argument, self._positional(given), self.handle)

    def _mapping_argument(self) -> str | None:
        """Return the argument that is to get all parameters as one mapping, if there is one."""
        handle = {HANDLE} if self.handle else set()
        left = [p for p in self.arguments.values() if p.name not in {*self.fixed, *handle}]
        if len(left) != 1 or self.others or self.rest or left[0].name in self.names:
            return None
        only = left[0]
        scalar = isinstance(only.default, _SCALARS) or only.annotation in _SCALARS
        if scalar or only.annotation in _SCALAR_NAMES:
            return None  # an argument that wants a number is a misspelt name
        return only.name

    def _check_unknown(self, given: Collection[str]) -> None:
        if self.others:
            return
        for name in (name for name in given if name not in self.arguments):
            if name in self.fixed:
                raise TargetError(
                    f"{self.title} takes no argument {name!r}, which is in fixed=: add it to the "
                    "function's arguments, or remove it from fixed="
                )
            unused = [p for p in self.arguments if p not in {*self.names, *self.fixed, HANDLE}]
            close = get_close_matches(name, unused, 1)
            cure = f"did you mean {close[0]!r}?" if close else "add it to the function's arguments"
            if self.rest and not self.arguments:
                cure = "*args is not enough: let it take **parameters"
            raise TargetError(
                f"{self.title} takes no argument {name!r}, which is a parameter of the space: "
                f"{cure}{'' if close or self.rest else ', or accept **others'}"
            )

    def _check_missing(self, given: Collection[str]) -> None:
        required = [p.name for p in self.arguments.values() if p.default is Parameter.empty]
        missing = [name for name in required if name not in given]
        if not missing:
            return
        if missing[0] in ("self", "cls"):
            raise TargetError(
                f"{self.title} is a method without its object: pass the method of an instance, "
                "such as Model().evaluate"
            )
        listed = ", ".join(repr(name) for name in missing)
        raise TargetError(
            f"{self.title} needs {listed}, which the space does not have: add "
            f"{'it' if len(missing) == 1 else 'them'} to the space, give a default, or pass "
            f"fixed={{{missing[0]!r}: ...}}"
        )

    def _check_optional(self) -> None:
        for name in self.optional:
            argument = self.arguments.get(name)
            if argument is None:
                continue
            if argument.default is Parameter.empty:
                raise TargetError(
                    f"{self.title} needs {name!r}, a conditional parameter that is absent from "
                    f"some points: give it a default, such as {name}=None"
                )
            if argument.kind is Parameter.POSITIONAL_ONLY:
                raise TargetError(
                    f"{self.title} takes {name!r} by position only, but it is a conditional "
                    "parameter that is absent from some points: let it be given by keyword"
                )

    def _positional(self, given: Collection[str]) -> tuple[str, ...]:
        """Return the arguments to be given by position, all of which must follow each other."""
        only = [p.name for p in self.arguments.values() if p.kind is Parameter.POSITIONAL_ONLY]
        used = [name for name in only if name in given]
        if used != only[: len(used)]:
            gap = next(name for name in only if name not in given)
            raise TargetError(
                f"{self.title} takes {gap!r} and {used[-1]!r} by position only, so {gap!r} cannot "
                f"be left to its default: add it to the space, or pass fixed={{{gap!r}: ...}}"
            )
        return tuple(used)


def _refuse_what_cannot_be_called(target: Any) -> None:
    if target is None:
        raise TargetError(
            "the target is None: pass the function itself (target=f), not what it returns (f(...))"
        )
    if isinstance(target, type):
        cure = "an instance of it" if "__call__" in vars(target) else "a function"
        raise TargetError(f"the target {target.__name__} is a class: pass {cure} instead")
    if not callable(target):
        cure = "pass a function"
        if isinstance(target, str):
            cure = "pass the function itself, or phsx.Command(...) for a program"
        elif isinstance(target, (list, tuple)):
            cure = "pass phsx.Command([...]) for a program"
        elif isinstance(target, (int, float)):
            cure = "pass the function itself (target=f), not what it returns (f(...))"
        raise TargetError(
            f"the target must be callable, but {_brief(target)} is of type "
            f"{type(target).__name__}: {cure}"
        )
    inner = target
    while isinstance(inner, functools.partial):
        inner = inner.func
    for function in (inner, type(inner).__call__):
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            raise TargetError(
                f"the target {name_of(target)} is a coroutine function (async def), which gives "
                "no result when it is called: wrap it, as in lambda x: asyncio.run(f(x))"
            )
        if inspect.isgeneratorfunction(function):
            raise TargetError(
                f"the target {name_of(target)} is a generator (it has a yield), which gives no "
                "result when it is called: return the objective; steps are told by an argument "
                "`trial` and trial.report(step, value)"
            )


def _refuse_clash(target: Any, names: Collection[str], fixed: Mapping[str, Any]) -> None:
    for name in fixed:
        if not isinstance(name, str) or not name.isidentifier():
            raise TargetError(f"fixed= must have argument names as keys, not {_brief(name)}")
        if name in names:
            raise TargetError(
                f"{name!r} is a parameter of the space and in fixed= of {name_of(target)}: remove "
                "it from one of them"
            )


def _short(signature: inspect.Signature) -> str:
    """Return the signature without annotations and long defaults."""
    bare = [
        parameter.replace(
            annotation=Parameter.empty,
            default=parameter.default
            if parameter.default is Parameter.empty or len(_brief(parameter.default)) < 20
            else ...,
        )
        for parameter in signature.parameters.values()
    ]
    return str(inspect.Signature(bare))


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
