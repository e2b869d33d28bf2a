"""INP-04: bytes that are no HTTP, sent to a running service: no worker ends, and one request has one answer."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.avatar.test_running_service import workers
from tests.security.raw_requests import ANSWERED, HEAD, JUNK, LENGTH, REFUSALS, REFUSED, UNREAD, Said, corpora, talk
from tests.servers import LiveServer, running_application

pytestmark = pytest.mark.long
SLOW = 36  # a few less than a worker has threads: a proxy in front has to hold more


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """Two workers; afterwards they are the same two, and none of them failed."""
    settings = {"WEB_CONCURRENCY": "2", "USERAPP_ADDRESS_LIMITS": "0", "USERAPP_LOG_FORMAT": "json"}
    with running_application(settings) as found:
        before = workers(found.process.pid)
        yield found
        assert workers(found.process.pid) == before
        lines = [json.loads(line) for line in found.log.splitlines() if line.startswith("{")]
        assert [line for line in lines if line["level"] in ("error", "critical")] == []


def alive(server: LiveServer) -> Said:
    """What an honest caller is told."""
    return talk(server.port, f"GET /healthz HTTP/1.1\r\n{HEAD}\r\n".encode())


def test_what_is_no_request_has_one_refusal(server: LiveServer) -> None:
    for name, raw in REFUSED.items():
        said = talk(server.port, raw.encode("latin-1"))
        assert said.answers == 1 and set(said.statuses) <= set(REFUSALS) and said.whole, (name, said)
        if "Host" in name:
            assert said.statuses == (400,), name
    assert alive(server).statuses == (200,)


def test_a_body_that_is_junk_or_breaks_off_has_at_most_one_answer(server: LiveServer) -> None:
    for name, raw in JUNK.items():
        said = talk(server.port, raw.encode("latin-1"))
        assert said.answers == int("\r\n\r\n" in raw) and set(said.statuses) <= {400, 413} and said.whole, (name, said)
    for name, raw in UNREAD.items():
        said = talk(server.port, raw.encode("latin-1"))
        assert said.answers == 1 and set(said.statuses) <= {400, 410, 413} and said.whole, (name, said)
    assert alive(server).statuses == (200,)


def test_what_is_odd_has_as_many_answers_as_requests(server: LiveServer) -> None:
    for name, (raw, answers) in ANSWERED.items():
        said = talk(server.port, raw.encode("latin-1"))
        assert len(said.statuses) == answers and said.whole and max(said.statuses) < 500, (name, said)
    assert alive(server).statuses == (200,)


def test_the_requests_of_the_corpora(server: LiveServer) -> None:
    """Their Host is no host of ours, so even the well-formed ones are refused; two of them are two."""
    for name, raw in corpora().items():
        said = talk(server.port, raw.encode("latin-1"))
        expected = 2 if name == "pipelined" else 1
        assert said.answers == expected and said.whole, (name, said)
        assert set(said.statuses) <= {*REFUSALS, 405}, (name, said)
    assert alive(server).statuses == (200,)


def test_slow_and_broken_connections_hold_nobody_up(server: LiveServer) -> None:
    """Half requests stay open while others are answered; then half of them end with a reset."""
    pieces = [f"{LENGTH}1000\r\n\r\nlink=", f"GET /healthz HTTP/1.1\r\n{HEAD}X: ", "GET /hea", ""]
    with ExitStack() as open_ones:
        slow = []
        for number in range(SLOW):
            connection = open_ones.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))
            connection.sendall(pieces[number % len(pieces)].encode())
            slow.append(connection)
        for _ in range(20):
            assert alive(server).statuses == (200,)
        for connection in slow[::2]:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        assert alive(server).statuses == (200,)
        for connection, piece in zip(slow[1::2], (pieces * SLOW)[1:SLOW:2], strict=True):
            if piece == pieces[1]:  # the rest comes late, and is answered
                connection.sendall(b"y\r\n\r\n")
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert alive(server).statuses == (200,)
