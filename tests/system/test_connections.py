"""Connections that stay open are shared among the workers, so that no processor stands by while another is full."""

from __future__ import annotations

import re
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers import LiveServer, wait_for
from tests.system.test_faults import QUICK, Start

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="who holds a connection is read from Linux's /proc"),
]
KEPT = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


def workers(server: LiveServer) -> list[int]:
    found = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return [int(pid) for pid in found]


def held(pid: int, ports: set[int]) -> int:
    """How many of our connections a process holds."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    theirs = {row[9] for row in rows if int(row[2].rpartition(":")[2], 16) in ports}
    names = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    return len(theirs & {number for name in names for number in re.findall(r"socket:\[(\d+)\]", name)})


def shares(server: LiveServer) -> list[int]:
    """How many each worker has of 24 connections that are open at a time."""
    with ExitStack() as stack:
        opened = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=60)) for _ in range(24)
        ]
        for connection in opened:
            connection.sendall(KEPT)
        assert [connection.recv(12) for connection in opened] == [b"HTTP/1.1 200"] * 24
        ports = {connection.getsockname()[1] for connection in opened}
        return [held(pid, ports) for pid in workers(server)]


def test_every_worker_has_its_share_of_the_connections(live_server: Start) -> None:
    server = live_server(WEB_CONCURRENCY="2", **QUICK)
    assert wait_for(lambda: min(shares(server)) > 0, server.process), "both have begun to serve"
    found = [shares(server) for _ in range(5)]
    assert sum(map(min, found)) >= 5 * 6, f"by chance alone one often has none: {found}"
