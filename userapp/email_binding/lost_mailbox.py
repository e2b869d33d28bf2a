"""Changing the address of somebody who lost the old mailbox: the password, a code to the new one, and days of waiting.

The old mailbox is told at once and can stop it by a link for as long as the wait lasts. When it is over the service
itself moves the address, once and only if the account is still as it was: nobody has to come back for it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, Row, delete, select, update
from sqlalchemy.exc import IntegrityError

from .. import audit, budgets, codes, identifiers, messages, passwords
from ..credentials import Caller
from ..errors import AddressMalformed, AppError, NotFound, TooManyFailures, TooSoon, WrongPassword
from ..extensions import db, reading
from ..models import EmailChange, LostMailbox, User, now
from . import keep, mailing, undo
from .errors import AddressNotChanged, NewAddressTaken, NothingPending, SameAddress, VerifiedFirst, WrongNewCode

ASKS_A_DAY = 5
ANNOUNCED = (
    "有人说无法再使用这个邮箱，想在 {days} 天后把账号的邮箱改为 {new}。如果您还能收到这封邮件，请打开链接阻止更换。"
)


def offered() -> bool:
    """Whether this installation has the path at all: off in the documented profile unless switched on."""
    config = current_app.config
    return bool((config["LOST_MAILBOX"] or ("no" if config["SECURITY_PROFILE"] == "documented" else "yes")) == "yes")


def start(caller: Caller, password: str, value: str) -> None:
    """Tell the old mailbox, mail a code to the new one, and begin to wait; what was pending before is replaced.

    Raises NotFound where it is not offered, VerifiedFirst 10811, AddressMalformed 10806, SameAddress 10807,
    TooManyFailures 10110, WrongPassword 10101, TooSoon 10817, NewAddressTaken 10815, MailNotSent 10901,
    AddressNotChanged 10816.
    """
    user = caller.user
    if not offered():
        raise NotFound()
    if not user.email or not user.email_verified:
        raise VerifiedFirst()
    address = identifiers.email_or_none(value)
    if address is None:
        raise AddressMalformed("new_email")
    if address == user.email:
        raise SameAddress("new_email")
    _require_password(user, password)
    if wait := budgets.charge("lost", str(user.id), ASKS_A_DAY, 86400):
        raise TooSoon(retry_after=wait)
    owner = mailing.told_owner(user.id, address, NewAddressTaken)
    codes.allow_message("email-lost", address)
    _store(user, address, mailing.send(user, "email-lost", address, owner))


def _require_password(user: Any, password: str) -> None:
    """Wrong ones count as those of a password change do, before anything is computed."""
    config, key = current_app.config, f"change:{user.id}"
    if wait := budgets.charge("login", key, config["LOGIN_TRIES"], config["LOGIN_WINDOW"], extend=True):
        raise TooManyFailures(retry_after=wait)
    try:
        right = passwords.verify(password, user.password_hash)
    except AppError:
        budgets.refund("login", key)
        raise
    if not right:
        audit.record_alone("change_email_asked", user.id, "refused", lost=True)
        raise WrongPassword()
    budgets.refund("login", key)


def _store(user: Any, address: str, code: str) -> None:
    same = select(User.id).where(User.id == user.id, User.email == user.email, User.generation == user.generation)
    if db.session.execute(same.with_for_update()).scalar() is None:
        db.session.rollback()
        raise AddressNotChanged()
    forget(user.id)
    days = int(current_app.config["LOST_MAILBOX_DAYS"])
    wish = LostMailbox(
        user_id=user.id, generation=user.generation, old_email=user.email, new_email=address,
        due_at=now() + timedelta(days=days),
    )  # fmt: skip
    db.session.add(wish)
    codes.issue("email-lost", address, user, code=code)
    messages.queue(
        user, user.email, "更换邮箱", ANNOUNCED, life=timedelta(days=days), days=days,
        new=identifiers.masked(address), link=keep.link(user.id, user.email),
    )  # fmt: skip
    audit.record("change_email_asked", user.id, lost=True)
    db.session.commit()


def forget(user_id: int) -> None:
    """Drop whatever change of a verified address is under way, in the transaction under way."""
    db.session.execute(delete(EmailChange).where(EmailChange.user_id == user_id))
    db.session.execute(delete(LostMailbox).where(LostMailbox.user_id == user_id))
    for purpose in ("email-old", "email-new", "email-lost"):
        codes.drop(user_id, purpose)


def pending(user_id: int) -> Row[Any] | None:
    """The living wish of an account, if it is still as it was then."""
    with reading() as connection:
        return connection.execute(
            select(*LostMailbox.__table__.c)
            .join(User, User.id == LostMailbox.user_id)
            .where(LostMailbox.user_id == user_id, *_unchanged())
        ).one_or_none()


def _unchanged() -> tuple[ColumnElement[bool], ...]:
    """The account is as it was when the wish was made."""
    same = User.generation == LostMailbox.generation, User.email == LostMailbox.old_email
    return *same, User.email_verified.is_(True), User.disabled.is_(False)


def confirm(caller: Caller, code: str) -> None:
    """Prove the new mailbox by its code; from then on nothing but time is missing.

    Raises NothingPending 10802, WrongNewCode 10814, AddressNotChanged 10816.
    """
    wish = pending(caller.user_id)
    row = codes.pending("email-lost", user_id=caller.user_id)
    if wish is None or wish.proven or row is None or row.target != wish.new_email:
        raise NothingPending()
    if not code.strip():
        raise WrongNewCode()
    if not codes.count_try(row.id, row.user_id):
        raise NothingPending()
    if not codes.matches(row, code):
        audit.record_alone("change_email", caller.user_id, "refused", lost=True)
        raise WrongNewCode()
    same = update(LostMailbox).where(LostMailbox.user_id == caller.user_id, LostMailbox.new_email == wish.new_email)
    proven = db.session.execute(same.values(proven=True).returning(LostMailbox.user_id)).scalar()
    if proven is None or not codes.consume(row.id):
        db.session.rollback()
        raise AddressNotChanged()
    db.session.commit()


def move_due() -> int:
    """Move the addresses whose wait is over, and drop wishes nobody proved or whose account changed; how many moved."""
    with reading() as connection:
        due = select(LostMailbox.user_id).where(LostMailbox.proven, LostMailbox.due_at <= now())
        found = connection.execute(due.limit(1000)).scalars().all()
    moved = sum(_move(user_id) for user_id in found)
    _drop_dead()
    return moved


def _move(user_id: int) -> int:
    """One transaction, like the change by two codes: a reset by the old address and this never both succeed."""
    codes.drop(user_id, "reset")
    user: Any = db.session.execute(select(User).where(User.id == user_id).with_for_update()).scalar_one_or_none()
    due = (LostMailbox.user_id == user_id, LostMailbox.proven, LostMailbox.due_at <= now())
    wish = db.session.execute(delete(LostMailbox).where(*due).returning(*LostMailbox.__table__.c)).one_or_none()
    if wish is None:  # stopped, or moved by another worker
        db.session.rollback()
        return 0
    old = (User.generation == wish.generation, User.email == wish.old_email, User.email_verified)
    statement = update(User).where(User.id == user_id, User.disabled.is_(False), *old).values(email=wish.new_email)
    try:
        moved = db.session.execute(statement.returning(User.id)).scalar()
    except IntegrityError:  # somebody has the address by now
        moved = None
    if moved is None:
        db.session.rollback()
        return _give_up(user_id, wish.new_email)
    _settle(user, wish)
    db.session.commit()
    mailing.announce(user_id, wish.old_email, wish.new_email)
    return 1


def _settle(user: Any, wish: Row[Any]) -> None:
    forget(wish.user_id)
    codes.drop(wish.user_id, "email")
    undo.tell(user, wish.old_email, wish.new_email)
    masked = identifiers.masked(wish.new_email)
    messages.queue_notice(user, wish.new_email, "账号信息已更改", "您账号的邮箱已更改为 {new}。", new=masked)
    audit.record("change_email", wish.user_id, lost=True)


def _give_up(user_id: int, address: str) -> int:
    db.session.execute(delete(LostMailbox).where(LostMailbox.user_id == user_id, LostMailbox.new_email == address))
    audit.record("change_email", user_id, "refused", lost=True)
    db.session.commit()
    return 0


def _drop_dead() -> None:
    alive = select(User.id).where(User.id == LostMailbox.user_id, *_unchanged()).exists()
    late = LostMailbox.started_at <= now() - timedelta(minutes=codes.minutes("email-lost"))
    never = LostMailbox.proven.is_(False) & late
    with reading() as connection:  # looked at every few minutes: the write lock is taken only where there is work
        if connection.execute(select(LostMailbox.user_id).where(~alive | never).limit(1)).scalar() is None:
            return
    db.session.execute(delete(LostMailbox).where(~alive | never).execution_options(synchronize_session=False))
    db.session.commit()
