"""The captcha: a signed nonce in a cookie; its answer is derived from it by our key, and trying it spends it."""

from __future__ import annotations

import hmac
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from itsdangerous import BadData
from sqlalchemy.dialects import postgresql, sqlite

from .. import keys, tallies
from ..errors import AppError
from ..extensions import writing
from ..models import SpentChallenge, now
from .errors import CaptchaExpired, CaptchaMissing, CaptchaWrong
from .picture import ALPHABET

COOKIE = "captcha"
LIFE = 300
LENGTH = 5


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


def answers(nonce: str) -> list[str]:
    """What the challenge asks for; under a retired key too, so that a rotation breaks nobody's form."""
    if fixed := current_app.config.get("CAPTCHA_ANSWER"):
        return [str(fixed).upper()]
    return [_spell(digest) for digest in keys.macs("captcha", nonce)]


@tallies.counted("captcha")
def spend(given: Given, only: type[AppError] | None = None) -> None:
    """Use the challenge up and compare the answer.

    Raises CaptchaMissing (30000), CaptchaExpired (30001) or CaptchaWrong (30002); `only`, where given, for all of them
    (document A's reset table knows just one line).
    """
    if given.waived:
        return
    if not given.answer.strip():
        raise (only or CaptchaMissing)()
    nonce = nonce_of(given.cookie) if given.cookie else None
    if nonce is None or not _first_try(nonce):
        raise (only or CaptchaExpired)()
    said = unicodedata.normalize("NFKC", given.answer[:40]).strip().upper().encode()
    compared = [hmac.compare_digest(said, answer.encode()) for answer in answers(nonce)]
    if not any(compared):
        raise CaptchaWrong()


def _first_try(nonce: str) -> bool:
    with writing() as connection:
        insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(SpentChallenge)
        statement = insert.values(nonce=nonce, expires_at=now() + timedelta(seconds=LIFE + 5)).on_conflict_do_nothing()
        return connection.execute(statement.returning(SpentChallenge.nonce)).scalar() is not None


def _spell(digest: bytes) -> str:
    number, letters = int.from_bytes(digest, "big"), []
    for _ in range(LENGTH):
        number, index = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[index])
    return "".join(letters)
