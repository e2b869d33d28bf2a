"""Accounts as the command line shows them: found by any of their names, listed page by page."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from .. import identifiers
from ..errors import NotFound
from ..extensions import reading
from ..models import AuditEvent, Credential, User, now
from .exporting import fields

COLUMNS = {"uid": User.uid, "uname": User.uname_key, "phone": User.phone, "email": User.email}


def find(who: str) -> Any:
    """The account with this user name, account number, phone or e-mail, or `id:12`; raises NotFound."""
    if who.startswith("id:") and who[3:].isdecimal():
        same = User.id == int(who[3:])
    else:
        kind = identifiers.kind_of(who)
        same = COLUMNS[kind] == (identifiers.canonical(kind, who) or "\x01")
    with reading() as connection:
        found = connection.execute(select(*User.__table__.c).where(same)).one_or_none()
    if found is None:
        raise NotFound()
    return found


def page(user_type: str | None, disabled: bool | None, after: int, limit: int) -> list[dict[str, Any]]:
    """Accounts with an id beyond `after`, in its order."""
    statement = select(*User.__table__.c).where(User.id > after)
    if user_type:
        statement = statement.where(User.user_type == user_type)
    if disabled is not None:
        statement = statement.where(User.disabled.is_(disabled))
    with reading() as connection:
        rows = connection.execute(statement.order_by(User.id).limit(limit)).all()
    return [{"id": row.id, **fields(row)} for row in rows]


def one(who: str) -> dict[str, Any]:
    """An account with what it is signed in with and its latest events; no secret is in it."""
    user = find(who)
    living = (Credential.user_id == user.id, Credential.generation == user.generation, Credential.expires_at > now())
    counts = select(Credential.kind, func.count()).where(*living).group_by(Credential.kind)
    latest = select(AuditEvent.__table__).where(AuditEvent.user_id == user.id).order_by(AuditEvent.id.desc()).limit(10)
    with reading() as connection:
        held = {row[0]: row[1] for row in connection.execute(counts)}
        events = [
            {"at": row.at.isoformat(), "event": row.event, "outcome": row.outcome, "actor": row.actor_id}
            for row in connection.execute(latest)
        ]
    shown: dict[str, Any] = {"id": user.id, **fields(user), "has_password": user.password_hash is not None}
    return shown | {"sessions": held.get("session", 0), "tokens": held.get("token", 0), "events": events}
