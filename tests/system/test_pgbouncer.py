"""The service behind PgBouncer in transaction mode: no connection is anybody's for longer than a transaction."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from tests.caller import Caller
from tests.cluster import listens
from tests.load import load
from tests.servers import ROOT, free_port, new_database, running_postgresql, unavailable, wait_for
from tests.system.test_faults import QUICK, Start, reader, report, someone, writer

pytestmark = [pytest.mark.long, pytest.mark.postgresql]
POOL, USER = 4, "userapp"
LIMITS = {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "60s"}


@pytest.fixture
def database() -> Iterator[str]:
    """A database on a server of its own, whose user has the limits that docs/operations.md gives it."""
    with running_postgresql() as server, new_database(server) as url:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE {USER} LOGIN")
            for limit, value in LIMITS.items():
                connection.execute(f"ALTER ROLE {USER} SET {limit} = '{value}'")  # type: ignore[arg-type]
            name = sql.Identifier(str(conninfo_to_dict(url)["dbname"]))
            connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO userapp").format(name))
        yield url


@contextmanager
def running_pgbouncer(url: str) -> Iterator[str]:
    """PgBouncer before the server of `url`; yields the URL to use. It refuses to be root."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        unavailable("pgbouncer is not installed")
    known, listen = conninfo_to_dict(url), free_port()
    owner = Path(str(known["host"])).stat()
    with tempfile.TemporaryDirectory(prefix="bouncer-") as folder:
        settings, users, log = (Path(folder, name) for name in ("pgbouncer.ini", "users.txt", "log"))
        users.write_text(f'"{USER}" ""\n')
        settings.write_text(
            f"[databases]\n* = host={known['host']}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {listen}\n"
            f"unix_socket_dir =\nauth_type = trust\nauth_file = {users}\nadmin_users = {USER}\n"
            f"pool_mode = transaction\ndefault_pool_size = {POOL}\nmax_client_conn = 500\n"
        )
        as_owner = {}
        if os.geteuid() == 0:
            for path in (Path(folder), settings, users):
                os.chown(path, owner.st_uid, owner.st_gid)
            as_owner = {"user": owner.st_uid, "group": owner.st_gid}
        with log.open("wb") as written:
            process = subprocess.Popen([program, str(settings)], stdout=written, stderr=written, **as_owner)
        try:
            assert wait_for(lambda: listens(listen), process), log.read_text()
            yield f"postgresql://{USER}@127.0.0.1:{listen}/{known['dbname']}"
        finally:
            process.terminate()
            process.wait(30)


def test_everything_goes_through_it(database: str, live_server: Start) -> None:
    """Migrations, people, a reload, the purge: sixteen callers of two workers on four connections."""
    with running_pgbouncer(database) as url:
        environment = {"USERAPP_SQLALCHEMY_DATABASE_URI": url, "USERAPP_DB_PGBOUNCER": "1", **QUICK}
        server = live_server(USERAPP_ADDRESS_LIMITS="0", WEB_CONCURRENCY="2", **environment)
        with psycopg.connect(url, prepare_threshold=None) as connection:
            for limit, value in LIMITS.items():
                assert connection.execute(f"SHOW {limit}").fetchone() in ((value,), ("1min",))  # type: ignore[arg-type]
        here, there = Caller(server.url), Caller(server.url)
        here.register("bouncer")
        assert there.login("bouncer").code == 0
        assert here.ask("/user/info").json["data"]["uname"] == "bouncer"
        people = [someone(server)[1] for _ in range(8)]
        kept: list[list[int]] = [[0] for _ in people]
        asks = [writer(server, token, last) for token, last in zip(people, kept, strict=True)]
        with load([*asks, *(reader(server, token) for token in people)]) as seen:
            seen.wait_for("good", 100)
            os.kill(server.process.pid, signal.SIGHUP)
            seen.wait_for("good", 100)
            purge = [sys.executable, "-m", "flask", "--app", "wsgi", "system", "purge"]
            values = os.environ | environment | {
                "USERAPP_INSTANCE": str(server.instance), "USERAPP_DEVTOOLS": "1", "USERAPP_BASE_URL": server.url,
                "USERAPP_TRUSTED_HOSTS": "127.0.0.1",
            }  # fmt: skip
            done = subprocess.run(purge, cwd=ROOT, env=values, capture_output=True, check=False)
            assert done.returncode == 0, done.stderr.decode()
            seen.wait_for("good", 50)
        assert set(seen.outcomes()) == {"good"}, (seen.outcomes(), server.log[-3000:])
        for token, last in zip(people, kept, strict=True):
            assert int(Caller(server.url).ask("/user/info", token=token).json["data"]["intro"]) == last[0]
        with psycopg.connect(database) as connection:
            used = connection.execute("SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [USER]).fetchone()
            assert used is not None and 0 < used[0] <= POOL
        report("PgBouncer", answers=len(seen.told), slowest=seen.slowest(), connections=used[0])


def test_a_session_that_ended_is_dead_at_once(database: str, live_server: Start) -> None:
    """Nobody reads in a transaction that somebody else left open."""
    with running_pgbouncer(database) as url:
        server = live_server(USERAPP_SQLALCHEMY_DATABASE_URI=url, USERAPP_DB_PGBOUNCER="1", **QUICK)
        for _ in range(20):
            caller, token = someone(server)
            assert caller.ask("/user/info", token=token).code == 0
            assert caller.ask("/user/logout", {}, token=token).code == 0
            assert caller.ask("/user/info", token=token).code == -2
