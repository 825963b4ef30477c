"""The checkpoints of a trial: directories that are whole, or are not there.

A checkpoint is written beside the others, made durable, and given its name at the end, so that a
process that dies leaves the one before. Its manifest has a checksum of every file: what is damaged
later is found out, and the one before is used.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from phsx.exceptions import TrialInterrupted

logger = logging.getLogger(__name__)

#: How many checkpoints of a trial are kept.
KEPT = 2
#: Of each checkpoint: what files it has.
MANIFEST = "checkpoint.json"
_NAME = re.compile(r"step-(\d{9,})")
_CLAIM = re.compile(r"\.attempt-(\d{1,9})")
_NEW, _OLD = ".saving-", ".replaced-"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Checkpoint:
    """What a trial has saved at one step.

    Attributes
    ----------
    step : int
        How far the trial was.
    directory : pathlib.Path
        With the files that were saved.
    """

    step: int
    directory: Path


class Checkpoints:
    """The checkpoints of one trial, as one of its attempts has them.

    Parameters
    ----------
    directory : Path
        Where they are; made when it is needed.
    attempt : int
        A later attempt takes them over from earlier ones that may still run somewhere.

    Examples
    --------
    >>> checkpoints = Checkpoints(Path(tempfile.mkdtemp()), attempt=1)
    >>> with checkpoints.saving(3) as directory:
    ...     _ = (directory / "state.txt").write_text("half done")
    >>> newest = Checkpoints(checkpoints.directory, attempt=2).newest()
    >>> newest.step, (newest.directory / "state.txt").read_text()
    (3, 'half done')
    """

    def __init__(self, directory: Path, attempt: int) -> None:
        self.directory = directory
        self._attempt = attempt
        self._claimed = False
        self._damaged: set[int] = set()

    def at(self, step: int) -> Checkpoint:
        """Return the checkpoint of a step that was saved."""
        return Checkpoint(step, self._path(step))

    def newest(self) -> Checkpoint | None:
        """Return the newest checkpoint that is whole; None where there is none.

        All its files are read for that. A damaged one is left out, which is logged.
        """
        if not self.directory.is_dir():
            return None
        self._claim()
        for step in sorted(self._steps(), reverse=True):
            path = self._path(step)
            reason = _damage(path)
            if reason is None:
                return self.at(step)
            self._damaged.add(step)
            # Logged, since a process may restore many trials and shows equal warnings only once.
            logger.warning("the checkpoint of step %d is damaged (%s) and not used", step, reason)
        return None

    @contextmanager
    def saving(self, step: int) -> Iterator[Path]:
        """Give a directory to write to, which becomes a checkpoint at the end.

        Parameters
        ----------
        step : int
            A checkpoint of the same step is replaced.

        Raises
        ------
        TrialInterrupted
            A later attempt of the trial has begun.
        ValueError
            Nothing was written.
        OSError
            It cannot be kept, as on a full disk; those before are still there.
        """
        self.directory.mkdir(exist_ok=True)
        self._claim()
        new = Path(tempfile.mkdtemp(prefix=_NEW, dir=self.directory))
        try:
            yield new
            _seal(new)
            self._give_way()
            self._make_room(step)
            new.rename(self._path(step))
        except (OSError, ValueError):
            self._give_way()  # to one that has removed what was half done
            raise
        finally:
            shutil.rmtree(new, ignore_errors=True)
        _sync(self.directory)
        self._prune(step)

    def _claim(self) -> None:
        """Take the checkpoints over from earlier attempts."""
        if self._claimed or self._superseded():
            return
        self._claimed = True
        (self.directory / f".attempt-{self._attempt}").touch()
        for path in self.directory.glob(f"{_NEW}*"):
            shutil.rmtree(path, ignore_errors=True)

    def _give_way(self) -> None:
        """End this attempt if a later one has begun: what it saves is of no use any more."""
        if self._superseded():
            raise TrialInterrupted("another attempt of the trial has begun")

    def _superseded(self) -> bool:
        claims = [_CLAIM.fullmatch(name) for name in os.listdir(self.directory)]  # noqa: PTH208
        return any(int(claim[1]) > self._attempt for claim in claims if claim)

    def _steps(self) -> list[int]:
        names = [_NAME.fullmatch(name) for name in os.listdir(self.directory)]  # noqa: PTH208
        return [int(name[1]) for name in names if name]

    def _path(self, step: int) -> Path:
        return self.directory / f"step-{step:09d}"

    def _make_room(self, step: int) -> None:
        """Let a checkpoint of the same step have no name any more."""
        if self._path(step).is_dir():
            self._path(step).rename(tempfile.mkdtemp(prefix=_OLD, dir=self.directory))

    def _prune(self, step: int) -> None:
        """Remove all but the newest; a later step than this one's would be of another time."""
        self._damaged.discard(step)
        steps = sorted(self._steps(), key=lambda other: (other <= step, other), reverse=True)
        whole = [other for other in steps if other not in self._damaged]
        for other in set(steps).difference(whole[:KEPT]):
            shutil.rmtree(self._path(other), ignore_errors=True)
        for path in self.directory.glob(f"{_OLD}*"):
            shutil.rmtree(path, ignore_errors=True)


def _seal(directory: Path) -> None:
    """Write the manifest of a checkpoint, and make all of it durable."""
    files = {}
    for path in _files(directory):
        files[str(path.relative_to(directory))] = _sum(path)
        _sync(path)
    if not files:
        raise ValueError("trial.checkpoint(step): no file was written into its directory")
    manifest = directory / MANIFEST
    manifest.write_text(json.dumps({"files": files}), encoding="utf-8")
    _sync(manifest)


def _damage(directory: Path) -> str | None:
    """Return what is wrong with a checkpoint, or None."""
    try:
        manifest = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
        files = {str(name): list(content) for name, content in manifest["files"].items()}
        found = {str(path.relative_to(directory)): path for path in _files(directory)}
        found.pop(MANIFEST, None)
        for name, content in files.items():
            if name not in found:
                return f"{name} is missing"
            if _sum(found[name]) != content:
                return f"{name} is damaged"
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        return f"its manifest cannot be read ({type(error).__name__}: {error})"
    return None


def _files(directory: Path) -> list[Path]:
    """Return all regular files, those of subdirectories too; links are nobody's business."""
    paths = (Path(root, name) for root, _, names in os.walk(directory) for name in names)
    return sorted(path for path in paths if path.is_file() and not path.is_symlink())


def _sum(path: Path) -> list[int]:
    """Return a file's size and checksum."""
    size = total = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            total = crc32(block, total)
    return [size, total]


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
