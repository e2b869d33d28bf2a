"""Verifying the address an account has, and replacing one that is not verified yet."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from .. import audit, codes, identifiers, messages, signals
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
    return {"email": caller.user.email, "status": int(caller.user.email_verified)}


def send_again(caller: Caller) -> None:
    """Mail another code to the unverified address; the one before is void.

    Raises NothingToSend 10801, NothingPending 10802 (there is no address), TooSoon 10817, MailNotSent 10901.
    """
    user = caller.user
    if user.email_verified:
        raise NothingToSend()
    if not user.email:
        raise NothingPending()
    codes.allow_message("email", user.email)
    code = mailing.send(user, "email", user.email)
    mailing.void_queued(user.email)
    codes.issue("email", user.email, user, code=code)
    db.session.commit()


def bind(caller: Caller, code: str) -> None:
    """Verify the present address with the code that was mailed to it, from any session of the account.

    Raises AlreadyVerified 10803, WrongCode 10804, NothingPending 10802, NotVerified 10805.
    """
    user = caller.user
    if user.email_verified:
        raise AlreadyVerified()
    if not code.strip():
        raise WrongCode()
    row = codes.pending("email", user_id=user.id)
    if row is None or row.target != user.email or not codes.count_try(row.id, user.id):
        raise NothingPending()
    if not codes.matches(row, code):
        audit.record_alone("verify_email", user.id, "refused")
        raise WrongCode()
    _verify(user, row.id)


def _verify(user: Any, code_id: int) -> None:
    statement = update(User).where(
        User.id == user.id, User.email == user.email, User.generation == user.generation, User.email_verified.is_(False)
    )
    verified = db.session.execute(statement.values(email_verified=True).returning(User.id)).scalar()
    if verified is None or not codes.consume(code_id):
        db.session.rollback()
        raise NotVerified()
    audit.record("verify_email", user.id)
    db.session.commit()


def replace(caller: Caller, value: str) -> None:
    """Put a new address in place of a missing or unverified one, and mail the code that verifies it.

    Raises AddressMalformed 10806, AddressVerified 10808, SameAddress 10807, TooSoon 10817, AddressTaken 10809,
    MailNotSent 10901 and AddressNotReplaced 10810.
    """
    user = caller.user
    address = identifiers.email(value, AddressMalformed)
    if user.email_verified:
        raise AddressVerified()
    if address == user.email:
        raise SameAddress()
    codes.allow_message("email", address)
    if mailing.taken(address):
        mailing.may_tell(user.id)
        raise AddressTaken()
    code = mailing.send(user, "email", address)
    _store(user, address, code)
    signals.address_changed.send(
        current_app._get_current_object(),  # type: ignore[attr-defined]
        user_id=user.id, old=user.email, new=address,
    )  # fmt: skip


def _store(user: Any, address: str, code: str) -> None:
    codes.drop(user.id, "reset")  # a reset that was sent to the old address must not come after
    present = User.email.is_(None) if user.email is None else User.email == user.email
    statement = update(User).where(
        User.id == user.id, present, User.generation == user.generation, User.email_verified.is_(False)
    )
    try:
        moved = db.session.execute(statement.values(email=address).returning(User.id)).scalar()
    except IntegrityError:
        db.session.rollback()
        raise AddressTaken() from None
    if moved is None:
        db.session.rollback()
        raise AddressNotReplaced()
    codes.issue("email", address, user, code=code)
    masked = identifiers.masked(address)
    messages.queue_notice(user, user.email, "账号信息已更改", "您账号的邮箱已更改为 {new}。", new=masked)
    audit.record("change_email", user.id)
    db.session.commit()
