"""The client of a Dask cluster, and another one in its place when it has given up its scheduler.

A client of Dask tries for some seconds to reach a scheduler that is gone, and then closes for good.
A search has more patience: it goes on when the scheduler is there again, at the same address.
"""

from __future__ import annotations

import logging
import socket
import time

import distributed
from distributed.comm import get_address_host_port

from phsx.exceptions import ClusterError
from phsx.execution.identity import identity

logger = logging.getLogger(__name__)

#: Seconds between two attempts to reach a scheduler, between two messages that it is not there,
#: and that an attempt may take.
EVERY, MENTION, TIMEOUT = 1.0, 60.0, 5.0


class Connection:
    """A client, and whether it can be used.

    Parameters
    ----------
    client : distributed.Client
        Connected.

    Attributes
    ----------
    client : distributed.Client
        The one that was given, or the one that has taken its place.
    address : str
        The scheduler's.
    """

    def __init__(self, client: distributed.Client) -> None:
        self.client = client
        self.address = str(client.scheduler.address)  # a closed client has forgotten it
        self._given = client
        self._broken = False
        self._next = 0.0
        self._mentioned: float | None = None

    def usable(self) -> bool:
        """Tell whether the scheduler can be asked; False as long as the client looks for it."""
        status = self.client.status
        if status == "connecting":
            self._broken = True
        elif status == "running":
            self._broken = False
        return bool(status == "running")

    def lost(self) -> bool:
        """Tell whether the client has given up its scheduler: `renew` makes another one.

        Raises
        ------
        ClusterError
            Somebody has closed the client.
        """
        if self.usable() or self.client.status != "closed":
            return False
        if not self._broken:
            raise ClusterError(
                "the connection to the Dask scheduler is closed; what has finished is recorded: "
                "run the experiment again to go on"
            )
        return True

    def renew(self) -> bool:
        """Try to connect a new client, now and then; tell whether there is one."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._mention(now)
        if not self._answers():
            self._next = time.monotonic() + EVERY
            return False
        try:
            client = distributed.Client(
                self.address, security=self.client.security, set_as_default=False, timeout=TIMEOUT
            )
        except OSError:
            self._next = time.monotonic() + EVERY
            return False
        self.close()
        self.client, self._broken, self._mentioned = client, False, None
        logger.warning("connected to the Dask scheduler at %s again", self.address)
        return True

    def _mention(self, now: float) -> None:
        if self._mentioned is None or now - self._mentioned > MENTION:
            self._mentioned = now
            logger.warning(
                "the Dask scheduler at %s cannot be reached; waiting for it (Ctrl-C to stop)",
                self.address,
            )

    def _answers(self) -> bool:
        """Tell whether the scheduler is there: a client that tries in vain leaves a thread."""
        try:
            place = get_address_host_port(self.address)
        except ValueError:
            return True  # no TCP
        try:
            # This is refused at once where nobody listens, whereas Dask tries again and again.
            with socket.create_connection(place, timeout=TIMEOUT):
                pass
            return identity(self.address, self.client.security, TIMEOUT) == "Scheduler"
        except OSError:
            return False

    def close(self) -> None:
        """Close a client that was made here; the one that was given is somebody's."""
        if self.client is not self._given:
            self.client.close()


__all__ = ["Connection"]
