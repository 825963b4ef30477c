"""A TCP relay: the network between two parties, which can be cut or fall silent."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class Relay:
    """Passes on what comes to its port.

    Parameters
    ----------
    port : int
        Where it passes it on to, on this host.

    Attributes
    ----------
    address : str
        Of the relay, as ``tcp://127.0.0.1:port``.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self._listener = self._listen(0)
        self._port = self._listener.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self._port}"
        self._closed = False

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), backlog=64)
        self._begin(self._accept, listener)
        return listener

    def _begin(self, function: object, *args: object) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                near.close()
                continue
            with self._lock:
                self._sockets |= {near, far}
            self._begin(self._pump, near, far)
            self._begin(self._pump, far, near)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._flowing.wait()
                sink.sendall(data)
        self._drop({source, sink})

    def _drop(self, sockets: set[socket.socket]) -> None:
        with self._lock:
            known = sockets & self._sockets
            self._sockets -= known
        for one in known:
            with contextlib.suppress(OSError):
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    @property
    def connections(self) -> int:
        """How many connections pass through it."""
        return len(self._sockets) // 2

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._drop(set(self._sockets))

    def mend(self) -> None:
        """Take connections again, at the same address."""
        self._listener = self._listen(self._port)

    def silence(self) -> None:
        """Let nothing through any more, and tell nobody."""
        self._flowing.clear()

    def speak(self) -> None:
        """Let through what was held back, and everything after it."""
        self._flowing.set()

    def close(self) -> None:
        """End it."""
        self.speak()
        self.cut()
        for thread in self._threads:
            thread.join(10.0)
