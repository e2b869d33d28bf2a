"""Changing the password, for both documents' endpoints."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import delete, update

from .. import audit, credentials, messages, passwords, signals
from ..credentials import Caller, Origin
from ..errors import AppError
from ..extensions import db
from ..models import Code, Credential, EmailChange, User
from . import guesses
from .errors import PasswordLength, PasswordNotChanged, SamePassword, WrongOldPassword


@dataclass(frozen=True)
class Renewed:
    """What the caller goes on with: the new key of the credential it came with, and a token for document B."""

    key: str
    token: str
    expire: int


def change_password(caller: Caller, old: str, new: str, network: str, origin: Origin, *, with_token: bool) -> Renewed:
    """Replace the password and end every other session, token and open code in the same transaction.

    `with_token` issues a session caller a token too (document B's answer). Raises PasswordLength 10201, SamePassword
    10202, PasswordTooCommon 10205, TooManyFailures 10110, WrongOldPassword 10203, PasswordNotChanged 10204.
    """
    user = caller.user
    known = (user.uname, user.uid, user.phone, user.email)
    passwords.check_policy(new, known, PasswordLength, field="new_password")
    if unicodedata.normalize("NFKC", old[:1024]) == unicodedata.normalize("NFKC", new):
        raise SamePassword("new_password")
    _require_old(user, old, network)
    stored = passwords.hash_password(new)
    generation = replace_password(user, stored)
    key, expire = credentials.renew(caller.credential_id, generation=generation)
    _end_others(user.id, caller.credential_id)
    token = key
    if with_token and caller.kind == "session":
        issued = credentials.issue(user, "token", origin, generation=generation)
        token, expire = issued.key, issued.expire
    audit.record("change_password", user.id)
    db.session.commit()
    signals.credentials_ended.send(current_app._get_current_object(), user_id=user.id)  # type: ignore[attr-defined]
    return Renewed(key, token, expire)


def _require_old(user: Any, old: str, network: str) -> None:
    account = f"change:{user.id}"
    guesses.charge(account, network, known=True)
    try:
        right = passwords.verify(old, user.password_hash)
    except AppError:
        guesses.give_back(account, network, known=True)
        raise
    if not right:
        audit.record_alone("change_password", user.id, "refused")
        raise WrongOldPassword("old_password")
    guesses.give_back(account, network, known=True)


def replace_password(user: Any, stored: str, **also: Any) -> int:
    """Put the new hash in place of the one that was checked, and move the generation on; returns it.

    `user` is a row as read before; raises PasswordNotChanged (10204) if the account changed since. Its codes and
    pending changes go, a notice to the owner is queued; the caller of this function commits.
    """
    same = User.password_hash.is_(None) if user.password_hash is None else User.password_hash == user.password_hash
    changed = db.session.execute(
        update(User)
        .where(User.id == user.id, User.generation == user.generation, same, User.disabled.is_(False))
        .values(password_hash=stored, generation=User.generation + 1, **also)
        .returning(User.generation)
    ).scalar()
    if changed is None:
        db.session.rollback()
        raise PasswordNotChanged()
    db.session.execute(delete(Code).where(Code.user_id == user.id))
    db.session.execute(delete(EmailChange).where(EmailChange.user_id == user.id))
    messages.queue_notice(user, user.email or user.phone, "密码已更改", "您账号的密码刚刚被更改。")
    return int(changed)


def _end_others(user_id: int, kept: int) -> None:
    db.session.execute(delete(Credential).where(Credential.user_id == user_id, Credential.id != kept))
