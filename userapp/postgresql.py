"""How we speak with PostgreSQL: connections for every thread, and an end to every wait, on its side and on ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from time import monotonic
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import InvalidatePoolError

CONNECT_SECONDS = 2
PING_SECONDS = 1.0
CLOSED_SECONDS = 1.0  # after a failed connect nobody tries for so long: one thread waits instead of all
IDLE_SECONDS = 1.0  # a connection used within the last second is not asked whether it lives


def connect_args(config: Mapping[str, Any]) -> dict[str, Any]:
    """What libpq is given: names us, and has the server end what takes too long.

    PgBouncer keeps neither start-up options nor prepared statements from one transaction to the next: there the role
    has the time limits (ALTER ROLE … SET statement_timeout).
    """
    args: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "application_name": "userapp"}
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


def _bounded_class() -> Any:
    """psycopg's connection, with an end to waiting for a server that is stopped or behind a dead line."""
    import psycopg

    class Bounded(psycopg.Connection[Any]):
        patience: float | None = None

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:
            try:
                return super().wait(gen, interval, timeout or self.patience)
            except psycopg.errors._WaitTimeout:  # type: ignore[attr-defined,unused-ignore]
                self.pgconn.finish()  # what it still sends belongs to nobody
                raise psycopg.OperationalError("PostgreSQL does not answer") from None

    return Bounded


class _Door:
    """Lets connections in, and keeps the door shut for a moment after a failure."""

    def __init__(self, engine: Engine, patience: float | None) -> None:
        self.engine, self.patience = engine, patience
        self.shut_until = 0.0
        self.made = _bounded_class()

    def open(self, _dialect: Any, record: Any, args: Any, values: Any) -> Any:
        """Connect, or fail at once where another thread failed a moment ago."""
        import psycopg

        if monotonic() < self.shut_until:
            raise psycopg.OperationalError("PostgreSQL could not be reached a moment ago")
        try:
            connection = self.made.connect(*args, **values)
        except psycopg.OperationalError:
            self.shut_until = monotonic() + CLOSED_SECONDS
            raise
        connection.patience = self.patience
        record.info["used_at"] = monotonic()
        return connection

    def check(self, raw: Any, record: Any, _proxy: Any) -> None:
        """Ask a connection that was idle whether it still lives; if not, all of the pool are renewed."""
        if monotonic() - record.info.get("used_at", 0.0) < IDLE_SECONDS:
            return
        raw.patience = PING_SECONDS
        try:
            self.engine.dialect.do_ping(raw)
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError() from error
        finally:
            raw.patience = self.patience
