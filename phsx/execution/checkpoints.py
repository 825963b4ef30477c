"""Checkpoints of a trial: whole or not there, whatever happens while they are written."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from phsx.exceptions import RecoveryWarning

#: How many are kept: the newest, and one to fall back on.
KEPT = 2

_MANIFEST = "checkpoint.json"
_NAME = re.compile(r"step-\d{9,}")
_WRITING = ".writing-"


@dataclass(frozen=True)
class Checkpoint:
    """What a trial had saved.

    Attributes
    ----------
    step : int
        How far it was.
    directory : Path
        Holds the files that it wrote.
    """

    step: int
    directory: Path


class Checkpoints:
    """The checkpoints of one trial.

    A checkpoint is written under another name and gets its own when everything in it has reached
    the disk, with a list of sizes and checksums. So one that was torn is never seen, and one that
    was damaged later is found out.

    Parameters
    ----------
    directory : Path
        Where they are; must exist.

    Examples
    --------
    >>> import tempfile
    >>> checkpoints = Checkpoints(Path(tempfile.mkdtemp()))
    >>> with checkpoints.write(5) as directory:
    ...     _ = (directory / "weights.txt").write_text("0.5")
    >>> saved = checkpoints.newest()
    >>> saved.step, (saved.directory / "weights.txt").read_text()
    (5, '0.5')
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def write(self, step: int) -> Iterator[Path]:
        """Give an empty directory for a checkpoint, which counts when the block has ended."""
        target = self._directory / f"step-{step:09d}"
        temporary = Path(tempfile.mkdtemp(prefix=_WRITING, dir=self._directory))
        try:
            yield temporary
            _seal(temporary)
            shutil.rmtree(target, ignore_errors=True)
            temporary.rename(target)
            _sync(self._directory)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        for old in self._found()[KEPT:]:
            shutil.rmtree(old, ignore_errors=True)

    def newest(self) -> Checkpoint | None:
        """Return the checkpoint of the highest step that is whole; warn of damaged ones.

        What an earlier attempt was writing when it was killed is removed.
        """
        for torn in self._directory.glob(f"{_WRITING}*"):
            shutil.rmtree(torn, ignore_errors=True)
        for path in self._found():
            damage = _damage(path)
            if damage is None:
                return Checkpoint(_step(path), path)
            warnings.warn(
                f"the checkpoint of step {_step(path)} is damaged ({damage}) and not used",
                RecoveryWarning,
                stacklevel=3,
            )
        return None

    def _found(self) -> list[Path]:
        """Return all of them, the newest first."""
        paths = [path for path in self._directory.iterdir() if _NAME.fullmatch(path.name)]
        return sorted(paths, key=_step, reverse=True)


def _step(path: Path) -> int:
    return int(path.name.partition("-")[2])


def _files(directory: Path) -> dict[str, list[Any]]:
    """Return size and checksum of every file, by relative path."""
    found: dict[str, list[Any]] = {}
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory).as_posix()
        if path.is_file() and relative != _MANIFEST:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "blake2b").hexdigest()
            found[relative] = [path.stat().st_size, digest]
    return found


def _seal(directory: Path) -> None:
    """Write the list of what is in a checkpoint, when all of it is on the disk."""
    for path in sorted(directory.rglob("*"), reverse=True):
        _sync(path)
    manifest = directory / _MANIFEST
    manifest.write_text(json.dumps(_files(directory)), encoding="utf-8")
    _sync(manifest)
    _sync(directory)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _damage(path: Path) -> str | None:
    """Say what is wrong with a checkpoint; None where it is whole."""
    try:
        wanted = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        found = _files(path)
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    if not isinstance(wanted, dict):
        return f"{_MANIFEST} is not as it was written"
    wrong = sorted(name for name in wanted.keys() | found if wanted.get(name) != found.get(name))
    return f"{wrong[0]} is not as it was written" if wrong else None
