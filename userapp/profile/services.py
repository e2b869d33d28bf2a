"""Changing one's information."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from .. import audit, codes, identifiers, messages
from ..errors import AddressMalformed, AddressTaken, AddressVerified, AppError, PhoneTaken, TooSoon, Unreachable
from ..extensions import db, reading
from ..models import User, now


def change_info(
    user_id: int, gender: int | None = None, intro: str | None = None, language: str | None = None, **identity: str
) -> User:
    """Change what is given and nothing else; `identity` may hold `phone` and `email`, empty to clear them.

    A new address is unverified and gets the mail that verifies it; the old phone or address is told. Where nobody may
    learn who has an address, it is not the account's before that mail's code is in. Raises PhoneMalformed 10006,
    PhoneTaken 10005, AddressMalformed 10806, AddressTaken 10809, AddressVerified 10808, Unreachable 10010 (documents A
    and B, contract 8).
    """
    wanted = _canonical(identity)
    awaited = wanted.pop("email") if wanted.get("email") and current_app.config["DISCLOSURE"] == "never" else None
    _refuse_taken(user_id, wanted, awaited)
    mailed = _may_mail(user_id, awaited or wanted.get("email"))
    user = db.session.get_one(User, user_id)
    before = {"phone": user.phone, "email": user.email}
    wanted = _changed(user, wanted)
    _refuse(user, wanted)
    if awaited and awaited != user.email:
        _await(user, awaited, mailed)
    given = {"gender": gender, "intro": intro, "language": language}
    _set(user, **{name: value for name, value in given.items() if value is not None}, **wanted)
    _commit(user, wanted, before, mailed)
    return user


def moves(user: Any, changes: dict[str, Any]) -> bool:
    """Whether a change gives the account another phone or address than it has, or takes one away.

    Raises PhoneMalformed 10006 and AddressMalformed 10806.
    """
    identity = {name: str(value) for name, value in changes.items() if name in ("phone", "email")}
    return bool(_changed(user, _canonical(identity)))


def _await(user: User, address: str, mailed: bool) -> None:
    """Issue the code that will make an address the account's; if somebody has it, they are told and get no code.

    Raises AddressVerified 10808.
    """
    _refuse(user, {"email": address})
    code = codes.issue("email", address, user)
    owner = db.session.execute(select(User.language).filter_by(email=address)).one_or_none()
    if mailed and owner is not None:
        messages.queue_wanted(owner, address)
    elif mailed:
        messages.queue_activation(user, address, code, codes.minutes("email"))


def _canonical(identity: dict[str, str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    if "phone" in identity:
        found["phone"] = identifiers.phone(identity["phone"]) if identity["phone"].strip() else None
    if "email" in identity:
        address = identity["email"].strip()
        found["email"] = identifiers.email(address, AddressMalformed) if address else None
    return found


def _changed(user: Any, wanted: dict[str, str | None]) -> dict[str, str | None]:
    return {name: value for name, value in wanted.items() if value != getattr(user, name)}


def _set(user: User, **values: Any) -> None:
    """Fill the columns; a new address is not verified, and when a phone came is kept for the undo of a change.

    A reset sent to an address or number that goes must not come after, and not count the next one as proven.
    """
    if {"phone", "email"} & values.keys():
        codes.drop(user.id, "reset")
    if "email" in values:
        values["email_verified"] = False
    if "phone" in values:
        values["phone_changed_at"] = now()
    for name, value in values.items():
        setattr(user, name, value)


def _refuse_taken(user_id: int, wanted: dict[str, str | None], awaited: str | None) -> None:
    """Say no before a message is charged to somebody else's address; the unique columns decide, this only tells."""
    with reading() as connection:
        user = connection.execute(select(*User.__table__.c).filter_by(id=user_id)).one()
        _refuse(user, _changed(user, wanted))
        _refuse(user, _changed(user, {"email": awaited} if awaited else {}))
        for name, taken in (("phone", PhoneTaken), ("email", AddressTaken)):
            if value := wanted.get(name):
                column = User.__table__.c[name]
                if connection.execute(select(User.id).where(column == value, User.id != user_id)).scalar() is not None:
                    raise taken()


def _may_mail(user_id: int, address: str | None) -> bool:
    """Charge the mail a new address will get, before the write transaction; the present address costs nothing."""
    if not address:
        return False
    with reading() as connection:
        if connection.execute(select(User.id).filter_by(id=user_id, email=address)).scalar():
            return False
    try:
        codes.allow_message("email", address)
    except TooSoon:
        return False
    return True


def _refuse(user: Any, wanted: dict[str, str | None]) -> None:
    if "email" in wanted and user.email_verified:
        raise AddressVerified()
    left = {"phone": user.phone, "email": user.email} | wanted
    if wanted and not any(left.values()):
        raise Unreachable(next(iter(wanted)))


def _commit(user: User, wanted: dict[str, str | None], before: dict[str, str | None], mailed: bool) -> None:
    try:
        db.session.flush()
        if "email" in wanted:
            codes.drop(user.id, "email")
        if mailed and wanted.get("email"):
            code = codes.issue("email", str(wanted["email"]), user)
            messages.queue_activation(user, user.email, code, codes.minutes("email"))
        for name, value in wanted.items():
            _tell(user, name, before[name], value)
        audit.record("change_info", user.id, fields=sorted(wanted))
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        raise _taken(wanted) from None


def _tell(user: User, name: str, old: str | None, new: str | None) -> None:
    texts = {"phone": "您账号的手机号已更改为 {new}。", "email": "您账号的邮箱已更改为 {new}。"}
    messages.queue_notice(user, old, "账号信息已更改", texts[name], new=identifiers.masked(new) if new else "—")


def _taken(wanted: dict[str, Any]) -> AppError:
    if wanted.get("phone"):
        with reading() as connection:
            if connection.execute(select(User.id).filter_by(phone=wanted["phone"])).scalar():
                return PhoneTaken()
    return AddressTaken()
