"""How a target takes its parameters: by keyword, by position, or as one mapping."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

#: An argument of this name gets the trial's handle, unless the space has such a parameter.
HANDLE = "trial"


@dataclass(frozen=True)
class Calling:
    """The way in which one target is called.

    Attributes
    ----------
    argument : str or None
        The argument that gets all parameters as one mapping. None: each has its own argument.
    positional : tuple of str
        Arguments that can only be given by position, in their order.
    handle : bool
        Whether the target wants the trial's handle.
    """

    argument: str | None = None
    positional: tuple[str, ...] = ()
    handle: bool = False

    def call(
        self,
        target: Callable[..., Any],
        params: Mapping[str, Any],
        fixed: Mapping[str, Any],
        handle: Any,
    ) -> Any:
        """Call `target` with these parameters and return what it returns."""
        keywords = dict(fixed)
        if self.handle:
            keywords[HANDLE] = handle
        if self.argument is None:
            keywords.update(params)
        else:
            keywords[self.argument] = dict(params)
        arguments = [keywords.pop(name) for name in self.positional if name in keywords]
        return target(*arguments, **keywords)


class SpecialTarget(ABC):
    """A target that says by itself how it is called and what it is, instead of being looked at."""

    @abstractmethod
    def calling(
        self, names: Collection[str], fixed: Mapping[str, Any], optional: Collection[str]
    ) -> Calling:
        """Return how it is called with a space's parameters, or raise `TargetError`."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Say what it is, as JSON values with at least ``name`` and ``kind``."""

    @abstractmethod
    def sources(self) -> dict[str, str]:
        """Return the source texts that belong to it, by relative path."""


@dataclass(frozen=True)
class BoundTarget:
    """A target, how it is called, and its fixed arguments: all that a trial has to add is a point.

    Examples
    --------
    >>> bound = BoundTarget(pow, check_target(pow, ["base", "exp"]))
    >>> bound.call({"base": 2, "exp": 10}, handle=None)
    1024
    """

    target: Callable[..., Any]
    calling: Calling
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def call(self, params: Mapping[str, Any], handle: Any) -> Any:
        """Call the target with these parameters and return what it returns."""
        return self.calling.call(self.target, params, self.fixed, handle)


def bind(
    target: Any,
    names: Collection[str],
    fixed: Mapping[str, Any] | None = None,
    optional: Collection[str] = (),
) -> BoundTarget:
    """Check a target as `check_target` does and return it ready to be called."""
    calling = check_target(target, names, fixed, optional)
    return BoundTarget(target, calling, dict(fixed or {}))


def check_target(
    target: Any,
    names: Collection[str],
    fixed: Mapping[str, Any] | None = None,
    optional: Collection[str] = (),
) -> Calling:
    """Find out how `target` takes the parameters of a space, or say why it cannot.

    Parameters
    ----------
    target : callable
        Any function, method, `functools.partial`, object with ``__call__``, or `Command`. One
        whose signature Python does not know (some builtins) is called by keyword, unchecked.
    names : collection of str
        The space's parameters.
    fixed : mapping, optional
        Further keyword arguments that are the same in every trial.
    optional : collection of str
        Those of `names` that may be absent from a point, since they are conditional.

    Returns
    -------
    Calling
        Picklable, so that the signature is looked at once.

    Raises
    ------
    TargetError
        Names the arguments that are missing or unknown, and the cure.

    Examples
    --------
    >>> check_target(lambda x, y, trial: x * y, ["x", "y"])
    Calling(argument=None, positional=(), handle=True)
    >>> check_target(lambda config: config["x"], ["x", "y"]).argument
    'config'
    >>> check_target(lambda x: x, ["x", "y"])
    Traceback (most recent call last):
    ...
    phsx.exceptions.TargetError: the target <lambda>(x) takes no argument 'y', which is a parameter\
 of the space: add it to the function's arguments, or accept **others
    """
    fixed = fixed or {}
    if isinstance(target, SpecialTarget):
        return target.calling(names, fixed, optional)
    from phsx.targets.signature import read_signature  # not needed where trials run

    return read_signature(target, names, fixed, optional)


def name_of(target: Any) -> str:
    """Return a short name of a target for messages and listings.

    Examples
    --------
    >>> name_of(functools.partial(print, 1))
    'print'
    """
    while isinstance(target, functools.partial):
        target = target.func
    if isinstance(target, SpecialTarget):
        return str(target.describe()["name"])
    name = getattr(target, "__qualname__", None) or getattr(target, "__name__", None)
    if isinstance(name, str):
        return name.rpartition("<locals>.")[2]
    return type(target).__name__
