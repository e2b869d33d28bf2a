"""The link that gives the owner of the old mailbox the account back: signed, used once, good for a week.

A link is void once it, or one of an earlier change, was used: whoever took an account over by its mailbox and moved the
address on holds later links only. What was used is kept beside spent captchas, under the account and the link's moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from itsdangerous import BadData
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from .. import audit, identifiers, keys, messages, signals
from ..extensions import db, reading
from ..models import Code, Credential, EmailChange, LostMailbox, SpentChallenge, User, now
from . import mailing
from .errors import AddressNotChanged, NewAddressTaken, NothingPending

DAYS = 7


@dataclass(frozen=True)
class Link:
    """What an undo link says, and when it was signed."""

    user_id: int
    old: str
    at: datetime

    @property
    def nonce(self) -> str:
        """The key under which its use is kept."""
        return f"u{self.user_id:x}:{int(self.at.timestamp())}"


def link(user_id: int, old: str) -> str:
    """The address to put into the notice; the new address is not in it, the old mailbox is not to learn it."""
    signed = keys.signer("undo").dumps([user_id, old])
    return (
        f"{current_app.config['BASE_URL']}/user/email/undo?link={signed}"  # no url_for: it is written by the purge, too
    )


def tell(user: Any, old: str, new: str) -> None:
    """Write the notice with the link to the mailbox that was left, in the transaction under way."""
    text = "您账号的邮箱已更改为 {new}。如果不是您本人的操作，请在 {days} 天内打开下面的链接恢复原来的邮箱。"
    masked = identifiers.masked(new)
    messages.queue_notice(user, old, "账号信息已更改", text, new=masked, days=DAYS, link=link(user.id, old))


def read(text: str) -> Link:
    """What a link says, if it can still be used; raises NothingPending (10802)."""
    try:
        values, at = keys.signer("undo").loads(text, max_age=DAYS * 86400, return_timestamp=True)
    except BadData:
        raise NothingPending() from None
    found = Link(int(values[0]), str(values[1]), at.astimezone(UTC))
    if _is_void(found):
        raise NothingPending()
    return found


def _is_void(found: Link) -> bool:
    """Whether this link, or one signed before it, was used since it was signed."""
    with reading() as connection:
        used = connection.execute(
            select(SpentChallenge.nonce, SpentChallenge.expires_at).where(
                SpentChallenge.nonce.startswith(f"u{found.user_id:x}:", autoescape=True)
            )
        ).all()
    moment, life = found.at.timestamp(), timedelta(days=DAYS)
    return any(
        int(row.nonce.partition(":")[2]) <= moment <= (row.expires_at - life).timestamp() for row in used
    )  # fmt: skip


def give_back(text: str) -> str:
    """Restore the old address, end everything the account is signed in with, and void its password; the masked address.

    Whoever changed the address knew the password: the owner sets a new one by a reset to the restored address. Raises
    NothingPending 10802, NewAddressTaken 10815 (another account has the old address now), AddressNotChanged 10816.
    """
    found = read(text)
    try:
        before = _restore(found)
    except IntegrityError:
        db.session.rollback()
        if _is_void(found):  # another request used the same link in this moment
            raise NothingPending() from None
        raise NewAddressTaken() from None
    app: Any = current_app
    signals.credentials_ended.send(app._get_current_object(), user_id=found.user_id)
    mailing.announce(found.user_id, before, found.old)
    return identifiers.masked(found.old)


def _restore(found: Link) -> str | None:
    db.session.add(SpentChallenge(nonce=found.nonce, expires_at=now() + timedelta(days=DAYS)))
    db.session.flush()
    user: Any = db.session.execute(select(User).where(User.id == found.user_id).with_for_update()).scalar_one_or_none()
    if user is None or user.disabled:
        db.session.rollback()
        raise AddressNotChanged()
    before: str | None = user.email
    values = {"email": found.old, "email_verified": True, "password_hash": None, "generation": User.generation + 1}
    if user.phone_changed_at and user.phone_changed_at > found.at - timedelta(days=DAYS):
        values["phone"] = None  # it may be the intruder's, who would recover the account by it
    db.session.execute(update(User).where(User.id == user.id).values(values))
    for table in (Code, EmailChange, LostMailbox, Credential):
        db.session.execute(delete(table).where(table.user_id == found.user_id))
    masked = identifiers.masked(found.old)
    messages.queue_notice(user, before, "账号信息已更改", "您账号的邮箱已恢复为 {old}。", old=masked)
    audit.record("change_email_undone", found.user_id, phone_removed="phone" in values)
    db.session.commit()
    return before
