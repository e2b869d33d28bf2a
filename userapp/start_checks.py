"""How a server starts: on a migrated database without an administrator everybody knows, or with one plain line."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from . import create_app, passwords, revisions
from .config import UnsafeStart
from .extensions import db, reading
from .models import User
from .plugins import PluginError

NAMES = ("admin", "administrator", "root", "test", "demo", "guest")
PASSWORDS = ("admin", "admin123", "password", "123456", "changeme", "test", "demo", "guest", "root")
log = logging.getLogger("userapp")


def start() -> Flask:
    """The application, or one plain line for each reason not to start, and an exit status gunicorn does not retry."""
    try:
        made = create_app()
        if "FLASK_RUN_FROM_CLI" not in os.environ:  # commands repair what no server may run with
            refuse_unready(made)
    except (UnsafeStart, PluginError) as refusal:
        for line in refusal.args:
            print(f"userapp does not start: {line}", file=sys.stderr)
        sys.exit(3)
    return made


def refuse_unready(app: Flask) -> None:
    """Raise UnsafeStart where a server must not start; a database that is away may come back, so it is no reason."""
    if "userapp.devtools" in app.config["PLUGINS"]:
        return
    with app.app_context():
        try:
            found = schema_trouble() or default_administrator()
        except OperationalError as error:
            log.warning("the database cannot be asked: %s", type(error.orig).__name__)
            return
        finally:
            db.engine.dispose()  # a connection made before a fork belongs to nobody
    if found:
        raise UnsafeStart(found)


def schema_trouble() -> str:
    """What the tables lack, in one line; empty where they are this release's or a later one's."""
    with reading() as connection:
        present = revisions.present(connection)
    if not revisions.lacking(present):
        return ""
    state = "has no tables of ours" if not present else "lacks migrations"
    return f"the database {state} (it is at {', '.join(sorted(present)) or 'nothing'}): {command()} db upgrade heads"


def command() -> str:
    """How the commands of this installation are called: a checkout has no `userapp` on the path."""
    return "flask --app wsgi" if Path(__file__).parent.with_name("wsgi.py").is_file() else "userapp"


def default_administrator() -> str:
    """An administrator whose name and password are the first ones a stranger tries, in one line; or nothing."""
    known = User.uname_key.in_(NAMES)
    with reading() as connection:
        rows = connection.execute(
            select(User.uname, User.password_hash).where(known, User.user_type == "admin", User.disabled.is_(False))
        ).all()
    for row in rows:
        guesses = {*PASSWORDS, row.uname, f"{row.uname}123"}
        if row.password_hash and any(passwords.verify(guess, row.password_hash) for guess in guesses):
            return f"the administrator {row.uname} has a default password: {command()} users disable {row.uname}"
    return ""
