"""What an account is signed in with, and what happened to it lately: for its owner and for administrators."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from . import audit
from .extensions import reading
from .models import AuditEvent, Credential, now

BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"), ("curl", "curl"))
SYSTEMS = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("Mac OS", "macOS"), ("Linux", "Linux"))


def credentials_of(user: Any, current: int | None = None) -> list[dict[str, Any]]:
    """Every living session and token of an account, the latest used first; `current` is the id of the asking one."""
    alive = select(Credential.__table__).where(
        Credential.user_id == user.id,
        Credential.generation == user.generation,
        Credential.expires_at > now(),
    )
    with reading() as connection:
        rows = connection.execute(alive.order_by(Credential.seen_at.desc()).limit(200)).all()
    return [
        {
            "public_id": row.public_id, "kind": row.kind, "name": row.name, "device": device_of(row.agent),
            "address": row.address, "created": row.created_at, "seen": row.seen_at,
            "expires": row.expires_at, "current": row.id == current,
        }
        for row in rows
    ]  # fmt: skip


def events_of(user_id: int, limit: int = 20) -> list[dict[str, Any]]:
    """The latest security events of an account, in plain words."""
    latest = select(AuditEvent.__table__).where(AuditEvent.user_id == user_id)
    with reading() as connection:
        rows = connection.execute(latest.order_by(AuditEvent.id.desc()).limit(limit)).all()
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
