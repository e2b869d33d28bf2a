"""Accounts listed and found: by the beginning of a name, along the index of its stored form, never by a scan."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flask import current_app
from sqlalchemy import Row, Select, select, tuple_

from .. import accounts, identifiers
from ..models import User
from . import paging
from .errors import WrongFilter
from .paging import Page

COLUMNS = {"uname": User.uname_key, "name": User.name, "uid": User.uid, "phone": User.phone, "email": User.email}
UNSHOWN = ("password_hash", "language", "generation")
SHOWN = [column for column in User.__table__.c if column.name not in UNSHOWN]
BEHIND = "\U0010ffff"  # sorts behind every character of a name
TRIED = {"email": ("email",), "phone": ("phone", "uid"), "uid": ("uid", "phone"), "uname": ("uname", "name")}


@dataclass(frozen=True)
class Wanted:
    """What is looked for; each may be empty. `after` is a place an earlier page named."""

    text: str = ""
    by: str = ""
    user_type: str = ""
    state: str = ""
    after: str = ""


def find(wanted: Wanted) -> tuple[Page, str]:
    """One page of accounts, and which of the names was searched (empty: all accounts, the newest first).

    Without `by` the kind is guessed from the text's shape, and the next likely one is tried where nothing is found.
    Raises WrongFilter (12007).
    """
    if wanted.user_type and wanted.user_type not in accounts.TYPES:
        raise WrongFilter("user_type")
    if not wanted.text:
        return _newest(wanted), ""
    kinds = (wanted.by,) if wanted.by else TRIED[kind_of(wanted.text)]
    page, kind = Page([], ""), kinds[0]
    for kind in kinds:
        page = _beginning(wanted, kind)
        if page.rows or page.next:
            break
    else:
        kind = kinds[0]
    return page, kind


def kind_of(text: str) -> str:
    """Which of the names a text is likely to be the beginning of."""
    return "phone" if text.startswith("+") else identifiers.kind_of(text)


def stored_beginning(kind: str, text: str) -> str:
    """The beginning of a name as it is stored; what is no name of that kind is the beginning of none."""
    text = unicodedata.normalize("NFKC", text).strip() if kind != "name" else unicodedata.normalize("NFC", text)
    if kind == "uname":
        return identifiers.folded(text)
    if kind == "email":
        return text.lower()
    return _phone(text) if kind == "phone" else text


def _phone(text: str) -> str:
    if whole := identifiers.phone_or_none(text):
        return whole
    digits = "".join(character for character in text if character.isdigit())
    if text.startswith("+"):
        return "+" + digits
    import phonenumbers

    return f"+{phonenumbers.country_code_for_region(current_app.config['PHONE_REGION'])}{digits}"


def _newest(wanted: Wanted) -> Page:
    statement = select(*SHOWN).where(User.id < paging.number(wanted.after, paging.LAST_ID))
    keep: list[Callable[[Row[Any]], bool]] = []
    if wanted.state == "disabled":  # the rarest condition drives, the others are checked row by row
        statement = statement.where(User.disabled.is_(True))
        keep += _type_is(wanted)
    elif wanted.user_type:
        statement = statement.where(User.user_type == wanted.user_type)
        keep += _state_is(wanted)
    else:
        keep += _state_is(wanted)
    return paging.fetch(statement.order_by(User.id.desc()), lambda row: str(row.id), _all(keep))


def _beginning(wanted: Wanted, kind: str) -> Page:
    column, low = COLUMNS[kind], stored_beginning(kind, wanted.text)
    statement = _from(select(*SHOWN).where(column < low + BEHIND), kind, low, wanted.after)
    keep = _all([*_type_is(wanted), *_state_is(wanted)])
    place = COLUMNS[kind].key
    return paging.fetch(statement, lambda row: f"{row.id}:{getattr(row, place)}", keep)


def _from(statement: Select[Any], kind: str, low: str, after: str) -> Select[Any]:
    """In the order of the searched name, from `low` on or behind a place.

    One lower bound, not two: SQLite would walk the index from whichever comes first. Only real names may be equal, so
    the id decides among them.
    """
    column = COLUMNS[kind]
    identity, _colon, name = after.partition(":")
    last = paging.number(identity, 0)
    if kind == "name":
        start = tuple_(User.name, User.id) > tuple_(name, last) if after and name >= low else User.name >= low
        return statement.where(start).order_by(User.name, User.id)
    return statement.where(column > name if after and name >= low else column >= low).order_by(column)


def _type_is(wanted: Wanted) -> Iterator[Callable[[Row[Any]], bool]]:
    if wanted.user_type:
        yield lambda row: bool(row.user_type == wanted.user_type)


def _state_is(wanted: Wanted) -> Iterator[Callable[[Row[Any]], bool]]:
    if wanted.state:
        yield lambda row: bool(row.disabled == (wanted.state == "disabled"))


def _all(conditions: list[Callable[[Row[Any]], bool]]) -> Callable[[Row[Any]], bool] | None:
    return (lambda row: all(condition(row) for condition in conditions)) if conditions else None
