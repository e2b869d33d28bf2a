"""Verifying the address an account has, and replacing one that is not verified yet.

Where nobody may learn who has an address, a new one is not the account's before its code is in: until then it is only
the target of that code. So a taken address and a free one look alike.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.exc import IntegrityError

from .. import audit, codes, identifiers, messages
from ..credentials import Caller
from ..errors import AddressMalformed, AddressTaken, AddressVerified
from ..extensions import db
from ..models import User
from . import mailing
from .errors import (
    AddressNotReplaced,
    AlreadyVerified,
    NothingPending,
    NothingToSend,
    NotVerified,
    SameAddress,
    WrongCode,
)


def status(caller: Caller) -> dict[str, object]:
    """The address and whether it is verified, as document B spells it."""
    return {"email": to_verify(caller.user) or caller.user.email, "status": int(caller.user.email_verified)}


def to_verify(user: Any) -> str | None:
    """The address a code would verify; None where the present one is verified or there is none."""
    if user.email_verified:
        return None
    row = codes.pending("email", user_id=user.id) if mailing.hidden() else None
    return str(row.target) if row else user.email


def send_again(caller: Caller) -> None:
    """Mail another code to the unverified address; the one before is void.

    Raises NothingToSend 10801, NothingPending 10802 (there is no address), TooSoon 10817, MailNotSent 10901.
    """
    user = caller.user
    if user.email_verified:
        raise NothingToSend()
    address = to_verify(user)
    if not address:
        raise NothingPending()
    mailing.charge_activation(address)
    owner = None if address == user.email else mailing.owner_of(address)
    code = mailing.send(user, "email", address, owner)
    mailing.void_queued(address)
    codes.issue("email", address, user, code=code)
    db.session.commit()


def bind(caller: Caller, code: str) -> None:
    """Verify the present address with the code that was mailed to it, from any session of the account.

    Raises AlreadyVerified 10803, WrongCode 10804, NothingPending 10802, NotVerified 10805 and, where the address was
    not the account's before, AddressTaken 10809 if another account got it meanwhile.
    """
    user = caller.user
    if user.email_verified:
        raise AlreadyVerified()
    if not code.strip():
        raise WrongCode()
    row = codes.pending("email", user_id=user.id)
    if row is None or row.target != to_verify(user) or not codes.count_try(row.id, user.id):
        raise NothingPending()
    if not codes.matches(row, code):
        audit.record_alone("verify_email", user.id, "refused")
        raise WrongCode()
    _verify(user, row.id, row.target)
    if row.target != user.email:
        mailing.announce(user.id, user.email, row.target)


def _verify(user: Any, code_id: int, address: str) -> None:
    if address != user.email:
        codes.drop(user.id, "reset")  # a reset that was sent to the old address must not come after
    try:
        values = {"email": address, "email_verified": True}
        verified = db.session.execute(update(User).where(*_as_read(user)).values(values).returning(User.id)).scalar()
    except IntegrityError:
        db.session.rollback()
        raise AddressTaken() from None
    if verified is None or not codes.consume(code_id):
        db.session.rollback()
        raise NotVerified()
    if address != user.email:
        _tell(user, address)
    audit.record("verify_email", user.id)
    db.session.commit()


def replace(caller: Caller, value: str) -> None:
    """Put a new address in place of a missing or unverified one, and mail the code that verifies it.

    Raises AddressMalformed 10806, AddressVerified 10808, SameAddress 10807, AddressTaken 10809, TooSoon 10817,
    MailNotSent 10901 and AddressNotReplaced 10810.
    """
    user = caller.user
    address = identifiers.email(value, AddressMalformed)
    if user.email_verified:
        raise AddressVerified()
    if address == user.email:
        raise SameAddress()
    owner = mailing.told_owner(user.id, address, AddressTaken)
    codes.allow_message("email", address)
    if mailing.hidden():
        _await(user, address, mailing.send(user, "email", address, owner))
        return
    _store(user, address, mailing.send(user, "email", address))
    mailing.announce(user.id, user.email, address)


def _await(user: Any, address: str, code: str) -> None:
    """Keep the code alone; the address stays what it was until it comes back."""
    if db.session.execute(select(User.id).where(*_as_read(user)).with_for_update()).scalar() is None:
        db.session.rollback()
        raise AddressNotReplaced()
    codes.issue("email", address, user, code=code)
    audit.record("change_email_asked", user.id)
    db.session.commit()


def _store(user: Any, address: str, code: str) -> None:
    codes.drop(user.id, "reset")  # a reset that was sent to the old address must not come after
    try:
        moved = db.session.execute(
            update(User).where(*_as_read(user)).values(email=address).returning(User.id)
        ).scalar()
    except IntegrityError:
        db.session.rollback()
        raise AddressTaken() from None
    if moved is None:
        db.session.rollback()
        raise AddressNotReplaced()
    codes.issue("email", address, user, code=code)
    _tell(user, address)
    audit.record("change_email", user.id)
    db.session.commit()


def _as_read(user: Any) -> tuple[ColumnElement[bool], ...]:
    """The account as it was when the caller was let in."""
    present = User.email.is_(None) if user.email is None else User.email == user.email
    return User.id == user.id, present, User.generation == user.generation, User.email_verified.is_(False)


def _tell(user: Any, address: str) -> None:
    masked = identifiers.masked(address)
    messages.queue_notice(user, user.email, "账号信息已更改", "您账号的邮箱已更改为 {new}。", new=masked)
