"""A TCP proxy between the service and what it depends on, which can be told to fail in several ways."""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

FAILURE = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Passes connections on to `target`, a port of this machine, unless `mode` says otherwise.

    `pass`     as if it were not there
    `refuse`   a connection is reset at once
    `silent`   it is taken, and nothing is ever said
    `slow`     what the target says arrives byte by byte
    `cut`      the connection is reset within the target's first words
    `fail`     every request is answered with HTTP's 500
    """

    def __init__(self, target: int) -> None:
        """Listen on a free port."""
        self.target, self.mode, self.seen = target, "pass", 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port: int = self.listener.getsockname()[1]
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.threads: list[threading.Thread] = []
        self.thread.start()

    def close(self) -> None:
        """End it and all its connections."""
        self.ended.set()
        for thread in [self.thread, *self.threads]:
            thread.join(timeout=30)
        self.listener.close()

    def _listen(self) -> None:
        while not self.ended.is_set():
            if select.select([self.listener], [], [], 0.1)[0]:
                self.seen += 1
                thread = threading.Thread(target=self._serve, args=(self.listener.accept()[0],), daemon=True)
                self.threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self.mode == "refuse":
                reset(client)
            elif self.mode == "silent":
                while self.mode == "silent" and not self.ended.wait(0.1):
                    pass
            elif self.mode == "fail":
                client.recv(65536)
                client.sendall(FAILURE)
            else:
                with socket.create_connection(("127.0.0.1", self.target)) as server:
                    self._pass(client, server)

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        while not self.ended.is_set():
            ready = select.select([client, server], [], [], 0.1)[0]
            if client in ready:
                if self.mode not in ("pass", "slow", "cut"):  # a kept connection does not outlive the change
                    return reset(client)
                if not (data := client.recv(65536)):
                    return None
                server.sendall(data)
            if server in ready:
                if not (data := server.recv(65536)):
                    return None
                if self.mode == "cut":
                    client.sendall(data[:20])
                    return reset(client)
                self._answer(client, data)
        return None

    def _answer(self, client: socket.socket, data: bytes) -> None:
        if self.mode != "slow":
            return client.sendall(data)
        for byte in data:
            if self.ended.wait(0.2):
                return None
            client.sendall(bytes([byte]))
        return None


def reset(connection: socket.socket) -> None:
    """Close with RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def proxy_to(target: int) -> Iterator[Proxy]:
    """A proxy for as long as the block lasts."""
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
