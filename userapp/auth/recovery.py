"""Recovering an account by a code, in document A's two steps; the pending reset belongs to the client that asked."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from flask import current_app
from itsdangerous import BadData
from sqlalchemy import Row, delete, select

from .. import audit, codes, credentials, identifiers, keys, messages, passwords, signals
from ..errors import AppError
from ..extensions import db, reading
from ..models import Credential, User
from . import captcha, guesses, services
from .errors import (
    CaptchaWrong,
    NoAccountFound,
    NoResetPending,
    PasswordNotChanged,
    ResetPasswordLength,
    WrongResetCode,
)
from .password_change import replace_password

COOKIE = "reset"
LIFE = 3600


@dataclass(frozen=True)
class Asked:
    """A code is on its way: where to, and what the client shows again with it."""

    kind: str
    holder: str


def ask(kind: str, address: str, answer: captcha.Given, network: str) -> Asked:
    """Send a recovery code to the stored address or number of an account; `kind` is email or phone.

    Raises CaptchaWrong 30002, NoAccountFound 11004 (where the profile tells), TooSoon 10817 (429), MailNotSent 10901,
    SmsNotSent 10902. Where it may not be told who exists, an unknown address is answered like a known one.
    """
    captcha.spend(answer, only=CaptchaWrong)
    target = identifiers.canonical(kind, address)
    user = services.find(kind, address) if target else None
    if user is not None and not _may_reset(user, kind):
        user = None
    told = current_app.config["DISCLOSURE"] == "always"
    if target is None or (user is None and told and guesses.may_disclose(network)):
        if target is not None:
            codes.allow_message("reset", target)
        raise NoAccountFound(kind)
    codes.allow_message("reset", target)
    holder, code = secrets.token_hex(24), codes.generate("reset")
    if user is not None and told:
        _send(user, target, code)
    _store(user, target, holder, code, queued=not told)
    return Asked(kind, str(keys.signer("reset").dumps(holder)))


def _may_reset(user: Row[Any], kind: str) -> bool:
    if user.disabled:
        return False
    return kind == "phone" or user.email_verified or current_app.config["RESET_UNVERIFIED"] == "yes"


def _send(user: Row[Any], target: str, code: str) -> None:
    try:
        messages.send_reset_code(user, target, code, codes.minutes("reset"))
    except AppError:
        codes.give_back_message("reset", target)
        raise


def _store(user: Row[Any] | None, target: str, holder: str, code: str, *, queued: bool) -> None:
    codes.issue("reset", target, user, _hidden(holder), code)
    if queued:
        messages.queue_reset_code(user, target, code, codes.minutes("reset"))
    audit.record("reset_asked", user.id if user else None)
    db.session.commit()


def finish(cookie: str, code: str, new: str, answer: captcha.Given) -> None:
    """Set the new password with the code that was sent; everything the account was signed in with ends.

    Raises CaptchaWrong 30002, NoResetPending 11005, ResetPasswordLength 11008, PasswordTooCommon 10205 (neither spends
    the code), WrongResetCode 11007. Success proves the mailbox: its address counts as verified.
    """
    captcha.spend(answer, only=CaptchaWrong)
    holder = _holder(cookie)
    row = codes.pending("reset", holder=_hidden(holder)) if holder else None
    user = _account(row) if row else None
    if row is None or (row.user_id is not None and user is None):
        raise NoResetPending()
    known = (user.uname, user.uid, user.phone, user.email) if user else ()
    passwords.check_policy(new, known, ResetPasswordLength, field="new_password")
    if not codes.count_try(row.id, row.user_id):
        raise NoResetPending()
    if user is None or not codes.matches(row, code):
        audit.record_alone("reset", user.id if user else None, "refused")
        raise WrongResetCode()
    stored = passwords.hash_password(new)
    _replace(row, user, stored)
    signals.credentials_ended.send(current_app._get_current_object(), user_id=user.id)  # type: ignore[attr-defined]


def _account(row: Row[Any]) -> Row[Any] | None:
    """The account a code was sent for, while the address it went to is still the account's."""
    with reading() as connection:
        found = connection.execute(select(*User.__table__.c).where(User.id == row.user_id)).one_or_none()
    return found if found and row.target in (found.email, found.phone) and not found.disabled else None


def _replace(row: Row[Any], user: Row[Any], stored: str) -> None:
    if not codes.consume(row.id):
        db.session.rollback()
        raise NoResetPending()
    proven = {"email_verified": True} if row.target == user.email else {}
    try:
        replace_password(user, stored, **proven)
    except PasswordNotChanged:
        raise NoResetPending() from None
    db.session.execute(delete(Credential).where(Credential.user_id == user.id))
    guesses.forget(db.session.connection(), str(user.id))
    audit.record("reset", user.id)
    db.session.commit()


def is_pending(cookie: str) -> bool:
    """Whether this client has asked for a code that can still be used."""
    holder = _holder(cookie)
    return bool(holder) and codes.pending("reset", holder=_hidden(holder)) is not None


def _holder(cookie: str) -> str:
    try:
        return str(keys.signer("reset").loads(cookie[:300], max_age=LIFE))
    except BadData:
        return ""


def _hidden(holder: str) -> str:
    return credentials.hashed(holder).hex()
