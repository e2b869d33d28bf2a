"""Takes away what has expired: by command for cron, and by the service itself every few minutes."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app
from sqlalchemy import delete, func, select

from .extensions import writing
from .models import AuditEvent, Budget, Code, Credential, EmailChange, Message, SpentChallenge, Tally, User, now
from .signals import purging

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
    purging.send(current_app._get_current_object())  # type: ignore[attr-defined]
    return gone
