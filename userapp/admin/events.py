"""The security events of all accounts, the latest first; and one account as its page shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Row, select

from .. import activity, audit
from ..errors import NotFound
from ..extensions import reading
from ..models import AuditEvent, User
from . import paging
from .paging import Page
from .search import SHOWN

NAMES = audit.EVENTS


def latest(user: str, actor: str, event: str, before: str) -> Page:
    """One page of events; `user` and `actor` are ids, each condition may be empty. Raises WrongFilter (12007)."""
    events = AuditEvent.__table__.c
    wanted: dict[str, Any] = {}
    if user:
        wanted["user_id"] = paging.number(user, 0)
    if actor:
        wanted["actor_id"] = paging.number(actor, 0)
    if event:
        wanted["event"] = event
    statement = select(AuditEvent.__table__).where(AuditEvent.id < paging.number(before, paging.LAST_ID))
    driving = next(iter(wanted), None)  # its index delivers the order, the other conditions are checked row by row
    if driving:
        statement = statement.where(events[driving] == wanted.pop(driving))
    return paging.fetch(statement.order_by(AuditEvent.id.desc()), lambda row: str(row.id), _matching(wanted))


def _matching(wanted: dict[str, Any]) -> Callable[[Row[Any]], bool] | None:
    return (lambda row: all(getattr(row, name) == value for name, value in wanted.items())) if wanted else None


def names_of(rows: list[Row[Any]]) -> dict[int, str]:
    """The user names of the accounts that events speak of, where they still exist."""
    ids = {identity for row in rows for identity in (row.user_id, row.actor_id) if identity}
    with reading() as connection:
        found = connection.execute(select(User.id, User.uname).where(User.id.in_(ids)))
        return {row.id: row.uname for row in found}


def person(user_id: int) -> dict[str, Any]:
    """An account with its sessions, tokens and latest events; raises NotFound."""
    if user_id > paging.LAST_ID:
        raise NotFound()
    with reading() as connection:
        columns = [*SHOWN, User.generation, User.password_hash.is_not(None).label("has_password")]
        row = connection.execute(select(*columns).where(User.id == user_id)).one_or_none()
    if row is None:
        raise NotFound()
    events = latest(str(user_id), "", "", "").rows[:20]
    return {"user": row, "credentials": activity.credentials_of(row), "events": events, "names": names_of(events)}


def described(row: Row[Any]) -> dict[str, Any]:
    """An event for JSON: its line in the log, with its id."""
    return {"id": row.id} | audit.line(row._mapping)
