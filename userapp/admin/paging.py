"""Long lists, a page at a time: each goes on behind the last row of the one before and reads along one index."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select

from ..extensions import reading
from .errors import WrongFilter

PAGE = 50
WINDOW = 1000  # rows looked at for one page where a second condition must be checked row by row
LAST_ID = 2**63 - 1


@dataclass(frozen=True)
class Page:
    """Some rows, and where the next page begins; empty at the end of the list."""

    rows: list[Row[Any]]
    next: str


def fetch(statement: Select[Any], key: Callable[[Row[Any]], str], keep: Callable[[Row[Any]], bool] | None) -> Page:
    """One page of a statement that an index delivers in its order.

    `key` names a row's place. Where `keep` leaves rows out, a page may be short or empty and still have a next one: so
    many rows are looked at for each page and no more, however large the table is.
    """
    limit = WINDOW if keep else PAGE + 1
    with reading() as connection:
        rows = connection.execute(statement.limit(limit)).all()
    kept: list[Row[Any]] = []
    for number, row in enumerate(rows):
        if keep is not None and not keep(row):
            continue
        if len(kept) == PAGE:
            return Page(kept, key(rows[number - 1]))
        kept.append(row)
    return Page(kept, key(rows[-1]) if keep and len(rows) == WINDOW else "")


def number(text: str, otherwise: int) -> int:
    """The id that a place in a list names; `otherwise` for none, WrongFilter (12007) for what is no id."""
    if not text:
        return otherwise
    if not (text.isascii() and text.isdigit()) or int(text) > LAST_ID:
        raise WrongFilter()
    return int(text)
