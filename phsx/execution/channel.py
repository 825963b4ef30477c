"""Messages between a worker and the child processes that run its trials."""

from __future__ import annotations

import os
import pickle
import struct
import threading
from typing import Any

_HEADER = struct.Struct("<Q")
_CHUNK = 1 << 16


class Channel:
    """One end of a socket pair that carries length-prefixed pickles, by its file descriptor.

    Both ends belong to the same user and the same run: what comes out is trusted. Several threads
    may send; one may receive.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._buffer = bytearray()
        self._sending = threading.Lock()

    def send(self, message: Any) -> None:
        """Send a message, waiting until the other end has room for it.

        Raises
        ------
        OSError
            The other end is gone, or this one is closed.
        """
        body = pickle.dumps(message, protocol=5)
        data = memoryview(_HEADER.pack(len(body)) + body)
        with self._sending:
            if self.descriptor < 0:
                raise BrokenPipeError("the channel is closed")
            while data:
                data = data[os.write(self.descriptor, data) :]

    def receive(self) -> list[Any]:
        """Return the messages that one read completes; an empty list where none is complete yet.

        Raises
        ------
        EOFError
            The other end is gone.
        """
        try:
            chunk = os.read(self.descriptor, _CHUNK)
        except ConnectionResetError:  # and has not read all that was sent to it
            chunk = b""
        if not chunk:
            raise EOFError
        self._buffer += chunk
        messages: list[Any] = []
        while len(self._buffer) >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer)
            end = _HEADER.size + length
            if len(self._buffer) < end:
                break
            messages.append(pickle.loads(memoryview(self._buffer)[_HEADER.size : end]))  # noqa: S301
            del self._buffer[:end]
        return messages

    def close(self) -> None:
        """Close this end; calling it again does nothing."""
        with self._sending:  # nobody may be writing when the number is given to another file
            self.drop()

    def drop(self) -> None:
        """Close this end in a copy of the process made by fork, where a lock may stay held."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
