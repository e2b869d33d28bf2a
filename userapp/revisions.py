"""The schema's revisions: which ones the code knows, which ones the database is at; and Flask-Migrate's commands.

Alembic is loaded only by who migrates: with all it brings it would cost a start as much as Flask does.
"""

from __future__ import annotations

import os
import re
import sys
from ast import literal_eval
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, current_app
from sqlalchemy import Connection, column, inspect, select, table

from .extensions import db

if TYPE_CHECKING:
    from alembic.config import Config

TABLE = "alembic_version"
LINE = re.compile(r"^(revision|down_revision)\b[^=\n]*=\s*(.+)$", re.MULTILINE)


def connect(app: Flask) -> None:
    """Give the commands of Flask-Migrate what they need, where commands are run."""
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true" or "flask_migrate" in sys.modules:
        from flask_migrate import Migrate

        migrate = Migrate(app, db, directory=str(_home()), render_as_batch=True)
        migrate.configure(_add_plugins_branches)


def _home() -> Path:
    """Beside the package in a checkout, inside it where it is installed."""
    here = Path(__file__).parent
    return next(folder for folder in (here / "migrations", here.parent / "migrations") if folder.is_dir())


def _folders() -> list[Path]:
    return [_home() / "versions", *map(Path, current_app.extensions["userapp.migrations"])]


def _add_plugins_branches(config: Config) -> Config:
    """The revisions of Alembic's command under way: the service's own, and each plugin's branch."""
    config.set_main_option("version_locations", os.pathsep.join(map(str, _folders())))
    return config


def known() -> tuple[set[str], set[str]]:
    """Every revision this code knows, the plugins' too, and the last of each branch; looked up once."""
    found: tuple[set[str], set[str]] | None = current_app.extensions.get("userapp.revisions")
    if found is None:
        found = current_app.extensions["userapp.revisions"] = _read(_folders())
    return found


def _read(folders: list[Path]) -> tuple[set[str], set[str]]:
    every: set[str] = set()
    followed: set[str] = set()
    for path in (path for folder in folders for path in folder.glob("*.py")):
        said = {name: literal_eval(value) for name, value in LINE.findall(path.read_text("utf-8"))}
        if "revision" in said:
            before = said.get("down_revision") or ()
            every.add(said["revision"])
            followed.update([before] if isinstance(before, str) else before)
    return every, every - followed


def present(connection: Connection) -> set[str]:
    """The revisions the database is at: one of each branch, none where it has no tables of ours."""
    if not inspect(connection).has_table(TABLE):
        return set()
    return set(connection.execute(select(column("version_num")).select_from(table(TABLE))).scalars())


def lacking(present: set[str]) -> bool:
    """Whether a branch of this code is not at its last revision.

    What this code does not know is a later release's, which is right, or was left by a plugin that has gone: neither
    excuses a branch that is known to be behind.
    """
    every, heads = known()
    return bool((present & every) - heads) or bool(heads - present and not present - every)
