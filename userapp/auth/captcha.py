"""The captcha: a signed nonce in a cookie; its answer is derived from it by our key, and trying it spends it.

Picture, sound and computed work are three ways to answer one challenge.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, cast

from flask import current_app
from itsdangerous import BadData
from sqlalchemy import Connection, bindparam, select

from .. import keys, tallies
from ..errors import AppError, NotFound
from ..extensions import reading, writing
from ..models import SpentChallenge, now
from ..statements import Statement, upsert
from . import work
from .errors import CaptchaExpired, CaptchaMissing, CaptchaWrong
from .picture import ALPHABET

COOKIE = "captcha"
LIFE = 300
LENGTH = 5

T = TypeVar("T")


def _spending(dialect: str) -> Any:
    once = (
        upsert(dialect, SpentChallenge)
        .values(nonce=bindparam("the_nonce"), expires_at=bindparam("expires"))
        .on_conflict_do_nothing()
    )
    return once.returning(SpentChallenge.nonce)


_SPEND = Statement(_spending)


@dataclass(frozen=True)
class Given:
    """What a client answers: its cookie, what was typed, and whether a development tool answered for it."""

    cookie: str = ""
    answer: str = ""
    waived: bool = False


def issue() -> str:
    """A new challenge, as the value of its cookie; nothing is written."""
    return str(keys.signer("captcha").dumps(secrets.token_hex(12)))


def nonce_of(cookie: str) -> str | None:
    """The nonce of a challenge that is ours and not older than five minutes."""
    try:
        return str(keys.signer("captcha").loads(cookie[:300], max_age=LIFE))
    except BadData:
        return None


def unspent(cookie: str) -> str | None:
    """The nonce of a challenge that can still be answered: what a client asks for in another form."""
    nonce = nonce_of(cookie)
    with reading() as connection:
        tried = nonce and connection.execute(select(SpentChallenge.nonce).filter_by(nonce=nonce)).scalar()
    return None if tried else nonce


def answers(nonce: str) -> list[str]:
    """What the challenge asks for; under a retired key too, so that a rotation breaks nobody's form."""
    if fixed := current_app.config.get("CAPTCHA_ANSWER"):
        return [str(fixed).upper()]
    return [_spell(digest) for digest in keys.macs("captcha", nonce)]


def work_for(nonce: str) -> dict[str, Any]:
    """The same challenge as something to compute; raises NotFound where the setting is off."""
    if not current_app.config["CAPTCHA_WORK"]:
        raise NotFound()
    return work.task(nonce)


def _nothing(_connection: Connection) -> Any:
    return None


@tallies.counted("captcha")
def spend(
    given: Given, then: Callable[[Connection], T] = _nothing, *, only: type[AppError] | None = None
) -> T:  # fmt: skip
    """Use the challenge up and compare the answer; only where it is right do `then`, in the same transaction.

    What `then` returns is returned; it must not raise, or the challenge could be tried again. Raises CaptchaMissing
    (30000), CaptchaExpired (30001) or CaptchaWrong (30002); `only`, where given, for all of them (document A's reset
    table knows just one line).
    """
    nonce = None if given.waived else _presented(given, only)
    right = nonce is None or _answered(nonce, given.answer)
    with writing() as connection:
        first = nonce is None or _first_try(connection, nonce)
        done = then(connection) if first and right else None
    if not first:
        raise (only or CaptchaExpired)()
    if not right:
        raise CaptchaWrong()
    return cast(T, done)


def _presented(given: Given, only: type[AppError] | None) -> str:
    """The nonce of the challenge that is answered; what is refused here costs the database nothing."""
    if not given.answer.strip():
        raise (only or CaptchaMissing)()
    nonce = nonce_of(given.cookie) if given.cookie else None
    if nonce is None:
        raise (only or CaptchaExpired)()
    return nonce


def _answered(nonce: str, answer: str) -> bool:
    return work.solved(nonce, answer) if answer.startswith(work.MARK) else _reads(nonce, answer)


def _reads(nonce: str, answer: str) -> bool:
    said = unicodedata.normalize("NFKC", answer[:40]).strip().upper().encode()
    compared = [hmac.compare_digest(said, right.encode()) for right in answers(nonce)]
    return any(compared)  # all of them were compared, whichever fits


def _first_try(connection: Connection, nonce: str) -> bool:
    expires = now() + timedelta(seconds=LIFE + 5)
    return _SPEND.within(connection, the_nonce=nonce, expires=expires) is not None


def _spell(digest: bytes) -> str:
    number, letters = int.from_bytes(digest, "big"), []
    for _ in range(LENGTH):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(letters)
