"""Takes away what has expired: by command for cron, and by the service itself every few minutes."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import delete, func, select

from . import signals
from .extensions import writing
from .models import AuditEvent, Budget, Code, Credential, EmailChange, Message, SpentChallenge, Tally, User, now

log = logging.getLogger("userapp.purge")
KEPT = timedelta(days=3)


def purge() -> dict[str, int]:
    """Delete expired rows, each table in a short transaction of its own; how many of each."""
    moment = now()
    generation = select(User.generation).where(User.id == Credential.user_id).scalar_subquery()
    old_events = moment - timedelta(days=current_app.config["AUDIT_DAYS"])
    expired = {
        "credentials": delete(Credential).where(
            (Credential.expires_at <= moment) | (Credential.generation < func.coalesce(generation, 0))
        ),
        "codes": delete(Code).where(Code.expires_at <= moment),
        "spent_challenges": delete(SpentChallenge).where(SpentChallenge.expires_at <= moment),
        "budgets": delete(Budget).where(Budget.resets_at <= moment),
        "email_changes": delete(EmailChange).where(EmailChange.expires_at <= moment),
        "messages": delete(Message).where(Message.done != "", Message.created_at <= moment - KEPT),
        "audit_events": delete(AuditEvent).where(AuditEvent.at <= old_events),
        "tallies": delete(Tally).where(Tally.hour <= old_events),
    }
    gone: dict[str, int] = {}
    for table, statement in expired.items():
        with writing() as connection:
            gone[table] = connection.execute(statement).rowcount
    return gone | _what_features_did()


def _what_features_did() -> dict[str, int]:
    """Let every feature do what is due; what one cannot do now waits for the next time and holds up nobody else."""
    app: Any = current_app
    done: dict[str, int] = {}
    for receive in signals.purging.receivers_for(app._get_current_object()):
        try:
            done |= receive(app._get_current_object()) or {}
        except Exception as error:
            log.warning("purge: %s", type(error).__name__)
    return done
