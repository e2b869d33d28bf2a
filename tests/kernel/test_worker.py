"""gunicorn's worker as it is here: what a slow caller costs the others."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from gunicorn.config import Config

from tests.smtp_server import write_certificate
from userapp.threads import Threads
from userapp.worker import Connection, PatientReader

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


def test_what_comes_over_tls_is_read_too(tmp_path: Path) -> None:
    certificate, key = write_certificate(tmp_path)
    server, client = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context(cafile=certificate)
    server.load_cert_chain(certificate, key)
    ours, theirs = socket.socketpair()
    threads = Threads(most=2, at_work=1)

    def first_words() -> bytes:
        with server.wrap_socket(ours, server_side=True) as secured:
            return PatientReader(secured).recv(100)

    read = threads.submit(first_words)
    with client.wrap_socket(theirs, server_hostname="localhost") as caller:
        caller.sendall(HEAD)
        assert read.result(PATIENCE) == HEAD
    threads.shutdown()
