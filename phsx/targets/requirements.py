"""Which installed packages a target needs, and in which versions they are here."""

from __future__ import annotations

import dis
import functools
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from phsx.targets.local_modules import is_local

#: What phsx itself needs where a trial is suggested and evaluated.
BASE = ("cloudpickle", "dask", "distributed", "numpy", "scipy")

#: A module's distribution and its version: {"sklearn": ("scikit-learn", "1.9.1")}.
Requirements = Mapping[str, tuple[str, str]]


def requirements(target: Any) -> dict[str, tuple[str, str]]:
    """Return the installed packages that a target mentions, and those that phsx needs.

    Looked at are the target, the functions and classes that it mentions, and the local modules
    that they come from, as far as they are loaded. Nothing is imported or run.

    Returns
    -------
    dict
        By the name of the module, the distribution's name and its version.

    Examples
    --------
    >>> sorted(requirements(abs))
    ['cloudpickle', 'dask', 'distributed', 'numpy', 'scipy']
    """
    found = {}
    for module in sorted({*BASE, *_mentioned(target)}):
        distribution = _distribution(module)
        if distribution is not None:
            found[module] = (distribution, version(distribution))
    return found


def differences(wanted: Requirements) -> dict[str, str | None]:
    """Return the distributions that this process has in another version, with that version.

    None stands for a module that is missing. A version that cannot be told is taken to be right.

    Examples
    --------
    >>> differences({"numpy": ("numpy", "0.1"), "no_such_module": ("nothing", "1.0")})["nothing"]
    """
    found: dict[str, str | None] = {}
    for module, (distribution, expected) in wanted.items():
        try:
            here = version(distribution)
        except PackageNotFoundError:
            if not _exists(module):
                found[distribution] = None
            continue
        if here != expected:
            found[distribution] = here
    return found


def _exists(module: str) -> bool:
    try:
        return module in sys.modules or find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _distribution(module: str) -> str | None:
    """Return the distribution that a module came with; most have its name."""
    try:
        version(module)
    except PackageNotFoundError:
        return next(iter(_distributions().get(module, ())), None)
    return module


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return packages_distributions()  # reads a file of every package that is installed


def _mentioned(target: Any) -> set[str]:
    """Return the top-level names of installed modules that a target mentions."""
    walk = _Walk()
    while isinstance(target, functools.partial):
        walk.look([*target.args, *target.keywords.values()])
        target = target.func
    walk.look([target])
    return walk.found


class _Walk:
    """Goes from a target through everything of the user's own that it mentions."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._seen: set[int] = set()

    def look(self, values: Iterable[Any]) -> None:
        """Look at values, and at all that they mention."""
        left = list(values)
        while left:
            value = left.pop()
            if isinstance(value, MethodType):
                left.append(value.__self__)
            if isinstance(value, (MethodType, staticmethod, classmethod)):
                value = value.__func__
            if id(value) not in self._seen:
                self._seen.add(id(value))
                left += self._within(value)

    def _within(self, value: Any) -> Iterator[Any]:
        """Note the module that a value comes from, and yield what it mentions in turn."""
        home = value if isinstance(value, ModuleType) else sys.modules.get(_home(value))
        if home is not None and not self._own(home):
            return
        if isinstance(value, ModuleType):
            yield from list(vars(value).values())
            return
        if home is not None and home.__name__ != "__main__":
            yield home  # it is imported whole where the target is loaded
        if isinstance(value, FunctionType):
            yield from self._of_function(value)
        elif isinstance(value, type):
            yield from list(vars(value).values())
        else:
            yield type(value)

    def _own(self, module: ModuleType) -> bool:
        """Tell whether a module is the user's; note it where it is installed."""
        top = module.__name__.partition(".")[0]
        if top == "__main__":
            return True
        if top in sys.stdlib_module_names or top == "phsx":
            return False
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and is_local(file):
            return True
        self.found.add(top)
        return False

    def _of_function(self, function: FunctionType) -> Iterator[Any]:
        for code in _codes(function.__code__):
            for name in code.co_names:
                if name in function.__globals__:
                    yield function.__globals__[name]
            for instruction in dis.get_instructions(code):
                if instruction.opname == "IMPORT_NAME":
                    self._imported(str(instruction.argval))
        for cell in function.__closure__ or ():
            try:
                yield cell.cell_contents
            except ValueError:
                continue  # empty as yet

    def _imported(self, name: str) -> None:
        module = sys.modules.get(name)
        if module is not None:
            self.look([module])
        elif name.partition(".")[0] not in sys.stdlib_module_names:
            self.found.add(name.partition(".")[0])


def _home(value: Any) -> str:
    """Return the name of the module that a function, a class or an object's class comes from."""
    where = value if isinstance(value, (FunctionType, type)) else type(value)
    return str(where.__module__)


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)
