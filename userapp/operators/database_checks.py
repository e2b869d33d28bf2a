"""What `doctor` asks the database: its version, its tables, its clock, and the accounts that matter."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text

from .. import revisions
from ..extensions import reading
from ..models import AuditEvent, Message, User, now
from ..start_checks import command, default_administrator, schema_trouble
from .findings import Finding, bad, note, ok

SQLITE = (3, 35)  # RETURNING
POSTGRESQL = 130000
CLOCKS_APART = timedelta(seconds=5)


def database() -> Iterator[Finding]:
    """Which database, and whether it is recent enough; an SQLAlchemyError where it does not answer."""
    with reading() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("SELECT 1"))
            if sqlite3.sqlite_version_info[:2] < SQLITE:
                wanted = ".".join(map(str, SQLITE))
                yield bad("database", f"SQLite {sqlite3.sqlite_version} lacks RETURNING: {wanted} or newer is needed")
            else:
                yield ok("database", f"SQLite {sqlite3.sqlite_version}")
            return
        version = int(connection.execute(text("SHOW server_version_num")).scalar_one())
        encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
    if version < POSTGRESQL or encoding != "UTF8":
        yield bad("database", f"PostgreSQL {version // 10000} in {encoding}: 13 or newer in UTF8 is needed")
    else:
        yield ok("database", f"PostgreSQL {version // 10000}")


def migrations() -> Iterator[Finding]:
    """Whether the tables are this release's."""
    if trouble := schema_trouble():
        yield bad("migrations", trouble)
        return
    with reading() as connection:
        unknown = revisions.present(connection) - revisions.known()[0]
    if unknown:
        those = ", ".join(sorted(unknown))
        yield note("migrations", f"{those}: of a later release, or of a plugin that was removed before its tables")
    else:
        yield ok("migrations", "up to date")


def clock() -> Iterator[Finding]:
    """Whether this machine's time can be right: after this program was installed, after its latest event, and the
    database server's.
    """
    with reading() as connection:
        events = [connection.execute(select(func.max(AuditEvent.at))).scalar()]
        theirs = now()
        if connection.dialect.name == "postgresql":
            theirs = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    installed = datetime.fromtimestamp(Path(__file__).stat().st_mtime, UTC)
    latest = max([event for event in events if event] + [installed - timedelta(days=1)])
    if (behind := latest - now()) > timedelta(minutes=1):
        yield bad(
            "clock", f"{now():%Y-%m-%d %H:%M} UTC is {_shown(behind)} before what happened here already: set the clock"
        )
    elif abs(theirs - now()) > CLOCKS_APART:
        yield bad(
            "clock", f"this machine and the database server are {_shown(abs(theirs - now()))} apart: set both by NTP"
        )
    else:
        yield ok("clock", f"{now():%Y-%m-%d %H:%M} UTC")


def _shown(time: timedelta) -> timedelta:
    return timedelta(seconds=round(time.total_seconds()))


def administrators() -> Iterator[Finding]:
    """Whether there is an administrator, and none that everybody knows."""
    if trouble := default_administrator():
        yield bad("administrators", trouble)
        return
    with reading() as connection:
        wanted = (User.user_type == "admin", User.disabled.is_(False))
        known = connection.execute(select(func.count()).select_from(User).where(*wanted)).scalar_one()
    if known:
        yield ok("administrators", f"{known}, none with a default password")
    else:
        yield note("administrators", f"there is none: {command()} users create NAME --admin")


def waiting() -> Iterator[Finding]:
    """Whether messages leave."""
    old = (Message.done == "", Message.created_at < now() - timedelta(hours=1))
    with reading() as connection:
        late = connection.execute(select(func.count()).select_from(Message).where(*old)).scalar_one()
    if late:
        yield note("messages", f"{late} wait for more than an hour: {command()} users messages retry")
    else:
        yield ok("messages", "none waits for long")
