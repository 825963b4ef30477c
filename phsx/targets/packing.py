"""Makes a package of a target, and says what a target is."""

from __future__ import annotations

import hashlib
import linecache
import os
import pickle
import sys
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from phsx.exceptions import TargetError
from phsx.targets.calling import BoundTarget, bind, name_of
from phsx.targets.culprit import find_culprit
from phsx.targets.description import describe, load, sources
from phsx.targets.local_modules import is_local, local_sources
from phsx.targets.package import Package
from phsx.targets.requirements import requirements

#: A payload of up to so many bytes is unpickled at once, to find out whether that works.
_TRY_LIMIT = 1_000_000

__all__ = ["describe", "load", "pack", "sources"]


def pack(
    target: Any,
    names: Collection[str],
    *,
    fixed: Mapping[str, Any] | None = None,
    optional: Collection[str] = (),
) -> Package:
    """Check a target and make a parcel of it that other processes and hosts can open.

    What can be imported is sent by name, together with the sources of local modules; what cannot
    (functions of a script or a notebook, lambdas, closures) is sent by value.

    Parameters
    ----------
    target, names, fixed, optional
        As for `phsx.targets.calling.check_target`.

    Returns
    -------
    Package

    Raises
    ------
    TargetError
        The target cannot be called so, or something that it refers to cannot be sent; names it.

    Examples
    --------
    >>> scale = 3
    >>> package = pack(lambda x: scale * x, ["x"])
    >>> package.load().call({"x": 2}, handle=None)
    6
    """
    bound = bind(target, names, fixed, optional)
    payload = _dump(bound)
    before, after = _import_directories()
    cwd = os.getcwd()  # noqa: PTH109
    python = (sys.version_info.major, sys.version_info.minor)
    package = Package(
        name_of(target),
        payload,
        local_sources(target),
        _cells(payload),
        before,
        after,
        cwd,
        python,
        requirements(target),
    )
    return replace(package, digest=_digest(package))


def _dump(bound: BoundTarget) -> bytes:
    import cloudpickle

    name = name_of(bound.target)
    try:
        payload: bytes = cloudpickle.dumps(bound, protocol=5)
    except Exception as error:
        culprit = find_culprit(bound, cloudpickle.dumps) or "something that it refers to"
        raise TargetError(
            f"the target {name} cannot be sent to workers, since {culprit} cannot be pickled "
            f"({type(error).__name__}: {error}): create it inside the target, or pass what it is "
            "made from, such as a file's name"
        ) from error
    if len(payload) <= _TRY_LIMIT:
        try:
            pickle.loads(payload)  # noqa: S301 - made above
        except Exception as error:
            raise TargetError(
                f"the target {name} cannot be sent to workers, since something that it refers to "
                f"can be pickled but not unpickled ({type(error).__name__}: {error}): create it "
                "inside the target"
            ) from error
    return payload


def _cells(payload: bytes) -> dict[str, str]:
    """Return the texts of a notebook's cells that the payload refers to, for tracebacks."""
    return {
        name: "".join(entry[2])
        for name, entry in list(linecache.cache.items())
        if len(entry) == 4 and name.encode() in payload and not Path(name).exists()
    }


def _import_directories() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the entries of `sys.path` that are not Python's own, before and after these."""
    entries = [str(Path(entry).absolute()) for entry in sys.path]
    own = [i for i, entry in enumerate(entries) if not is_local(entry) or entry.endswith(".zip")]
    first = own[0] if own else len(entries)
    local = [(i, entry) for i, entry in enumerate(entries) if i not in own]
    before = tuple(dict.fromkeys(entry for i, entry in local if i < first))
    after = tuple(dict.fromkeys(e for i, e in local if i > first and e not in before))
    return before, after


def _digest(package: Package) -> str:
    digest = hashlib.sha256(package.payload)
    rest = (
        sorted(package.sources.items()),
        sorted(package.cells.items()),
        package.before,
        package.after,
        package.cwd,
        package.python,
        sorted(package.requires.items()),
    )
    digest.update(pickle.dumps(rest, protocol=5))
    return digest.hexdigest()
