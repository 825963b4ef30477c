"""What a target is, in words and as source text; and targets by their reference."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from phsx.exceptions import TargetError
from phsx.targets.calling import SpecialTarget, name_of
from phsx.targets.code import code_digest
from phsx.targets.local_modules import local_sources


def describe(target: Any) -> dict[str, Any]:
    """Say what a target is, for an experiment's records: JSON values, nothing is executed.

    Returns
    -------
    dict
        ``name``, ``kind`` (``"function"``, ``"lambda"``, ``"method"``, ``"partial"``,
        ``"builtin"``, ``"callable"``, ``"command"``), and where known ``module``, ``qualname``,
        ``file`` and ``code``, see `phsx.targets.code`.

    Examples
    --------
    >>> describe(len)
    {'name': 'len', 'kind': 'builtin', 'module': 'builtins', 'qualname': 'len'}
    """
    if isinstance(target, SpecialTarget):
        return {**target.describe(), "code": code_digest(target)}
    inner = _innermost(target)
    found: dict[str, Any] = {"name": name_of(target), "kind": _kind(target)}
    where = inner if hasattr(inner, "__qualname__") else type(inner)
    for key, value in (
        ("module", getattr(where, "__module__", None)),
        ("qualname", getattr(where, "__qualname__", None)),
        ("file", _file(where)),
        ("code", code_digest(target)),
    ):
        if isinstance(value, str):
            found[key] = value
    return found


def sources(target: Any) -> dict[str, str]:
    """Return source texts to be kept with an experiment, by relative path.

    The local modules that are loaded, the script that is being run, and for a function of a
    notebook or an interactive session the function itself as ``target.py``.
    """
    if isinstance(target, SpecialTarget):
        return target.sources()
    found = local_sources(target)
    inner = _innermost(target)
    where = inner if isinstance(inner, FunctionType) else type(inner)
    if getattr(where, "__module__", None) != "__main__":
        return found
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if isinstance(main, str) and main == _file(where):
        text = _read(Path(main))
        if text is not None:
            return {Path(main).name: text, **found}
    try:
        return {"target.py": inspect.getsource(where), **found}
    except (OSError, TypeError):
        return found


def load(reference: str, directory: str | Path | None = None) -> Any:
    """Import a target by its reference.

    Parameters
    ----------
    reference : str
        ``"module:function"``, both with dots where needed.
    directory : path, optional
        Where the module may also be: becomes importable, before everything else.

    Raises
    ------
    TargetError
        Says which part is wrong, and the cure.

    Examples
    --------
    >>> load("math:hypot")(3, 4)
    5.0
    >>> load("math:hypott")
    Traceback (most recent call last):
    ...
    phsx.exceptions.TargetError: the target 'math:hypott' cannot be loaded, since the module math\
 has no 'hypott': did you mean 'hypot'?
    """
    module_name, colon, path = reference.partition(":")
    if not colon or not _dotted(module_name) or not _dotted(path):
        raise TargetError(
            f"the target {reference!r} must be written as 'module:function', such as "
            "'project.training:evaluate'"
        )
    if directory is not None and str(Path(directory).resolve()) not in sys.path:
        sys.path.insert(0, str(Path(directory).resolve()))
    found: Any = _import(reference, module_name)
    owner = f"the module {module_name}"
    for part in path.split("."):
        if not hasattr(found, part):
            raise TargetError(
                f"the target {reference!r} cannot be loaded, since {owner} has no {part!r}"
                f"{_suggestion(part, found)}"
            )
        found = getattr(found, part)
        owner = repr(part)
    if not callable(found):
        raise TargetError(
            f"the target {reference!r} is not callable, but of type {type(found).__name__}: name a "
            "function"
        )
    return found


def _import(reference: str, name: str) -> Any:
    importlib.invalidate_caches()
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or name
        if name == missing or name.startswith(f"{missing}."):
            cure = "is it installed here, or beside the file that names it?"
            text = f"there is no module {missing!r}: {cure}"
        else:
            text = f"{name} needs the module {missing!r}, which is not installed here"
    except Exception as error:
        text = f"importing {name} raised {type(error).__name__}: {error}"
        raise TargetError(f"the target {reference!r} cannot be loaded: {text}") from error
    raise TargetError(f"the target {reference!r} cannot be loaded: {text}")


def _suggestion(name: str, owner: Any) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, dir(owner), 1)
    return f": did you mean {close[0]!r}?" if close else ""


def _dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _innermost(target: Any) -> Any:
    while isinstance(target, functools.partial):
        target = target.func
    return target.__func__ if isinstance(target, MethodType) else target


def _kind(target: Any) -> str:
    if isinstance(target, functools.partial):
        return "partial"
    if isinstance(target, MethodType):
        return "method"
    if isinstance(target, FunctionType):
        return "lambda" if target.__name__ == "<lambda>" else "function"
    return "builtin" if isinstance(target, BuiltinFunctionType) else "callable"


def _file(where: Any) -> str | None:
    try:
        file = inspect.getsourcefile(where)
    except TypeError:
        return None
    return None if file is None else str(Path(file).absolute())


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
