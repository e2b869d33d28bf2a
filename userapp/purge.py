"""Takes away what has expired: by command for cron, and by the service itself every few minutes; one node at a time."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, delete, func, or_, select, tuple_

from .extensions import db, writing
from .models import AuditEvent, Budget, Code, Credential, EmailChange, Import, Message, SpentChallenge, Tally, User, now
from .signals import purging
from .turns import turn

log = logging.getLogger("userapp.purge")
KEPT = timedelta(days=3)
BATCH = 2000  # rows of one transaction: a request never waits long for its lock


def purge(thorough: bool = True) -> dict[str, int]:
    """Delete expired rows and collect what features left behind; how many of each, nothing where another is at it.

    `thorough` also looks through all credentials for those that a change of password ended: they are dead, and expire
    by themselves, so only the command takes the time.
    """
    with turn(db.engine, "purge") as mine:
        if not mine:
            return {}
        gone = {model.__tablename__: _delete(model, condition) for model, condition in _expired(thorough).items()}
        return gone | _what_features_did()


def _what_features_did() -> dict[str, int]:
    """Let every feature do what is due; what one cannot do now waits for the next time and holds up nobody else."""
    app: Any = current_app
    done: dict[str, int] = {}
    for receive in purging.receivers_for(app._get_current_object()):
        try:
            done |= receive(app._get_current_object()) or {}
        except Exception as error:
            log.warning("purge: %s", type(error).__name__)
    return done


def _expired(thorough: bool) -> dict[Any, ColumnElement[bool]]:
    moment = now()
    old_events = moment - timedelta(days=current_app.config["AUDIT_DAYS"])
    ended: ColumnElement[bool] = Credential.expires_at <= moment
    if thorough:
        generation = select(User.generation).where(User.id == Credential.user_id).scalar_subquery()
        ended = or_(ended, Credential.generation < func.coalesce(generation, 0))
    return {
        Credential: ended,
        Code: Code.expires_at <= moment,
        SpentChallenge: SpentChallenge.expires_at <= moment,
        Budget: Budget.resets_at <= moment,
        EmailChange: EmailChange.expires_at <= moment,
        Message: (Message.done != "") & (Message.created_at <= moment - KEPT),
        AuditEvent: AuditEvent.at <= old_events,
        Tally: Tally.hour <= old_events,
        Import: Import.at <= old_events,
    }


def _delete(model: Any, condition: ColumnElement[bool]) -> int:
    """Delete in short transactions."""
    keys = list(model.__table__.primary_key.columns)
    which = keys[0] if len(keys) == 1 else tuple_(*keys)
    statement = delete(model).where(which.in_(select(*keys).where(condition).limit(BATCH)))
    rows = 0
    while True:
        with writing() as connection:
            part = connection.execute(statement).rowcount
        rows += part
        if part < BATCH:
            return rows
