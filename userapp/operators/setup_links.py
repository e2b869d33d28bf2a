"""The link an operator hands on: whoever opens it sets the account's password, once.

Nothing of it is stored. It names the account's generation, which moves on with the password it sets, so of two uses at
once one is told that the link is dead; so is everybody who comes after the account was disabled or given a new link.
"""

from __future__ import annotations

from typing import Any

from flask import current_app
from itsdangerous import BadData
from sqlalchemy import select, update

from .. import audit, keys, messages, passwords, signals
from ..accounts import OPERATOR, drop_issued
from ..extensions import db, reading
from ..models import User
from .errors import LinkDead, SetupPasswordLength


def link(user_id: int) -> str:
    """A link for an account; all it was signed in with, and every link before this one, ends."""
    moved = update(User).where(User.id == user_id).values(generation=User.generation + 1).returning(User.generation)
    generation = db.session.execute(moved).scalar_one()
    audit.record("start_reset", user_id, actor_id=OPERATOR, by="link")
    db.session.commit()
    signed = keys.signer("setup").dumps([user_id, generation])
    path = current_app.url_map.bind("localhost").build("operators.setup", {"link": signed})
    return str(current_app.config["BASE_URL"]) + path


def set_password(text: str, new: str) -> None:
    """Set the password of the account a link is for; raises LinkDead 11200, SetupPasswordLength 11201,
    PasswordTooCommon 10205.
    """
    user = _account(text)
    known = (user.uname, user.uid, user.phone, user.email)
    passwords.check_policy(new, known, SetupPasswordLength, field="new_password")
    stored = passwords.hash_password(new)
    still = (User.id == user.id, User.generation == user.generation, User.disabled.is_(False))
    values = {"password_hash": stored, "generation": User.generation + 1}
    if db.session.execute(update(User).where(*still).values(values).returning(User.id)).scalar() is None:
        db.session.rollback()
        raise LinkDead()
    drop_issued(user.id)
    messages.queue_notice(user, user.email or user.phone, "密码已更改", "您账号的密码刚刚被更改。")
    audit.record("reset", user.id, by="link")
    db.session.commit()
    app: Any = current_app
    signals.credentials_ended.send(app._get_current_object(), user_id=user.id)


def _account(text: str) -> Any:
    """The account a link can still set the password of, as a row; raises LinkDead."""
    life = 3600 * current_app.config["SETUP_LINK_HOURS"]
    try:
        user_id, generation = map(int, keys.signer("setup").loads(text[:500], max_age=life))
    except (BadData, TypeError, ValueError):
        raise LinkDead() from None
    alive = (User.id == user_id, User.generation == generation, User.disabled.is_(False))
    with reading() as connection:
        found = connection.execute(select(*User.__table__.c).where(*alive)).one_or_none()
    if found is None:
        raise LinkDead()
    return found
