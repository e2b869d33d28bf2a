"""`flask audit export`: the security events as JSON lines, as the log has them, read along the index of their time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import Row, select, tuple_

from .. import audit
from ..extensions import reading
from ..models import AuditEvent

BATCH = 1000
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
commands = AppGroup("audit", help="Security events.")


@commands.command("export")
@click.option("--since", type=click.DateTime(FORMATS), help="The first moment, UTC.")
@click.option("--until", type=click.DateTime(FORMATS), help="The moment after the last, UTC.")
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-", help="A file instead of the terminal.")
def export(since: datetime | None, until: datetime | None, output: Any) -> None:
    """Write events as JSON lines, the oldest first."""
    start = (since or datetime(1970, 1, 2)).replace(tzinfo=UTC)
    end = (until or datetime(9999, 1, 1)).replace(tzinfo=UTC)
    for row in events(start, end):
        output.write(json.dumps({"id": row.id} | audit.line(row._mapping), ensure_ascii=False) + "\n")


def events(start: datetime, end: datetime) -> Iterator[Row[Any]]:
    """Every event from `start` to before `end`, a batch at a time: memory stays small however many there are."""
    within = select(AuditEvent.__table__).where(AuditEvent.at >= start, AuditEvent.at < end)
    ordered = within.order_by(AuditEvent.at, AuditEvent.id).limit(BATCH)
    place: tuple[datetime, int] | None = None
    while True:
        behind = tuple_(AuditEvent.at, AuditEvent.id) > tuple_(*place) if place else AuditEvent.at >= start
        with reading() as connection:
            rows = connection.execute(ordered.where(behind)).all()
        yield from rows
        if len(rows) < BATCH:
            return
        place = rows[-1].at, rows[-1].id
