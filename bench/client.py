"""A closed loop of HTTP/1.1 connections in one thread: each sends its next request when its answer is complete."""

from __future__ import annotations

import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Group:
    """Connections that send the same kind of request: `requests` are taken in turn, `count` of them if given."""

    requests: Iterator[bytes]
    connections: int
    count: int | None = None
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    last_body: bytes = b""
    last_head: bytes = b""
    finished: float = 0.0

    def next(self) -> bytes | None:
        """The next request, None when all are sent."""
        if self.count is not None:
            if self.count == 0:
                return None
            self.count -= 1
        return next(self.requests, None)

    def good(self) -> int:
        """How many were answered with a success."""
        return sum(times for status, times in self.statuses.items() if 200 <= status < 300)

    def quantile(self, part: float) -> float:
        """Seconds within which a part of the answers came."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")


class _Connection:
    def __init__(self, port: int, group: Group, selector: selectors.BaseSelector) -> None:
        self.port, self.group, self.selector = port, group, selector
        self.socket: socket.socket | None = None
        self.request, self.received, self.sent_at = b"", b"", 0.0

    def send(self) -> bool:
        request = self.group.next()
        if request is None:
            self.close()
            return False
        self.sent_at = time.perf_counter()
        self._hand_over(request)
        return True

    def _hand_over(self, request: bytes) -> None:
        self.request, self.received = request, b""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), 60)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(self.socket, selectors.EVENT_READ, self)
        try:
            self.socket.sendall(request)
        except (BrokenPipeError, ConnectionResetError):  # ended meanwhile
            self.close()
            self._hand_over(request)

    def receive(self) -> bool:
        """Take what came; whether the answer is complete."""
        assert self.socket is not None
        try:
            data = self.socket.recv(65536)
        except ConnectionResetError:
            data = b""
        if not data and not self.received:  # the server had ended a connection it kept alive: as any client, try again
            self.close()
            self._hand_over(self.request)
            return False
        self.received += data
        head, blank, body = self.received.partition(b"\r\n\r\n")
        lowered = head.lower()
        if data and (not blank or len(body) < _length(lowered)):
            return False
        self.group.latencies.append(time.perf_counter() - self.sent_at)
        self.group.statuses[int(head[9:12] or 0)] += 1
        self.group.last_head, self.group.last_body = head, body
        if not data or b"connection: close" in lowered:
            self.close()
        return True

    def close(self) -> None:
        if self.socket is not None:
            self.selector.unregister(self.socket)
            self.socket.close()
            self.socket = None


def _length(head: bytes) -> int:
    _, found, rest = head.partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def run(port: int, groups: list[Group], seconds: float = 600) -> float:
    """Drive all groups until their requests are answered or the time is over; returns the seconds it took."""
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        made = [_Connection(port, group, selector) for group in groups for _ in range(group.connections)]
        busy = sum([connection.send() for connection in made])
        while busy and time.perf_counter() - began < seconds:
            for key, _ in selector.select(1):
                if key.data.receive():
                    key.data.group.finished = time.perf_counter() - began
                    busy -= not key.data.send()
        for connection in made:
            connection.close()
    return time.perf_counter() - began
