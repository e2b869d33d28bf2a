"""A TCP proxy on loopback that misbehaves on command: between the service and whatever it depends on."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class FaultProxy:
    """Passes bytes on, or does what `mode` says: refuse, blackhole (take and never answer), slow, reset."""

    def __init__(self, target: str | int) -> None:
        """`target` is a port of 127.0.0.1 or the path of a Unix socket."""
        self.target, self.mode = target, "pass"
        self.open: set[socket.socket] = set()
        self.listener: socket.socket | None = None
        self.guard = threading.Lock()
        self.port = self._listen(0)

    def set(self, mode: str) -> None:
        """Change the mode: what is connected feels it, too."""
        self.mode = mode
        if mode == "refuse":
            self._close()
        elif self.listener is None:
            self._listen(self.port)

    def cut(self) -> None:
        """Reset every connection there is; new ones are treated as the mode says."""
        with self.guard:
            for one in self.open:
                with suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.shutdown(socket.SHUT_RDWR)

    def _listen(self, port: int) -> int:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX if isinstance(self.target, str) else socket.AF_INET)
        with client, server:
            with self.guard:
                self.open |= {client, server}
            with suppress(OSError):
                self._wait()
                server.connect(self.target if isinstance(self.target, str) else ("127.0.0.1", self.target))
                back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
                back.start()
                self._pump(client, server)
                back.join()
            with self.guard:
                self.open -= {client, server}

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._wait()
                if self.mode == "reset":
                    break
                if self.mode == "slow":
                    for index in range(0, len(data), 64):
                        sink.sendall(data[index : index + 64])
                        time.sleep(0.25)
                else:
                    sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _wait(self) -> None:
        while self.mode == "blackhole":
            time.sleep(0.02)

    def _close(self) -> None:
        listener, self.listener = self.listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def close(self) -> None:
        """End everything."""
        self.mode = "refuse"
        self._close()


@contextmanager
def fault_proxy(target: str | int) -> Iterator[FaultProxy]:
    """A proxy for a test."""
    proxy = FaultProxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
