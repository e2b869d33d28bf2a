"""Changing a verified address: both mailboxes are asked, and until both have answered nothing moves."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.exc import IntegrityError

from .. import audit, codes, identifiers
from ..credentials import Caller
from ..errors import AddressMalformed, MailNotSent, TooSoon
from ..extensions import db, reading
from ..models import Credential, EmailChange, LostMailbox, User, now
from . import mailing
from .errors import (
    AddressNotChanged,
    NewAddressTaken,
    NothingPending,
    OldMailboxUnreachable,
    SameAddress,
    VerifiedFirst,
)


def start(caller: Caller, value: str) -> None:
    """Mail a code to the old and another to the new address; a change that was pending before is replaced.

    Raises VerifiedFirst 10811, AddressMalformed 10806, SameAddress 10807, NewAddressTaken 10815, TooSoon 10817,
    OldMailboxUnreachable 10812, MailNotSent 10901 (for the new address), AddressNotChanged 10816.
    """
    user = caller.user
    if not user.email or not user.email_verified:
        raise VerifiedFirst()
    address = identifiers.email_or_none(value)
    if address is None:
        raise AddressMalformed("new_email")
    if address == user.email:
        raise SameAddress("new_email")
    owner = mailing.told_owner(user.id, address, NewAddressTaken)
    _charge(user.email, address)
    old_code, new_code = _send_both(user, address, owner)
    _store(caller, address, old_code, new_code)


def _charge(old: str, new: str) -> None:
    """Both messages or none; where nobody may learn who has an address, it is charged alike."""
    codes.allow_message("email-old", old)
    try:
        codes.allow_message("email-new", new)
    except TooSoon:
        codes.give_back_message("email-old", old)
        raise


def _send_both(user: Any, address: str, owner: Row[Any] | None) -> tuple[str, str]:
    try:
        old_code = mailing.send(user, "email-old", user.email)
    except MailNotSent:
        codes.give_back_message("email-new", address)
        raise OldMailboxUnreachable() from None
    return old_code, mailing.send(user, "email-new", address, owner)


def _store(caller: Caller, address: str, old_code: str, new_code: str) -> None:
    user = caller.user
    same = select(User.id).where(User.id == user.id, User.email == user.email, User.generation == user.generation)
    if db.session.execute(same.with_for_update()).scalar() is None:
        db.session.rollback()
        raise AddressNotChanged()
    try:
        for table in (EmailChange, LostMailbox):  # one change at a time
            db.session.execute(delete(table).where(table.user_id == user.id))
        change = EmailChange(
            user_id=user.id, generation=user.generation, credential_id=caller.credential_id, old_email=user.email,
            new_email=address, expires_at=now() + timedelta(minutes=codes.minutes("email-old")),
        )  # fmt: skip
        db.session.add(change)
        codes.issue("email-old", user.email, user, code=old_code)
        codes.issue("email-new", address, user, code=new_code)
        audit.record("change_email_asked", user.id)
        db.session.commit()
    except IntegrityError:  # the session that asked was ended meanwhile
        db.session.rollback()
        raise AddressNotChanged() from None


def pending(caller: Caller) -> Row[Any] | None:
    """The living change that this very session or token asked for, if the account is still as it was then."""
    with reading() as connection:
        return connection.execute(
            select(*EmailChange.__table__.c)
            .join(User, User.id == EmailChange.user_id)
            .join(Credential, Credential.id == EmailChange.credential_id)
            .where(EmailChange.user_id == caller.user_id, EmailChange.credential_id == caller.credential_id)
            .where(EmailChange.generation == User.generation, EmailChange.old_email == User.email)
            .where(User.email_verified, EmailChange.expires_at > now())
        ).one_or_none()


def resend(caller: Caller, side: str) -> None:
    """Mail one mailbox of the pending change another code; `side` is old or new.

    Raises NothingPending 10802, TooSoon 10817, OldMailboxUnreachable 10812, MailNotSent 10901.
    """
    change = pending(caller)
    if change is None:
        raise NothingPending()
    purpose, target = f"email-{side}", change.old_email if side == "old" else change.new_email
    codes.allow_message(purpose, target)
    owner = mailing.owner_of(target) if side == "new" else None
    try:
        code = mailing.send(caller.user, purpose, target, owner)
    except MailNotSent:
        if side == "old":
            raise OldMailboxUnreachable() from None
        raise
    codes.issue(purpose, target, caller.user, code=code)
    undone = {"old_done": False} if side == "old" else {"new_done": False}
    db.session.execute(update(EmailChange).where(EmailChange.user_id == caller.user_id).values(undone))
    db.session.commit()


def cancel(caller: Caller) -> None:
    """Forget the change of the account, whichever session asked for it and how; raises NothingPending 10802."""
    own = [table.user_id == caller.user_id for table in (EmailChange, LostMailbox)]
    two_sided = db.session.execute(delete(EmailChange).where(own[0]).returning(EmailChange.user_id)).scalar()
    lost = db.session.execute(delete(LostMailbox).where(own[1]).returning(LostMailbox.user_id)).scalar()
    if two_sided is None and lost is None:
        db.session.rollback()
        raise NothingPending()
    for purpose in ("email-old", "email-new", "email-lost"):
        codes.drop(caller.user_id, purpose)
    audit.record("change_email_cancelled", caller.user_id)
    db.session.commit()
