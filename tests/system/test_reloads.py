"""Workers are exchanged under load, and connections on which nothing happens hold nobody up.

The figures that were reached stand in docs/operations.md, got by RELOADS=10.
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.caller import Caller
from tests.cluster import listens
from tests.load import Ask, load
from tests.servers import LiveServer, wait_for
from tests.system.test_faults import QUICK, Start, reader, report, someone, writer
from tests.system.test_new_code import workers

pytestmark = pytest.mark.long
RELOADS = int(os.environ.get("RELOADS") or 3)
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Connections that stay open until the test is over."""
    with ExitStack() as stack:
        yield stack


def connect(server: LiveServer, opened: ExitStack) -> socket.socket:
    return opened.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60))


def keeper(server: LiveServer, opened: ExitStack) -> Ask:
    """Asks on one connection for as long as the server keeps it, then on another."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    opened.callback(connection.close)

    def ask() -> str:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        return "good" if answer.status == 200 else str(answer.status)

    return ask


def test_reloads_under_load_lose_nothing(live_server: Start, opened: ExitStack) -> None:
    """HUP replaces every worker; each request gets its answer, on new connections and on kept ones."""
    server = live_server(USERAPP_ADDRESS_LIMITS="0", WEB_CONCURRENCY="2", **QUICK)
    tokens = [someone(server)[1] for _ in range(4)]
    kept: list[list[int]] = [[0] for _ in tokens]
    asks = [writer(server, token, last) for token, last in zip(tokens, kept, strict=True)]
    asks += [*(reader(server, token) for token in tokens), *(keeper(server, opened) for _ in range(4))]
    with load(asks, pause=0) as seen:
        for _ in range(RELOADS):
            seen.wait_for("good", 10)
            former = workers(server)
            os.kill(server.process.pid, signal.SIGHUP)
            assert wait_for(lambda former=former: not workers(server) & former, server.process), "all are exchanged"
        seen.wait_for("good", 50)
    assert set(seen.outcomes()) == {"good"}, ([one for one in seen.told if one.outcome != "good"], server.log[-3000:])
    for token, last in zip(tokens, kept, strict=True):
        assert int(Caller(server.url).ask("/user/info", token=token).json["data"]["intro"]) == last[0]
    report(f"HUP ×{RELOADS}", answers=len(seen.told), slowest=seen.slowest())


def test_a_reload_keeps_a_connection_that_has_not_spoken_yet(live_server: Start, opened: ExitStack) -> None:
    """A caller without a processor connects and sends seconds later; gunicorn alone would have hung up."""
    server = live_server(**QUICK)
    silent = [connect(server, opened) for _ in range(4)]
    assert Caller(server.url).ask("/healthz").status == 200, "accepted after those"
    os.kill(server.process.pid, signal.SIGHUP)
    time.sleep(6)  # gunicorn gives a thread to a silent connection for five seconds
    for connection in silent:
        connection.sendall(GET + b"\r\n")
    assert [connection.recv(12) for connection in silent] == [b"HTTP/1.1 200"] * 4


def test_a_node_that_ends_answers_everybody_whom_it_let_in_and_lets_in_nobody_else(
    live_server: Start, opened: ExitStack
) -> None:
    """A proxy asks the next node where it is refused; who was let in and then cut off may not be sent again."""
    server = live_server(**QUICK)
    silent = connect(server, opened)
    for worker in workers(server):
        os.kill(int(worker), signal.SIGSTOP)  # as if it had no processor: the kernel lets callers in, nobody takes them
    waiting = [connect(server, opened) for _ in range(8)]
    for connection in waiting:
        connection.sendall(GET + b"Connection: close\r\n\r\n")
    os.kill(server.process.pid, signal.SIGTERM)
    time.sleep(0.5)  # until the master has closed its own
    for worker in workers(server):
        os.kill(int(worker), signal.SIGCONT)
    assert [connection.recv(12) for connection in waiting] == [b"HTTP/1.1 200"] * 8
    assert wait_for(lambda: not listens(server.port), server.process), "it is still there, but for one who is silent"
    silent.sendall(GET + b"\r\n")
    assert silent.recv(12) == b"HTTP/1.1 200"


def test_who_says_nothing_after_an_answer_is_let_go(live_server: Start, opened: ExitStack) -> None:
    connection = connect(live_server(**QUICK), opened)
    read = opened.enter_context(connection.makefile("rb"))
    for _ in range(2):
        connection.sendall(GET + b"\r\n")
        assert read.readline() == b"HTTP/1.1 200 OK\r\n"
        while read.readline() != b'{"code":0,"data":"ok","msg":"","status":true}\n':
            pass
    assert read.read() == b"", "after five seconds"


def test_callers_who_do_not_hang_up_hold_nobody_up(live_server: Start, opened: ExitStack) -> None:
    """gunicorn alone would wait for each of them for two seconds, in the one thread that accepts connections."""
    server = live_server(**QUICK)
    for connection in [connect(server, opened) for _ in range(40)]:
        connection.sendall(GET + b"Connection: close\r\n\r\n")
    assert [Caller(server.url, timeout=30).ask("/healthz").status for _ in range(4)] == [200] * 4


def test_workers_that_are_replaced_lose_nothing(live_server: Start) -> None:
    """GUNICORN_MAX_REQUESTS: a worker that had its share ends without taking a request along."""
    server = live_server(USERAPP_ADDRESS_LIMITS="0", WEB_CONCURRENCY="2", GUNICORN_MAX_REQUESTS="100", **QUICK)
    token = someone(server)[1]
    with load([reader(server, token)] * 6, pause=0) as seen:
        seen.wait_for("good", 300)
    assert set(seen.outcomes()) == {"good"}, seen.outcomes()
    text = Caller(server.url).ask("/metrics").body.decode()
    counted = 'userapp_requests_total{endpoint="profile.info",outcome="0"} ' + f"{len(seen.told)}.0"
    assert counted in text, "counted over all workers, those that are gone too"
