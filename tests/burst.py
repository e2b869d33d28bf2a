"""Last-byte-synchronised bursts: every connection sends all but one byte, waits for the others, then they end together.

Without this, requests from threads arrive one after another and races stay hidden.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True)
class Shot:
    """One POST of a burst."""

    path: str
    form: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""  # instead of the form
    kind: str = "application/x-www-form-urlencoded"
    port: int = 0  # where not all go to one server


@dataclass(frozen=True)
class Answer:
    """What came back: the status, or 0 and the error's name as body."""

    status: int
    headers: str
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def cookie(self, name: str) -> str:
        """The value a cookie was set to, or an empty text."""
        for line in self.headers.split("\r\n"):
            if line.lower().startswith(f"set-cookie: {name}="):
                return line.partition("=")[2].partition(";")[0]
        return ""


def burst(port: int, shots: Sequence[Shot], timeout: float = 60) -> list[Answer]:
    """Send all shots at the same moment; the answers in their order."""
    answers: list[Answer] = [Answer(0, "", b"")] * len(shots)
    barrier = threading.Barrier(len(shots))
    prepared = [_prepare(shot.port or port, shot, timeout) for shot in shots]

    def go(index: int) -> None:
        connection, last = prepared[index]
        barrier.wait()
        answers[index] = _finish(connection, last)

    threads = [threading.Thread(target=go, args=(index,)) for index in range(len(shots))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def post(port: int, path: str, form: dict[str, Any], **headers: str) -> Answer:
    """One POST by itself."""
    return burst(port, [Shot(path, form, headers)])[0]


def _prepare(port: int, shot: Shot, timeout: float) -> tuple[socket.socket, bytes]:
    body = shot.body or urlencode(shot.form).encode()
    lines = [
        f"POST {shot.path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Connection: close",
        f"Content-Length: {len(body)}",
    ]
    lines += [f"Content-Type: {shot.kind}"]
    lines += [f"{name}: {value}" for name, value in shot.headers.items()]
    connection = socket.create_connection(("127.0.0.1", port), timeout=timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body[:-1])
    return connection, body[-1:]


def _finish(connection: socket.socket, last: bytes) -> Answer:
    received = b""
    try:
        with connection:
            connection.sendall(last)
            while chunk := connection.recv(65536):
                received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        return Answer(int(head.split(b" ", 2)[1]), head.decode("latin-1"), body)
    except (OSError, IndexError, ValueError) as error:
        return Answer(0, "", type(error).__name__.encode())
