"""What the page /user/email shows: one clear state at a time."""

from __future__ import annotations

from typing import Any

from flask import current_app
from flask_login import current_user
from sqlalchemy import Row

from .. import budgets, codes, identifiers
from . import verification
from .address_change import pending


def binding() -> dict[str, Any]:
    """Where the caller's address stands: none, unverified, verified or pending, and what belongs to that."""
    if not current_user.user.email_verified:
        address = verification.to_verify(current_user.user)
        if address is None:
            return {"state": "none"}
        return {"state": "unverified", "address": address, "resend_in": _wait("email", address)}
    change = pending(current_user)
    return {"state": "verified"} if change is None else {"state": "pending", "pending": _described(change)}


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
