"""What an account is signed in with, and what happened to it lately: listed, and ended."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import delete, select

from .. import audit, signals
from ..credentials import Caller
from ..errors import NotFound
from ..extensions import db, reading
from ..models import AuditEvent, Credential, now

BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"), ("curl", "curl"))
SYSTEMS = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("Mac OS", "macOS"), ("Linux", "Linux"))


def overview(caller: Caller) -> dict[str, Any]:
    """What the security page shows: what the account is signed in with, and its latest events."""
    return {"credentials": living(caller), "events": events(caller)}


def living(caller: Caller) -> list[dict[str, Any]]:
    """Every session and token of the caller's account, the latest first."""
    alive = select(Credential.__table__).where(
        Credential.user_id == caller.user_id,
        Credential.generation == caller.user.generation,
        Credential.expires_at > now(),
    )
    with reading() as connection:
        rows = connection.execute(alive.order_by(Credential.seen_at.desc()).limit(200)).all()
    return [
        {
            "public_id": row.public_id, "kind": row.kind, "name": row.name, "device": device_of(row.agent),
            "address": row.address, "created": row.created_at, "seen": row.seen_at,
            "expires": row.expires_at, "current": row.id == caller.credential_id,
        }
        for row in rows
    ]  # fmt: skip


def end(caller: Caller, which: str) -> None:
    """End the credential with a public id, or with `others` all but the caller's own; raises NotFound."""
    end_others(caller) if which == "others" else end_one(caller, which)


def end_one(caller: Caller, public_id: str) -> None:
    """End one session or token of the caller's account; raises NotFound for anybody else's."""
    own = delete(Credential).where(Credential.user_id == caller.user_id, Credential.public_id == public_id)
    if db.session.execute(own.returning(Credential.id)).scalar() is None:
        db.session.rollback()
        raise NotFound()
    _commit_ended(caller)


def end_others(caller: Caller) -> None:
    """End everything but the credential the caller came with."""
    others = (Credential.user_id == caller.user_id, Credential.id != caller.credential_id)
    db.session.execute(delete(Credential).where(*others))
    _commit_ended(caller)


def _commit_ended(caller: Caller) -> None:
    audit.record("end_credential", caller.user_id)
    db.session.commit()
    signals.credentials_ended.send(current_app._get_current_object(), user_id=caller.user_id)  # type: ignore[attr-defined]


def events(caller: Caller) -> list[dict[str, Any]]:
    """The latest security events of the account, in plain words."""
    latest = select(AuditEvent.__table__).where(AuditEvent.user_id == caller.user_id)
    with reading() as connection:
        rows = connection.execute(latest.order_by(AuditEvent.id.desc()).limit(20)).all()
    return [
        {
            "text": audit.EVENTS.get(row.event, row.event), "outcome": row.outcome, "at": row.at, "address": row.address
        }
        for row in rows
    ]  # fmt: skip


def device_of(agent: str) -> str:
    """Browser and system of a user agent, in two words."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return " · ".join(part for part in (browser, system) if part) or agent[:40]
