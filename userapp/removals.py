"""Deleting accounts: at once or when a person's waiting time is over, and so that nothing of them is left.

A row of `removals` says what is still to do. It is there from the moment somebody asks; it goes when the account is
gone, every feature has dropped what it held, the farewell has left and the database's file is rewritten. So a
process that dies in between leaves nothing behind: the purge of another takes up the row.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from sqlalchemy import delete, or_, select, update

from . import audit, messages, signals
from .errors import NotFound
from .extensions import db, reading, scrub, writing
from .models import Code, Message, Removal, User, now
from .statements import upsert

log = logging.getLogger("userapp.removals")


def remove(user_id: int, by: int) -> None:
    """Delete an account and what belongs to it, now; docs/security.md says what stays. Raises NotFound."""
    with reading() as connection:
        found = connection.execute(select(*User.__table__.c).where(User.id == user_id)).one_or_none()
    if found is None:
        raise NotFound()
    targets = [target for target in (found.email, found.phone) if target]
    db.session.execute(delete(Message).where(Message.recipient.in_(targets)))
    db.session.execute(delete(Code).where(Code.target.in_(targets)))  # also those nobody's account was found for
    if db.session.execute(delete(User).where(User.id == user_id).returning(User.id)).scalar() is None:
        db.session.rollback()
        raise NotFound()
    audit.forget(user_id)
    before = {"user_type": found.user_type, "disabled": found.disabled}
    audit.record("remove", user_id, actor_id=by, before=before, after=None)
    farewell = messages.queue_notice(found, found.email or found.phone, "账号已删除", "您的账号和其中的资料已经删除。")
    _begun(user_id, farewell)
    db.session.commit()
    app: Any = current_app
    signals.credentials_ended.send(app._get_current_object(), user_id=user_id)
    _tell(user_id)


def _begun(user_id: int, farewell: Message | None) -> None:
    db.session.flush()
    db.session.execute(delete(Removal).where(Removal.user_id == user_id))
    db.session.add(Removal(user_id=user_id, due_at=now(), begun=True, message_id=farewell.id if farewell else None))


def _tell(user_id: int) -> bool:
    """Let every feature drop what it holds; one that cannot now is asked again by the next purge."""
    app, told = current_app._get_current_object(), True  # type: ignore[attr-defined]
    for receive in signals.account_removed.receivers_for(app):
        try:
            receive(app, user_id=user_id)
        except Exception as error:
            log.warning("removal of %s: %s", user_id, type(error).__name__)
            told = False
    return told


def ask(user_id: int, due_at: datetime) -> bool:
    """Note that an account is to go at a moment, in the transaction under way; False if that was asked before."""
    wish = upsert(db.engine.dialect.name, Removal)
    wish = wish.values(user_id=user_id, due_at=due_at, begun=False).on_conflict_do_nothing()
    return db.session.execute(wish.returning(Removal.user_id)).scalar() is not None


def due(user_id: int) -> datetime | None:
    """When an account is to go, if somebody asked for that."""
    with reading() as connection:
        return connection.execute(select(Removal.due_at).where(Removal.user_id == user_id)).scalar()


def call_off(user_id: int) -> bool:
    """Let an account stay, in the transaction under way; False if nobody asked, or it is too late."""
    statement = delete(Removal).where(Removal.user_id == user_id, Removal.begun.is_(False))
    return db.session.execute(statement.returning(Removal.user_id)).scalar() is not None


def finish() -> int:
    """Remove the accounts whose time has come, and do what earlier removals left to do; how many accounts went."""
    with reading() as connection:
        waiting = select(*Removal.__table__.c).where(or_(Removal.begun, Removal.due_at <= now()))
        found = connection.execute(waiting.limit(1000)).all()
    present = [row.user_id for row in found if _exists(row.user_id)]
    cleared = [row.user_id for row in found if row.user_id not in present and _clear_up(row)]
    if cleared and scrub():
        with writing() as connection:
            connection.execute(delete(Removal).where(Removal.user_id.in_(cleared)))
    return sum(map(_remove_due, present))


def _exists(user_id: int) -> bool:
    with reading() as connection:
        return connection.execute(select(User.id).where(User.id == user_id)).scalar() is not None


def _remove_due(user_id: int) -> int:
    """From the first statement on nobody can call it off; of several workers one deletes the row of the account."""
    with writing() as connection:
        ripe = update(Removal).where(Removal.user_id == user_id, or_(Removal.begun, Removal.due_at <= now()))
        if connection.execute(ripe.values(begun=True)).rowcount == 0:
            return 0
    with suppress(NotFound):
        remove(user_id, by=user_id)
        return 1
    return 0


def _clear_up(row: Any) -> bool:
    """Take away the farewell once it has left; whether nothing else is left to do."""
    with reading() as connection:
        waits = connection.execute(select(Message.id).where(Message.id == row.message_id, Message.done == "")).scalar()
    if not _tell(row.user_id) or waits is not None:
        return False
    with writing() as connection:
        connection.execute(delete(Message).where(Message.id == row.message_id))
    return True


@signals.purging.connect
def _purging(app: Flask) -> dict[str, int]:
    with app.app_context():
        return {"removals": finish()}
