"""What the page /user/email shows: one clear state at a time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import current_app
from flask_login import current_user
from sqlalchemy import Row, select

from .. import budgets, codes, identifiers
from ..extensions import reading
from ..models import EmailChange, LostMailbox
from . import lost_mailbox, verification
from .address_change import pending


def binding() -> dict[str, Any]:
    """Where the caller's address stands, and what belongs to that.

    none, unverified, verified; pending (two codes), proving (the old mailbox is lost, the new one's code is missing) or
    waiting (it came, now time must pass).
    """
    if not current_user.user.email_verified:
        address = verification.to_verify(current_user.user)
        if address is None:
            return {"state": "none"}
        return {"state": "unverified", "address": address, "resend_in": _wait("email", address)}
    if change := pending(current_user):
        return {"state": "pending", "pending": _described(change)}
    if (wish := lost_mailbox.pending(current_user.user_id)) and (described := _lost(wish)):
        return described
    return {"state": "verified", "lost_offered": lost_mailbox.offered()}


def as_json() -> dict[str, Any]:
    """The same for programs: moments as Unix seconds."""
    return dict(_seconds(binding()))


def _seconds(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _seconds(part) for name, part in value.items()}
    return int(value.timestamp()) if isinstance(value, datetime) else value


def _lost(wish: Row[Any]) -> dict[str, Any] | None:
    code = None if wish.proven else codes.pending("email-lost", user_id=wish.user_id)
    if code is None and not wish.proven:
        return None  # its code has expired: as if it had never been asked for
    return {
        "state": "waiting" if wish.proven else "proving",
        "lost": {
            "old_masked": identifiers.masked(wish.old_email),
            "new_masked": identifiers.masked(wish.new_email),
            "due": wish.due_at,
            "expires": code.expires_at if code else None,
            "tries": _tries("email-lost", wish.user_id),
        },
    }


def held(user_id: int) -> list[dict[str, str]]:
    """The changes under way of an account, for its owner's export."""
    found: list[Any] = []
    for table, until in ((EmailChange, EmailChange.expires_at), (LostMailbox, LostMailbox.due_at)):
        with reading() as connection:
            wish = select(table.old_email, table.new_email, until.label("until")).where(table.user_id == user_id)
            found += connection.execute(wish).all()
    return [{"old_email": row.old_email, "new_email": row.new_email, "until": row.until.isoformat()} for row in found]


def _described(change: Row[Any]) -> dict[str, Any]:
    return {
        "old_masked": identifiers.masked(change.old_email),
        "new_masked": identifiers.masked(change.new_email),
        "old_done": change.old_done,
        "new_done": change.new_done,
        "expires": change.expires_at,
        "old_tries": _tries("email-old", change.user_id),
        "new_tries": _tries("email-new", change.user_id),
        "old_resend_in": _wait("email-old", change.old_email),
        "new_resend_in": _wait("email-new", change.new_email),
    }


def _tries(purpose: str, user_id: int) -> int:
    row = codes.pending(purpose, user_id=user_id)
    return max(0, int(current_app.config["CODE_TRIES"]) - int(row.attempts)) if row else 0


def _wait(purpose: str, target: str) -> int:
    gap = budgets.wait("gap", f"{purpose}:{target}", 1)
    return gap or budgets.wait("day", target, int(current_app.config["MESSAGES_PER_DAY"]))
