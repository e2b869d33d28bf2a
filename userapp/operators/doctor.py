"""`flask --app wsgi doctor`: everything that is wrong with this service, each in a line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator

import click
from sqlalchemy.exc import SQLAlchemyError

from . import checks, database_checks, reachability
from .findings import Check, Finding, bad, kind
from .output import json_option, plainly, say

LOCAL: tuple[Check, ...] = (
    checks.profile, checks.secrets, checks.files, checks.hosts, checks.proxies, checks.counters, checks.room,
)  # fmt: skip
TABLES: tuple[Check, ...] = (database_checks.clock, database_checks.administrators, database_checks.waiting)
OTHERS: tuple[Check, ...] = (
    reachability.mail, reachability.texts, reachability.shared_counters, reachability.store,
)  # fmt: skip


@click.command("doctor")
@json_option
@plainly
def doctor(as_json: bool) -> None:
    """Check configuration, secret, database, clock, mail, texts and stores; exit status 1 where something is bad."""
    found = list(examine())
    lines = [
        f"{one.verdict.upper() if one.verdict == 'bad' else one.verdict:<5} {one.name}: {one.says}" for one in found
    ]
    verdict = [one for one in found if one.verdict == "bad"]
    lines.append(f"{len(verdict)} to be repaired" if verdict else "nothing to be repaired")
    say({"healthy": not verdict, "findings": [vars(one) for one in found]}, lines, as_json)
    if verdict:
        raise SystemExit(1)


def examine() -> Iterator[Finding]:
    """Every finding; what the database has to say is left out where it does not answer or has no tables."""
    for check in LOCAL:
        yield from check()
    try:
        yield from database_checks.database()
        tables = list(database_checks.migrations())
        yield from tables
        if tables[0].verdict == "ok":
            for check in TABLES:
                yield from check()
    except SQLAlchemyError as error:
        yield bad("database", f"does not answer ({kind(error)}): check USERAPP_SQLALCHEMY_DATABASE_URI")
    for check in OTHERS:
        yield from check()
