"""New accounts as operators make them: which of their names are somebody's already, and the rows themselves."""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, String, cast, exists, insert, select, update
from sqlalchemy.orm import aliased

from .. import identifiers
from ..extensions import db
from ..models import User
from .columns import Problem

UNIQUE = ("uname_key", "uid", "phone", "email")
SHOWN = {"uname_key": "uname"}


@dataclass
class Candidate:
    """An account to be: the line it comes from, its text, what would be stored, and what speaks against it."""

    number: int
    written: dict[str, str] = field(default_factory=dict)
    stored: dict[str, Any] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def claims(self) -> dict[str, str]:
        """What it takes that nobody else may have, each with the column it is about.

        An account number with letters also takes the user name it would be mistaken for.
        """
        names = {f"{column}:{self.stored[column]}": column for column in UNIQUE if self.stored.get(column)}
        if not _is_number(uid := self.stored.get("uid")):
            names.setdefault(f"uname_key:{identifiers.folded(str(uid))}", "uid")
        return names

    def object_to(self, column: str, theirs: str, owner: str) -> None:
        """Note that `owner` has this name already, spelled as `theirs`; one problem a column is enough."""
        name = SHOWN.get(column, column)
        if any(problem.column == name for problem in self.problems):
            return
        if name in ("uname", "uid") and self.written[name].strip() != theirs:
            says = f"{name} differs from that of {owner} only in case or width"
            self.problems.append(Problem(name, "look-alike", says))
        else:
            self.problems.append(Problem(name, "taken", f"{name} belongs to {owner}"))

    def shown(self, column: str) -> str:
        """A column as people see it."""
        return str(self.stored[SHOWN.get(column, column)])


class Seen:
    """The names that earlier lines of a file take; on disk, because a million lines have four million of them."""

    def __init__(self) -> None:
        self.kept = sqlite3.connect("")  # a temporary file that nobody else sees and that goes with the connection
        self.kept.execute("CREATE TABLE seen (name TEXT PRIMARY KEY, line INTEGER, shown TEXT) WITHOUT ROWID")

    def close(self) -> None:
        """Forget everything."""
        self.kept.close()

    def judge(self, one: Candidate) -> None:
        """Object to what earlier lines take; where nothing speaks against this one, its names are taken from now on."""
        for name, column in one.claims().items():
            known = self.kept.execute("SELECT line, shown FROM seen WHERE name = ?", (name,)).fetchone()
            if known:
                one.object_to(column, known[1], f"line {known[0]} of this file")
        if not one.problems:
            rows = ((name, one.number, one.shown(column)) for name, column in one.claims().items())
            self.kept.executemany("INSERT INTO seen VALUES (?, ?, ?)", rows)


def judge(connection: Connection, batch: list[Candidate]) -> None:
    """Object to what accounts of the database have already."""
    table = User.__table__
    for column in UNIQUE:
        wanted = [one.stored[column] for one in batch if one.stored.get(column)]
        shown = table.c[SHOWN.get(column, column)]
        found = connection.execute(select(table.c[column], shown, table.c.id).where(table.c[column].in_(wanted)))
        owners = {row[0]: row for row in found}
        for one in batch:
            if owner := owners.get(one.stored.get(column) or ""):
                one.object_to(column, owner[1], f"account {owner[2]}")
    _judge_crossed(connection, batch)


def _judge_crossed(connection: Connection, batch: list[Candidate]) -> None:
    """An account number with letters must not be another account's user name, nor the other way round."""
    numbers = {identifiers.folded(one.stored["uid"]): one for one in batch if not _is_number(one.stored.get("uid"))}
    alike = select(User.uname_key, User.uname, User.id).where(User.uname_key.in_(numbers))
    for key, name, owner in connection.execute(alike):
        numbers[key].object_to("uid", name, f"account {owner}")
    names = {one.stored["uname"]: one for one in batch if "uname" in one.stored}
    for uid, owner in connection.execute(select(User.uid, User.id).where(User.uid.in_(names))):
        names[uid].object_to("uname_key", str(uid), f"account {owner}")


def _is_number(uid: str | None) -> bool:
    return not uid or uid.isdigit()


def create(rows: list[dict[str, Any]]) -> list[int]:
    """Insert accounts in the transaction under way and give an account number to those without; IntegrityError where
    somebody was faster.
    """
    if not rows:
        return []
    made = list(db.session.execute(insert(User).returning(User.id), rows).scalars())
    other = aliased(User)
    number = cast(User.id, String)
    free = ~exists(select(other.id).where(other.uid == number))
    without = (User.id.in_(made), User.uid.is_(None))
    unsynchronised = {"synchronize_session": False}
    db.session.execute(update(User).where(*without, free).values(uid=number), execution_options=unsynchronised)
    for left in db.session.execute(select(User.id).where(*without)).scalars().all():
        longer = f"{left}{secrets.randbelow(10**6):06d}"
        db.session.execute(update(User).where(User.id == left).values(uid=longer), execution_options=unsynchronised)
    return made
