"""Runs the migrations on the application's own engine; `flask db upgrade` and `deploy/run.py` come here."""

from __future__ import annotations

import logging
from logging.config import fileConfig
from typing import Any

from alembic import context
from flask import current_app

logger = logging.getLogger("alembic.env")


def leave_out_empty(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """Write no revision where `flask db migrate` found nothing to do."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []
        logger.info("No changes in schema detected.")


def run() -> None:
    """Upgrade or downgrade within one transaction."""
    extension = current_app.extensions["migrate"]
    options = {"process_revision_directives": leave_out_empty, **extension.configure_args}
    with extension.db.engine.connect() as connection:
        context.configure(connection=connection, target_metadata=extension.db.metadata, **options)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("migrations look at the tables they find: run them with a database")
fileConfig(str(context.config.config_file_name), disable_existing_loggers=False)
run()
