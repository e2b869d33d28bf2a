"""Work that only one process of all nodes may do at a time: purging, migrating."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Engine


@contextmanager
def turn(engine: Engine, name: str, wait: bool = False) -> Iterator[bool]:
    """Hold the turn called `name`, and yield True; False where another has it and `wait` is not asked for.

    It ends with the process that holds it, however that ends. PostgreSQL: an advisory lock of one transaction, which
    PgBouncer allows. SQLite: a lock on a file beside the database, as nobody else can reach that anyway.
    """
    with (_in_postgresql if engine.dialect.name == "postgresql" else _beside_sqlite)(engine, name, wait) as mine:
        yield mine


@contextmanager
def _in_postgresql(engine: Engine, name: str, wait: bool) -> Iterator[bool]:
    number = int.from_bytes(hashlib.blake2b(f"userapp.{name}".encode(), digest_size=8).digest(), "big", signed=True)
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        patience, raw.patience = getattr(raw, "patience", None), None
        for limit in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = 0"))
        ask = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
        given = connection.execute(text(f"SELECT {ask}(:number)"), {"number": number}).scalar()
        try:
            yield wait or bool(given)
        finally:
            raw.patience = patience


@contextmanager
def _beside_sqlite(engine: Engine, name: str, wait: bool) -> Iterator[bool]:
    path = Path(engine.url.database or "userapp.sqlite")
    opened = os.open(path.with_name(f"{path.name}.{name}"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(opened)
        yield False
        return
    try:
        yield True
    finally:
        os.close(opened)
