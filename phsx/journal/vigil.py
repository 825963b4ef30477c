"""Whether the holder of a lease lives, judged from any host by its heartbeat."""

from __future__ import annotations

import time
from pathlib import Path

from phsx.journal.lease import parse_lease, read_lease
from phsx.journal.owner import Owner

#: Seconds without a heartbeat, of which there is one every 5 s, after which one asks no longer.
PATIENCE = 15.0
#: Seconds between two looks at the lease, at most.
PERIOD = 0.25


class Vigil:
    """Watches the lease of an experiment, by `look`, for its holder's signs of life.

    A lease is watched for as long as one holder has it. Of a process of this host it is known
    at once whether it lives. Otherwise a heartbeat proves life, and so long a time without
    one, by the clock of who watches, that it is over. A file system that hangs in between proves
    nothing.

    Parameters
    ----------
    directory : Path
        The experiment's directory.
    patience : float, optional
        Seconds without a heartbeat; `PATIENCE` by default.
    content : bytes, optional
        The lease, where it has been read already.
    owner : Owner, optional
        Who is thought to have it; by default whom it names.

    Attributes
    ----------
    owner : Owner or None
        Whom the lease named at first; None for nobody, or where it cannot be read.
    alive : bool or None
        Whether that one lives; None where that is not known (yet).
    changed : bool
        Whether the lease has gone meanwhile, or was taken by somebody else.
    """

    def __init__(
        self,
        directory: Path,
        patience: float | None = None,
        content: bytes | None = None,
        owner: Owner | None = None,
    ) -> None:
        self._directory = directory
        self._patience = PATIENCE if patience is None else patience
        self._content = read_lease(directory) if content is None else content
        self._quiet = 0.0
        self._last = time.monotonic()
        self.owner = owner
        if owner is None and self._content is not None:
            self.owner = parse_lease(self._content)
        self.alive: bool | None = self.owner.alive() if self.owner else None
        if self._content is None:
            self.alive = False
        self.changed = False

    @property
    def period(self) -> float:
        """Seconds to wait before the next look."""
        return min(PERIOD, self._patience / 10)

    def look(self) -> bool | None:
        """Look once more, and return what is known then."""
        seen, now = read_lease(self._directory), time.monotonic()
        # A file system that hung for a while says nothing about that while.
        self._quiet += min(now - self._last, 2 * self.period)
        self._last = now
        if seen != self._content:
            nonce = b"" if self.owner is None else self.owner.nonce.encode()
            if seen is None or not nonce or nonce not in seen:
                self.changed = True
                return self.alive
            self._content, self._quiet, self.alive = seen, 0.0, True
        here = self.owner.alive() if self.owner else None
        if here is not None:
            self.alive = here
        elif self._quiet >= self._patience:
            self.alive = False
        return self.alive

    def wait(self) -> bool | None:
        """Look until it is known whether the holder lives; None where the lease has changed."""
        while self.alive is None and not self.changed:
            time.sleep(self.period)
            self.look()
        return None if self.changed else self.alive
