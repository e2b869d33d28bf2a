"""The link by which an old mailbox stops a change that somebody asked for who says to have lost it."""

from __future__ import annotations

from typing import Any

from flask import current_app
from itsdangerous import BadData
from sqlalchemy import delete, select

from .. import audit, codes, identifiers, keys, messages
from ..extensions import db, reading
from ..models import LostMailbox, User
from .errors import NothingPending


def link(user_id: int, old: str) -> str:
    """The address to put into the announcement; whoever reads the old mailbox may stop any such wish."""
    signed = keys.signer("keep").dumps([user_id, old])
    return f"{current_app.config['BASE_URL']}/user/email/keep?link={signed}"


def read(text: str) -> Any:
    """The wish a link can stop, as a row; raises NothingPending (10802)."""
    try:
        user_id, old = keys.signer("keep").loads(text, max_age=86400 * (current_app.config["LOST_MAILBOX_DAYS"] + 1))
    except BadData:
        raise NothingPending() from None
    with reading() as connection:
        wish = select(*LostMailbox.__table__.c).where(LostMailbox.user_id == user_id, LostMailbox.old_email == old)
        found = connection.execute(wish).one_or_none()
    if found is None:
        raise NothingPending()
    return found


def keep(text: str) -> None:
    """Stop the wish: the address stays as it is. Raises NothingPending (10802)."""
    wish = read(text)
    same = (LostMailbox.user_id == wish.user_id, LostMailbox.old_email == wish.old_email)
    if db.session.execute(delete(LostMailbox).where(*same).returning(LostMailbox.user_id)).scalar() is None:
        db.session.rollback()
        raise NothingPending()
    codes.drop(wish.user_id, "email-lost")
    if wish.proven:
        user: Any = db.session.get_one(User, wish.user_id)
        masked = identifiers.masked(wish.old_email)
        messages.queue_notice(
            user, wish.new_email, "更换邮箱", "旧邮箱 {old} 阻止了更换，账号的邮箱保持不变。", old=masked
        )
    audit.record("change_email_cancelled", wish.user_id, lost=True)
    db.session.commit()
