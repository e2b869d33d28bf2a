"""The mails that carry e-mail codes: sent in the request, before anything is stored."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, select, update

from .. import budgets, codes, messages, signals
from ..errors import AppError, TooSoon
from ..extensions import db, reading
from ..languages import LANGUAGES, translate
from ..models import Message, User

WORDS = {
    "email": ("激活邮箱", "请验证您的邮箱地址。"),
    "email-old": ("更换邮箱", "您正在更换账号的邮箱，这是旧邮箱的验证码。"),
    "email-new": ("更换邮箱", "您正在更换账号的邮箱，这是新邮箱的验证码。"),
    "email-lost": ("更换邮箱", "您正在更换账号的邮箱，这是新邮箱的验证码。"),
}


def send(user: Any, purpose: str, target: str, owner: Any = None) -> str:
    """Mail a new code, whose message is charged already, and return it.

    With `owner`, who has the address already, that account is told instead, and the code is in no mail. Raises
    MailNotSent (10901) and gives the message back: nothing has changed then.
    """
    code = codes.generate(purpose)
    try:
        if owner is None:
            messages.send_code(user.language, target, *WORDS[purpose], code, codes.minutes(purpose))
        else:
            messages.send_wanted(owner, target)
    except AppError:
        codes.give_back_message(purpose, target)
        raise
    return code


def owner_of(address: str) -> Any:
    """The account that has this address; the unique column decides in the end, this only tells early."""
    with reading() as connection:
        return connection.execute(select(User.id, User.language).filter_by(email=address)).one_or_none()


def hidden() -> bool:
    """Whether nobody may learn who has an address: an owner is told, the caller is answered as for a free one."""
    return str(current_app.config["DISCLOSURE"]) == "never"


def announce(user_id: int, old: str | None, new: str) -> None:
    """Tell the other features that an account's address moved, after the commit."""
    app: Any = current_app
    signals.address_changed.send(app._get_current_object(), user_id=user_id, old=old, new=new)


def told_owner(user_id: int, address: str, taken: type[AppError]) -> Any:
    """The account that has an address: only where nobody may learn that, so that it is told instead of the caller.

    Raises `taken` else, whatever was mailed there lately and at no cost to the owner's messages, or TooSoon (10817)
    when an account has asked too often.
    """
    owner = owner_of(address)
    if owner is None or hidden():
        return owner
    if wait := budgets.charge("taken", str(user_id), current_app.config["DISCLOSURES"], 3600):
        raise TooSoon(retry_after=wait)
    raise taken()


def charge_activation(address: str) -> None:
    """Charge another activation mail; raises TooSoon (10817).

    Where the last one waits because no server took it, its charge goes over to this one: it spent nothing.
    """
    try:
        codes.allow_message("email", address)
    except TooSoon:
        refused = select(Message.id).where(*_waiting(address), Message.tries > 0)
        with reading() as connection:
            if connection.execute(refused.limit(1)).scalar() is None:
                raise


def void_queued(address: str) -> None:
    """Take back an activation mail that still waits: its code was replaced, and it would arrive after the new one."""
    waiting = update(Message).where(*_waiting(address))
    db.session.execute(waiting.values(done="expired", text="", html=""))


def _waiting(address: str) -> tuple[ColumnElement[bool], ...]:
    site = current_app.config["SITE_NAME"]
    subjects = [f"{site} - {translate(WORDS['email'][0], language)}" for language in LANGUAGES]
    return Message.recipient == address, Message.done == "", Message.subject.in_(subjects)
