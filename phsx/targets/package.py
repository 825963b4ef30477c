"""The parcel in which a target travels to the processes that run it."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from phsx.exceptions import TargetError
from phsx.targets.calling import BoundTarget


@dataclass(frozen=True)
class Package:
    """A target with all that is needed to run it elsewhere. Made by `phsx.targets.packing.pack`.

    Attributes
    ----------
    name : str
        The target's name, for messages.
    payload : bytes
        The pickled `BoundTarget`; as large as the data that the target carries.
    sources : mapping of str to str
        Source texts of local modules, by relative path with slashes.
    cells : mapping of str to str
        Texts of a notebook's cells, by the file name that their code has.
    before, after : tuple of str
        The master's own import directories, in front of the standard library's and behind them.
    cwd : str
        The master's working directory.
    python : tuple of int
        Major and minor version of the master's Python.
    requires : mapping
        The installed packages that the target mentions; see `phsx.targets.requirements`.
    digest : str
        SHA-256 of the above, in hexadecimal: equal packages have equal digests.
    """

    name: str
    payload: bytes = field(repr=False)
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)
    cells: Mapping[str, str] = field(default_factory=dict, repr=False)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    cwd: str = ""
    python: tuple[int, int] = (0, 0)
    requires: Mapping[str, tuple[str, str]] = field(default_factory=dict, repr=False)
    digest: str = ""

    def write_sources(self, directory: str | os.PathLike[str]) -> None:
        """Write the local modules below `directory`."""
        root = Path(directory)
        for relative, text in self.sources.items():
            path = root.joinpath(relative)
            if (path.is_absolute() and not path.is_relative_to(root)) or ".." in path.parts:
                raise TargetError(f"the package of {self.name} has a source outside: {relative!r}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def extend_path(self, sources: str | None = None) -> None:
        """Let this process import what the master can import.

        The master's directories go where the master has them, those that exist here; the shipped
        sources, written to `sources`, come last, so that they never hide anything.
        """
        own = set(sys.path)
        sys.path[:0] = [entry for entry in self.before if _new(entry, own)]
        sys.path += [entry for entry in self.after if _new(entry, own)]
        if sources is not None and sources not in own:
            sys.path.append(sources)

    def load(self) -> BoundTarget:
        """Unpickle the target in this process; `extend_path` comes first where it may be needed."""
        return load_payload(self, self.payload)


def load_payload(package: Package, payload: bytes | memoryview) -> BoundTarget:
    """Unpickle a target from a buffer that may be outside of its package.

    Raises
    ------
    TargetError
        The master's Python is another one.
    """
    here = (sys.version_info.major, sys.version_info.minor)
    if package.python != here:
        raise TargetError(
            f"the target {package.name} was packed by Python {package.python[0]}."
            f"{package.python[1]} and cannot be loaded by Python {here[0]}.{here[1]}: use the same "
            "version for the master and its workers"
        )
    target: BoundTarget = pickle.loads(payload)  # noqa: S301 - made by the master of this run
    if package.cells:
        import linecache

        for name, text in package.cells.items():
            linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    return target


def _new(entry: str, own: set[str]) -> bool:
    return entry not in own and os.path.exists(entry)  # noqa: PTH110 - pathlib would cost imports
