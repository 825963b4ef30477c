"""Modules that only the master has: those beside the script or in a project's directory."""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

#: Source text of local modules that is sent along, in characters; more is left behind.
SIZE_LIMIT = 5_000_000

#: A package's directory with more entries is not walked; its loaded modules alone are sent.
_ENTRY_LIMIT = 5_000


def local_sources(target: Any) -> dict[str, str]:
    """Return the sources of all loaded local modules, by relative path.

    Local is what is neither in the standard library nor installed (site-packages) nor phsx. Of a
    local package all modules are taken, also those that are not loaded yet.

    Parameters
    ----------
    target : object
        The modules of its own top-level package come first, should there be more than fits.

    Returns
    -------
    dict of str to str
        ``{"helpers.py": "...", "project/model.py": "..."}``
    """
    home = str(getattr(target, "__module__", "") or "").partition(".")[0]
    loaded = {name: file for name, file in _loaded_files() if name.partition(".")[0] != "phsx"}
    files: dict[str, Path] = {}
    for name in sorted(loaded, key=lambda name: (name.partition(".")[0] != home, name)):
        files.setdefault(_relative(name, loaded[name]), loaded[name])
        if loaded[name].name == "__init__.py":
            for relative, file in _package_files(name, loaded[name].parent):
                files.setdefault(relative, file)
    return _read(files)


@cache
def installed_roots() -> frozenset[str]:
    """Return the directories of the standard library and of installed packages."""
    paths = sysconfig.get_paths()
    roots = {paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    roots |= {str(Path(paths["platstdlib"], "lib-dynload"))}
    roots |= {*site.getsitepackages(), site.getusersitepackages()}
    return frozenset(form for root in roots for form in (root, os.path.realpath(root)))


def is_local(file: str | os.PathLike[str]) -> bool:
    """Tell whether a source file is the user's own."""
    path = Path(file)
    if {"site-packages", "dist-packages"} & set(path.parts):
        return False
    return not any(path.is_relative_to(root) for root in installed_roots())


def _loaded_files() -> Iterator[tuple[str, Path]]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) if isinstance(module, ModuleType) else None
        if name in ("__main__", "__mp_main__") or not isinstance(file, str):
            continue
        if not all(part.isidentifier() for part in name.split(".")):
            continue
        if file.endswith(".py") and is_local(file):
            yield name, Path(file).absolute()


def _relative(name: str, file: Path) -> str:
    path = name.replace(".", "/")
    return f"{path}/__init__.py" if file.name == "__init__.py" else f"{path}.py"


def _package_files(name: str, directory: Path) -> list[tuple[str, Path]]:
    """Return the modules below a package's directory; none where it holds too much else."""
    found: list[tuple[str, Path]] = []
    entries = 0
    for root, directories, files in os.walk(directory):
        directories[:] = [d for d in directories if d.isidentifier() and d != "__pycache__"]
        entries += len(directories) + len(files)
        if entries > _ENTRY_LIMIT:
            return []
        prefix = "/".join([name.replace(".", "/"), *Path(root).relative_to(directory).parts])
        found += [
            (f"{prefix}/{file}", Path(root, file)) for file in sorted(files) if file.endswith(".py")
        ]
    return found


def _read(files: dict[str, Path]) -> dict[str, str]:
    sources: dict[str, str] = {}
    left = SIZE_LIMIT
    for relative, file in files.items():
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        if len(text) <= left:
            sources[relative] = text
            left -= len(text)
    return sources
