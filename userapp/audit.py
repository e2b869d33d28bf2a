"""Security events: one row beside what they tell of, and one structured log line."""

from __future__ import annotations

import json
import logging
from typing import Any

from flask import g, has_request_context
from sqlalchemy import insert

from .addresses import client_address
from .extensions import db, writing
from .models import AuditEvent, now

log = logging.getLogger("userapp.audit")


def record(event: str, user_id: int | None, outcome: str = "ok", actor_id: int | None = None, **detail: Any) -> None:
    """Add an event to the transaction under way; it is kept if and only if what it tells of is.

    `user_id` is the account it happened to, `actor_id` who did it where that is somebody else.
    """
    db.session.execute(insert(AuditEvent).values(_values(event, user_id, outcome, actor_id, detail)))


def record_alone(event: str, user_id: int | None, outcome: str, **detail: Any) -> None:
    """Write an event in a transaction of its own: for refusals, which change nothing else."""
    with writing() as connection:
        connection.execute(insert(AuditEvent).values(_values(event, user_id, outcome, None, detail)))


def _values(
    event: str, user_id: int | None, outcome: str, actor_id: int | None, detail: dict[str, Any]
) -> dict[str, Any]:
    inside = has_request_context()
    values: dict[str, Any] = {
        "at": now(),
        "event": event,
        "user_id": user_id,
        "actor_id": user_id if actor_id is None else actor_id,
        "address": client_address()[:45] if inside else "",
        "request_id": g.get("request_id", "") if inside else "",
        "outcome": outcome,
        "detail": detail,
    }
    log.info(json.dumps(values | {"at": values["at"].isoformat()}, ensure_ascii=False))
    return values
