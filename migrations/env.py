"""Runs the migrations on the application's own engine; `flask db upgrade` and `deploy/run.py` come here.

Two nodes may start at once: one migrates, the other waits and finds nothing left to do.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from alembic import context
from flask import current_app
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from userapp.turns import turn

logger = logging.getLogger("alembic.env")
LOCK_SECONDS = 3  # a change of a table waits behind whoever reads it, and everybody else behind the change
ATTEMPTS = 20


def leave_out_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """Write no revision where `flask db migrate` found nothing to do."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []
        logger.info("No changes in schema detected.")


def run() -> None:
    """Upgrade or downgrade, again where the service did not let go of a table."""
    engine = current_app.extensions["migrate"].db.engine
    with turn(engine, "migration", wait=True):
        for attempt in range(1, ATTEMPTS + 1):
            try:
                (on_sqlite if engine.dialect.name == "sqlite" else on_postgresql)(engine)
                break
            except OperationalError as error:
                if getattr(error.orig, "sqlstate", "") != "55P03" or attempt == ATTEMPTS:
                    raise
                logger.info("The tables are in use, next attempt in a second.")
                time.sleep(1)


def on_postgresql(engine: Any) -> None:
    """In one transaction, that takes the time it needs but does not wait long for a lock."""
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        patience, raw.patience = raw.patience, None
        try:
            migrate(connection, "SET LOCAL statement_timeout = 0", f"SET LOCAL lock_timeout = {LOCK_SECONDS * 1000}")
        finally:
            raw.patience = patience


def on_sqlite(engine: Any) -> None:
    """In one transaction without foreign keys: to change a table is to drop it, which would take its children along."""
    with engine.connect() as connection:
        raw = connection.connection.driver_connection
        for pragma in ("foreign_keys=OFF", "busy_timeout=60000"):
            raw.execute(f"PRAGMA {pragma}")
        try:
            migrate(connection)
        finally:
            connection.rollback()
            for pragma in ("foreign_keys=ON", "busy_timeout=5000"):
                raw.execute(f"PRAGMA {pragma}")


def migrate(connection: Connection, *first: str) -> None:
    """Run what is to be run within one transaction."""
    extension = current_app.extensions["migrate"]
    options = {"process_revision_directives": leave_out_empty, "transactional_ddl": True, **extension.configure_args}
    context.configure(connection=connection, target_metadata=extension.db.metadata, **options)
    with context.begin_transaction():
        for statement in first:
            connection.execute(text(statement))
        context.run_migrations()
        if connection.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
            raise RuntimeError("rows refer to rows that do not exist: nothing was changed")


if context.is_offline_mode():
    raise SystemExit("migrations look at the tables they find: run them with a database")
logging.getLogger("alembic").setLevel(logging.INFO)
run()
