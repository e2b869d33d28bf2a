"""The Flask extensions, unbound, and how connections to SQLite and PostgreSQL behave."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, has_request_context, request
from flask_login import LoginManager
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import Connection, MetaData, event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.pool import QueuePool

from . import metrics, postgresql
from .addresses import client_network
from .safe_mail import SafeMail
from .threads import waiting
from .volume import Volume, storage_options

NAMES = {  # SQLite's batch migrations need every constraint to have a name
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SCRUBBED = 128 * 1024 * 1024  # bytes; rewriting a larger file would hold up everybody, so its operator chooses when
THREADS = 40  # of a worker, where gunicorn is told nothing else


class Base(DeclarativeBase):
    """The declarative base of every table."""

    metadata = MetaData(naming_convention=NAMES)


db = SQLAlchemy(model_class=Base, disable_autonaming=True)
login_manager = LoginManager()
csrf = CSRFProtect()
mail = SafeMail()
limiter = Volume(key_func=client_network, default_limits=[lambda: str(current_app.config["RATELIMIT_DEFAULT"])])


def connect(app: Flask) -> None:
    """Bind database and mail to `app`; each new SQLite connection is set up as docs/decisions.md says."""
    from . import models, revisions  # noqa: F401 - the tables must be known to migrations

    Path(app.instance_path).mkdir(mode=0o700, parents=True, exist_ok=True)
    app.config.setdefault("SQLALCHEMY_ENGINE_OPTIONS", engine_options(app.config))
    app.config.setdefault("RATELIMIT_STORAGE_OPTIONS", storage_options(app.config["RATELIMIT_STORAGE_URI"]))
    db.init_app(app)
    revisions.connect(app)
    mail.init_app(app)
    with app.app_context():
        engine = db.engine
    if engine.dialect.name == "sqlite":
        journal = str(app.config["SQLITE_JOURNAL"])
        event.listen(engine, "connect", lambda raw, _record: _set_up_sqlite(raw, journal))
        event.listen(engine, "begin", _begin_sqlite)
    else:
        postgresql.connect(engine, app.config)
    app.extensions["userapp.autocommit"] = _autocommit(engine)
    app.extensions["userapp.immediate"] = engine.execution_options(sqlite_begin="IMMEDIATE")


def engine_options(config: Mapping[str, Any]) -> dict[str, Any]:
    """A few connections that stay open, and for a moment one for every thread and ten more: some need a second one.

    Most threads of a busy worker wait for a hash, and hold no connection meanwhile.
    """
    threads, size = int(os.environ.get("GUNICORN_THREADS") or THREADS), config["DB_POOL_SIZE"] or 8
    if config["SQLALCHEMY_DATABASE_URI"] in ("sqlite://", "sqlite:///:memory:"):
        return {"hide_parameters": True}  # such a database is its one connection
    options = {"hide_parameters": True, "pool_size": size, "pool_timeout": 3}
    options["max_overflow"] = max(2, threads + 10 - size)
    if config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql"):
        options |= {"pool_recycle": 1800, "connect_args": postgresql.connect_args(config)}
    return options


def _set_up_sqlite(raw: sqlite3.Connection, journal: str) -> None:
    raw.isolation_level = None  # we say BEGIN ourselves, in _begin_sqlite
    pragmas = (f"journal_mode={journal}", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=5000")
    for pragma in (*pragmas, "secure_delete=ON"):  # what is erased must not stay readable in the file
        raw.execute("PRAGMA " + pragma)


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once where something will be written: a lock upgrade later could not wait."""
    begin = connection.get_execution_options().get("sqlite_begin")
    if begin is None:
        reads = has_request_context() and request.method in ("GET", "HEAD", "OPTIONS") and not g.get("changes_on_get")
        begin = "DEFERRED" if reads else "IMMEDIATE"
    if begin == "IMMEDIATE":
        with waiting():  # for whoever writes now
            connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif begin != "NONE":
        connection.exec_driver_sql("BEGIN " + begin)


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection for single SELECTs: no transaction is opened, no lock taken, no commit owed."""
    engine: Engine = current_app.extensions["userapp.autocommit"]
    with engine.connect() as connection:
        yield connection


@contextmanager
def writing() -> Iterator[Connection]:
    """A short transaction of its own, committed at the end: for counters that hold whatever the caller does next."""
    engine: Engine = current_app.extensions["userapp.immediate"]
    with engine.begin() as connection:
        yield connection


def _autocommit(engine: Engine) -> Engine:
    options: dict[str, Any] = {"sqlite_begin": "NONE"}
    if engine.dialect.name == "postgresql":
        options["isolation_level"] = "AUTOCOMMIT"
    return engine.execution_options(**options)


def count_connections() -> None:
    """Tell the metrics how many connections are in use; looked at now and then, for to count each use costs reads."""
    if isinstance(db.engine.pool, QueuePool):
        metrics.connections.set(db.engine.pool.checkedout())


def scrub() -> bool:
    """Rewrite SQLite's file and empty its journal, so that what was erased is in neither; False while one is busy.

    secure_delete alone does not do it: rows that SQLite moved between pages leave copies in their unused parts.
    """
    if db.engine.dialect.name != "sqlite":
        return True
    with reading() as connection:
        size = connection.exec_driver_sql("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        if int(size.scalar_one()) <= SCRUBBED:
            connection.exec_driver_sql("VACUUM")
        return connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar() == 0
