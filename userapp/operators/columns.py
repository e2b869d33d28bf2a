"""The columns of import and export, and how the text of each becomes what an account stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .. import identifiers, legacy_hashes
from ..accounts import TYPES
from ..errors import AppError
from ..models import now

GENDERS = {"": 0, "0": 0, "1": 1, "2": 2, "男": 1, "女": 2}
FLAGS = {"": False, "0": False, "1": True, "false": False, "true": True, "no": False, "yes": True}
UNUSABLE = "!"  # Django's mark for an account without a password


@dataclass(frozen=True)
class Problem:
    """Why a line is not imported: the column, one of malformed, taken and look-alike, and a sentence."""

    column: str
    kind: str
    says: str


def account(values: dict[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """What a line would store, without the columns that cannot be read, and what is wrong with those."""
    stored: dict[str, Any] = {}
    problems = []
    for name, (read, rule) in READERS.items():
        try:
            stored[name] = read(values.get(name, "").strip())
        except (AppError, KeyError, OverflowError, ValueError):
            problems.append(Problem(name, "malformed", f"{name} must be {rule}"))
    if "uname" in stored:
        stored["uname_key"] = identifiers.folded(stored["uname"])
    return stored, problems


def _uid(text: str) -> str | None:
    if text and identifiers.account_number_or_none(text) is None:
        raise ValueError
    return identifiers.account_number_or_none(text)


def _phone(text: str) -> str | None:
    return identifiers.phone(text) if text else None


def _email(text: str) -> str | None:
    return identifiers.email(text) if text else None


def _text(longest: int) -> Callable[[str], str]:
    def read(text: str) -> str:
        if len(text) > longest:
            raise ValueError
        return text.replace("\r\n", "\n")

    return read


def _moment(text: str) -> datetime:
    if not text:
        return now()
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _choice(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        return choices[choices.index(text)] if text else choices[0]

    return read


def _hash(text: str) -> str | None:
    if not text or text.startswith(UNUSABLE):
        return None
    if not (legacy_hashes.bare_digest(text) or legacy_hashes.is_known(text)):
        raise ValueError
    return text


READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "uid": (_uid, "up to 30 letters, digits, _, - and ., and no phone number"),
    "uname": (identifiers.user_name, "2 to 30 letters, digits, _ and -, not digits alone and no phone number"),
    "name": (_text(60), "up to 60 characters"),
    "user_type": (_choice(*TYPES), f"one of {', '.join(TYPES)}"),
    "phone": (_phone, "a number that can receive a text"),
    "email": (_email, "an e-mail address"),
    "email_verified": (lambda text: FLAGS[text.lower()], "0 or 1"),
    "gender": (lambda text: GENDERS[text], "0, 1 or 2"),
    "intro": (_text(500), "up to 500 characters"),
    "language": (_choice("", "zh", "en"), "zh or en"),
    "disabled": (lambda text: FLAGS[text.lower()], "0 or 1"),
    "created_at": (_moment, "a date and time, as 2024-05-01T12:00:00Z"),
    "password_hash": (_hash, "a hash of Django (PBKDF2), Werkzeug, bcrypt, or a bare MD5, SHA-1 or SHA-256"),
}
SECRET = "password_hash"  # nosec B105 - a column's name; it is imported, never exported
IMPORTED = tuple(READERS)
EXPORTED = tuple(name for name in READERS if name != SECRET)
