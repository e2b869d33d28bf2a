"""How we speak with PostgreSQL: connections for every thread, and an end to every wait, on its side and on ours."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Mapping
from contextlib import suppress
from threading import Lock, get_ident
from time import monotonic
from typing import Any, NoReturn

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import InvalidatePoolError

CONNECT_SECONDS = 1.5  # a good line takes four trips for TLS and the password
QUIET_SECONDS = 0.7  # after so long without a word the server is asked, beside the statement, whether it is there
GREETING_SECONDS = 0.8
PING_SECONDS = 0.8
CLOSED_SECONDS = 1.0  # after a failure nobody tries for so long, and then one thread alone
IDLE_SECONDS = 1.0  # a connection used within the last second is not asked whether it lives
SSL_REQUEST = bytes.fromhex("0000000804d2162f")  # what a server answers with one letter, before it asks who we are


def connect_args(config: Mapping[str, Any]) -> dict[str, Any]:
    """What libpq is given: names us, and has the server end what takes too long.

    PgBouncer keeps neither start-up options nor prepared statements from one transaction to the next: there the role
    has the time limits (ALTER ROLE … SET statement_timeout).
    """
    args: dict[str, Any] = {"connect_timeout": 2, "application_name": "userapp"}
    if config["DB_PGBOUNCER"]:
        return args | {"prepare_threshold": None}
    limits = {
        "statement_timeout": statement_seconds(config) * 1000,
        "lock_timeout": config["DB_LOCK_SECONDS"] * 1000,
        "idle_in_transaction_session_timeout": 60_000,
    }
    return args | {"options": " ".join(f"-c {name}={value}" for name, value in limits.items())}


def statement_seconds(config: Mapping[str, Any]) -> int:
    """The limit of a request's statements; a command at a terminal takes the time it needs."""
    return 0 if os.environ.get("FLASK_RUN_FROM_CLI") == "true" else int(config["DB_STATEMENT_SECONDS"])


def connect(engine: Engine, config: Mapping[str, Any]) -> None:
    """Have every connection of `engine` made and tested by the rules above."""
    seconds = statement_seconds(config)
    door = _Door(engine, seconds + 1.0 if seconds else None)
    event.listen(engine, "do_connect", door.open)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", door.check)


def _note_use(_raw: Any, record: Any) -> None:
    record.info["used_at"] = monotonic()


def _refuse(reason: str) -> NoReturn:
    import psycopg

    raise psycopg.OperationalError(f"PostgreSQL {reason}")


def _bounded_class() -> Any:
    """psycopg's connection, with an end to waiting for a server that is stopped or behind a dead line."""
    import psycopg

    class Bounded(psycopg.Connection[Any]):
        door: _Door | None = None
        patience: float | None = None

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            if self.door is None or self.patience is None:
                return super().wait(gen, interval, timeout)
            try:
                return super().wait(_watched(gen, self.pgconn.socket, self.patience), interval, timeout)
            except _Silence:
                self.pgconn.finish()  # what it still sends belongs to nobody
                self.door.shut()
                _refuse("does not answer")

        def rollback(self) -> None:
            """A server that has gone has rolled back: the reply that was made before is not lost for it."""
            with suppress(psycopg.OperationalError):
                super().rollback()

        @classmethod
        def _connect_gen(cls, *args: Any, **values: Any) -> Any:
            return _ended(super()._connect_gen(*args, **values))  # type: ignore[misc,unused-ignore]

    return Bounded


class _Silence(Exception):
    """Nothing comes, and nobody answers beside it."""


def _watched(gen: Generator[Any, Any, Any], number: int, patience: float) -> Generator[Any, Any, Any]:
    """The steps of a statement; psycopg takes one each tenth of a second also where nothing came."""
    began = asked = monotonic()
    doomed = False
    try:
        state = next(gen)
        while True:
            ready = yield state
            now = monotonic()
            if ready:
                asked, doomed = now, False
            elif doomed or now - began > patience:
                raise _Silence
            elif now - asked > QUIET_SECONDS:  # what comes meanwhile is still read in the next step
                asked, doomed = now, not _greets(number)
            state = gen.send(ready)
    except StopIteration as done:
        return done.value


def _ended(gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """The steps of connecting, until it took too long: psycopg's own limit is at least two seconds."""
    until = monotonic() + CONNECT_SECONDS
    try:
        state = next(gen)
        while True:
            ready = yield state
            if not ready and monotonic() > until:
                _refuse("could not be reached in time")
            state = gen.send(ready)
    except StopIteration as done:
        return done.value


def _greets(number: int) -> bool:
    """Whether the server at the other end of a socket takes a new connection and says its first word."""
    try:
        with socket.socket(fileno=os.dup(number)) as known, socket.socket(known.family) as other:
            other.settimeout(GREETING_SECONDS)
            other.connect(known.getpeername())
            other.sendall(SSL_REQUEST)
            return bool(other.recv(1))
    except OSError:
        return False


class _Door:
    """Lets connections in; after a failure it is shut for a moment, and then one thread alone tries it."""

    def __init__(self, engine: Engine, patience: float | None) -> None:
        self.engine, self.patience = engine, patience
        self.guard, self.shut_until, self.doubtful, self.trier = Lock(), 0.0, False, 0
        self.made = _bounded_class()

    def shut(self) -> None:
        """Have everybody refused at once for a moment."""
        with self.guard:
            self.doubtful, self.trier, self.shut_until = True, 0, monotonic() + CLOSED_SECONDS

    def pass_through(self) -> None:
        """Go on, or fail at once where another thread failed a moment ago or is just trying."""
        if not self.doubtful:
            return
        with self.guard:
            now = monotonic()
            if self.doubtful and now < self.shut_until and self.trier != get_ident():
                _refuse("could not be reached a moment ago")
            self.trier, self.shut_until = get_ident(), now + CONNECT_SECONDS + CLOSED_SECONDS

    def found_open(self) -> None:
        """Somebody was answered."""
        if self.doubtful:
            with self.guard:
                self.doubtful, self.trier = False, 0

    def open(self, _dialect: Any, record: Any, args: Any, values: Any) -> Any:
        """Connect."""
        self.pass_through()
        try:
            connection = self.made.connect(*args, **values)
        except self.engine.dialect.loaded_dbapi.Error:
            self.shut()
            raise
        self.found_open()
        connection.door, connection.patience = self, self.patience
        record.info["used_at"] = monotonic()
        return connection

    def check(self, raw: Any, record: Any, _proxy: Any) -> None:
        """Ask a connection that was idle whether it still lives; if not, all of the pool are renewed."""
        if not raw.closed and not self.doubtful and monotonic() - record.info.get("used_at", 0.0) < IDLE_SECONDS:
            return
        self.pass_through()
        raw.patience = PING_SECONDS
        try:
            self.engine.dialect.do_ping(raw)
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError() from error
        finally:
            raw.patience = self.patience
        self.found_open()
