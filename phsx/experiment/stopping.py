"""Ask a run in another process, on another host even, to stop: by a file in the directory."""

from __future__ import annotations

import json
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from phsx.exceptions import ConfigurationError, DirectoryError
from phsx.experiment import arguments
from phsx.experiment.definition import Definition
from phsx.journal import Owner, holder
from phsx.journal.files import publish, read_small

FILE = "stop.json"
#: Seconds between two looks at the file, and the longest file that is read.
INTERVAL, MAX_LENGTH = 1.0, 4096


@dataclass(frozen=True)
class Request:
    """That a run is to stop.

    Attributes
    ----------
    grace : float or None
        Seconds that running trials have; None: as the run was told.
    """

    grace: float | None


class Requests:
    """Where a run sees that it is to stop.

    Parameters
    ----------
    directory : Path
        The experiment's directory.
    owner : Owner
        Who runs it: requests that were meant for others do not count.
    """

    def __init__(self, directory: Path, owner: Owner) -> None:
        self._path = directory / FILE
        self._nonce = owner.nonce
        self._next = 0.0

    def look(self) -> Request | None:
        """Return a new request, if there is one; to be called often, which costs little."""
        now = time.monotonic()
        if now < self._next:
            return None
        self._next = now + INTERVAL
        content = self._read()
        if content.get("nonce") != self._nonce:
            return None
        self._remove()
        try:
            return Request(_grace(content.get("grace")))
        except ConfigurationError:
            return Request(None)

    def close(self) -> None:
        """Remove a request that came too late."""
        if self._read().get("nonce") == self._nonce:
            self._remove()

    def _read(self) -> dict[str, object]:
        try:
            content = json.loads(read_small(self._path, MAX_LENGTH))
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def _remove(self) -> None:
        with suppress(OSError):
            self._path.unlink()


def request_stop(directory: str | os.PathLike[str], grace: float | None = None) -> Owner | None:
    """Ask whoever runs an experiment to stop, and return at once.

    The run begins no further trial, gives running ones some seconds, and ends. It looks for such
    requests about every second, and between two trials where they run in its own process.

    Parameters
    ----------
    directory : str or Path
        The experiment's directory.
    grace : float, optional
        Seconds that running trials have; by default what the run was told.

    Returns
    -------
    Owner or None
        Who was asked; None where nobody runs the experiment.

    Raises
    ------
    DirectoryError
        There is no experiment, or its directory cannot be written.
    """
    path = arguments.directory_of(directory)
    grace = _grace(grace)
    Definition.load(path)  # raises what is to be said
    owner = holder(path)
    if owner is None or owner.alive() is False:
        return None
    data = json.dumps({"nonce": owner.nonce, "grace": grace}).encode()
    try:
        os.close(publish(path / FILE, data, secrets.token_hex(8), replace=True))
    except OSError as error:
        raise DirectoryError(
            f"{path / FILE} cannot be written ({error.strerror or error}), so that nobody can be "
            f"asked to stop; make the directory writable, or interrupt {owner}"
        ) from error
    return owner


def _grace(value: object) -> float | None:
    """Return a finite number of seconds of at least 0, or None."""
    seconds = arguments.finite("grace", value)
    return None if seconds is None else arguments.not_negative("grace", seconds)
