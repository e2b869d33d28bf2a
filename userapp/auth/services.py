"""Registering, signing in and signing out."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, cast

from flask import current_app
from sqlalchemy import Connection, Row, String, Table, bindparam, case, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from .. import audit, codes, credentials, identifiers, messages, passwords, signals
from ..credentials import Caller, Issued, Origin
from ..errors import AppError, PhoneTaken, TooManyFailures, TooSoon
from ..extensions import db, reading
from ..models import User, now
from ..statements import Statement
from . import captcha, guesses
from .devices import KINDS, Device
from .errors import AccountDisabled, EmailTaken, NameTaken, NotCreated, RegisterPasswordLength

COLUMNS = {"uid": User.uid, "uname": User.uname_key, "phone": User.phone, "email": User.email}
FIND = {
    kind: Statement(select(*User.__table__.c).where(column == bindparam("identifier")))
    for kind, column in COLUMNS.items()
}
_users = cast(Table, User.__table__)
_NEW = {c.name: getattr(c.default, "arg", None) for c in _users.c if not c.primary_key}  # created_at is given anew
_ADD = Statement(insert(_users).values({name: bindparam(f"its_{name}") for name in _NEW}).returning(_users.c.id))
_OWN, _OTHER = bindparam("its_own", type_=String()), bindparam("other", type_=String())
_GIVE_UID = Statement(
    update(_users)
    .where(_users.c.id == bindparam("the_id"))
    .values(uid=case((exists().where(_users.alias().c.uid == _OWN), _OTHER), else_=_OWN))
    .returning(*_users.c)
)
TAKEN = {"uname_key": NameTaken, "phone": PhoneTaken, "email": EmailTaken}
_TAKEN = Statement(select(*(exists().where(_users.c[name] == bindparam(name)).label(name) for name in TAKEN)))


@dataclass(frozen=True)
class Client:
    """What asks to be signed in: kind of client, whether to be remembered, where it is, which device and network.

    `replaces` is the session whose cookie the new one will overwrite: nobody could end it any more.
    """

    kind: str
    remember: bool
    origin: Origin
    device: Device
    network: str
    replaces: int | None = None


def sign_in(kind: str, identifier: str, password: str, answer: captcha.Given, client: Client) -> Issued:
    """Check captcha, account and password, in this order, and issue a session or token.

    `kind` is one of uid, uname, phone, email (document A). Raises CaptchaMissing, CaptchaExpired, CaptchaWrong,
    TooManyFailures, NoSuchUser, WrongPassword (or WrongNameOrPassword for both) and AccountDisabled.
    """
    user, account, known, wait = captcha.spend(answer, lambda within: _charge(within, kind, identifier, client))
    if wait:
        raise TooManyFailures(retry_after=wait)
    try:
        right = passwords.verify(password, user.password_hash if user else None)
    except AppError:
        guesses.give_back(account, client.network, known)
        raise
    if user is None or not right:
        audit.record_alone("sign_in", user.id if user else None, "refused", by=kind)
        raise guesses.refusal(kind, user is not None, client.network)
    if user.disabled:
        raise AccountDisabled()
    renewed = passwords.hash_password(password) if passwords.needs_rehash(user.password_hash) else None
    issued = _issue(user, account, known, renewed, client)
    signals.signed_in.send(current_app._get_current_object(), user_id=user.id)  # type: ignore[attr-defined]
    return issued


def _charge(connection: Connection, kind: str, identifier: str, client: Client) -> tuple[Any, str, bool, int]:
    """The account, what a guess on it was counted on, whether it knows the device, and how many seconds to wait."""
    user = _find(connection, kind, identifier)
    account, known = _account_key(kind, identifier, user, client.device)
    return user, account, known, guesses.charge_in(connection, account, client.network, known)


def _issue(user: Any, account: str, known: bool, renewed: str | None, client: Client) -> Issued:
    with audit.recorded("sign_in", user.id, by=client.kind) as connection:
        if renewed:  # only in place of the hash that was checked: a change under way meanwhile must win
            same = (User.id == user.id, User.password_hash == user.password_hash)
            connection.execute(update(User).where(*same).values(password_hash=renewed))
        guesses.forget(connection, account)
        guesses.succeed(connection, client.network, known)
        if client.replaces is not None:
            credentials.end(client.replaces, within=connection)
        now_good = {"generation": user.generation, "remember": client.remember}
        return credentials.issue(user, KINDS[client.kind], client.origin, within=connection, **now_good)


def find(kind: str, identifier: str) -> Any:
    """The account with an identifier of a kind, as a row; the same statement is run where there cannot be one."""
    with reading() as connection:
        return _find(connection, kind, identifier)


def _find(connection: Connection, kind: str, identifier: str) -> Any:
    return FIND[kind].within(connection, identifier=identifiers.canonical(kind, identifier) or "\x01")


def _account_key(kind: str, identifier: str, user: Row[Any] | None, device: Device) -> tuple[str, bool]:
    """What guesses are counted on, and whether the account knows the device they come from."""
    if user is None:
        return f"{kind}:{identifiers.canonical(kind, identifier) or identifier[:200]}", False
    known = device.knows(user.id)
    return f"{user.id}:{device.key or 'token'}" if known else str(user.id), known


def register(
    uname: str, phone: str, email: str, password: str, answer: captcha.Given, client: Client
) -> Issued:  # fmt: skip
    """Make an account and sign it in; with an address, the mail that verifies it goes out after the commit.

    Raises, as document A's table and contract 100 list them: NameAllDigits, NameMalformed, EmailMalformed,
    PhoneMalformed, RegisterPasswordLength, PasswordTooCommon, the captcha's three, NameTaken, PhoneTaken, EmailTaken
    and NotCreated. `phone` and `email` may be empty, not both (the form refuses that).
    """
    name = identifiers.user_name(uname)
    number = identifiers.phone(phone) if phone else None
    address = identifiers.email(email) if email else None
    passwords.check_policy(password, (name, number, address), RegisterPasswordLength, field="password")
    captcha.spend(answer)
    signals.registering.send(current_app._get_current_object(), uname=name)  # type: ignore[attr-defined]
    stored = passwords.hash_password(password)
    new = {"uname": name, "uname_key": identifiers.folded(name), "phone": number, "email": address}
    _refuse_taken(new)
    mailed = address is not None and _may_mail(address)
    issued = _create(new | {"password_hash": stored, "created_at": now()}, client, mailed)
    signals.registered.send(current_app._get_current_object(), user_id=issued.user.id)  # type: ignore[attr-defined]
    return issued


def _may_mail(address: str) -> bool:
    try:
        codes.allow_message("email", address)
    except TooSoon:
        return False
    return True


def _create(new: dict[str, Any], client: Client, mailed: bool) -> Issued:
    try:
        user = _add(db.session.connection(), new)
        if mailed:
            code = codes.issue("email", user.email, user)
            messages.queue_activation(user, user.email, code, codes.minutes("email"))
        if client.replaces is not None:
            credentials.end(client.replaces)
        kind = KINDS[client.kind]
        issued = credentials.issue(user, kind, client.origin, generation=0, remember=client.remember)
        audit.record("register", user.id, by=client.kind)
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        _refuse_taken(new)
        raise NotCreated() from None
    return issued


def _add(connection: Connection, new: dict[str, Any]) -> Any:
    """The account's row; its number is its id, or that with more digits where an import gave that number away."""
    number = _ADD.within(connection, **{f"its_{name}": value for name, value in (_NEW | new).items()}).id
    other = f"{number}{secrets.randbelow(10**6):06d}"
    return _GIVE_UID.within(connection, the_id=number, its_own=str(number), other=other)


def _refuse_taken(new: dict[str, Any]) -> None:
    """Say which of a new account's names somebody has; the unique columns decide, this only tells."""
    found = _TAKEN.one_or_none(db.engine, **{name: new[name] for name in TAKEN})
    for name, taken in TAKEN.items():
        if getattr(found, name):
            raise taken()


def sign_out(caller: Caller | None) -> None:
    """End the session or token that came with the request; nothing to end is no failure."""
    if caller is None:
        return
    credentials.end(caller.credential_id)
    audit.record("sign_out", caller.user_id)
    db.session.commit()
