"""gunicorn's worker as it is here: what a slow caller costs the others."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from gunicorn.config import Config

from userapp.threads import Threads
from userapp.worker import Connection

PATIENCE = 30
HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"


@pytest.fixture
def slow() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection, and the caller's end of it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Connection(Config(), ours, ("127.0.0.1", 1), ("127.0.0.1", 2)), theirs


@pytest.mark.parametrize(("first", "rest"), [(HEAD, b"\r\nbody"), (HEAD + b"\r\nbo", b"dy")], ids=["head", "body"])
def test_who_sends_slowly_takes_nobodys_place(
    slow: tuple[Connection, socket.socket], first: bytes, rest: bytes
) -> None:
    conn, caller = slow
    threads = Threads(most=2, at_work=1)

    def read() -> bytes:
        conn.init()
        return bytes(next(conn.parser).body.read())

    caller.sendall(first)
    reading = threads.submit(read)
    assert threads.submit(lambda: "served").result(PATIENCE) == "served"
    assert not reading.done()
    caller.sendall(rest)
    assert reading.result(PATIENCE) == b"body"
    threads.shutdown()
