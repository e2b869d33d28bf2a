"""Export of accounts: the columns an import reads, without the password hashes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TextIO

from sqlalchemy import func, select

from ..extensions import reading
from ..models import User
from .columns import EXPORTED

PAGE = 1000


def accounts() -> int:
    """How many there are, for the progress bar."""
    with reading() as connection:
        return int(connection.execute(select(func.count()).select_from(User)).scalar_one())


def export(out: TextIO, format: str, stored: Callable[[int, int], None], after: int = 0) -> None:
    """Write every account behind the id `after`, in their order; `stored` hears each page's last id and size."""
    if format == "csv" and not after:
        out.write(_csv([EXPORTED]))
    spell = _as_json if format == "jsonl" else _as_csv
    for page in _pages(after):
        out.write(spell(page))
        stored(page[-1].id, len(page))


def _pages(last: int) -> Iterator[list[Any]]:
    columns = [User.__table__.c[name] for name in ("id", *EXPORTED)]
    while True:
        with reading() as connection:
            page = connection.execute(select(*columns).where(User.id > last).order_by(User.id).limit(PAGE)).all()
        if not page:
            return
        yield list(page)
        last = page[-1].id


def _as_csv(page: list[Any]) -> str:
    return _csv([[_text(getattr(row, name)) for name in EXPORTED] for row in page])


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return value.isoformat() if isinstance(value, datetime) else value


def _csv(rows: list[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _as_json(page: list[Any]) -> str:
    return "".join(json.dumps(fields(row), ensure_ascii=False) + "\n" for row in page)


def fields(row: Any) -> dict[str, Any]:
    """An account's exported columns as JSON has them."""
    values = {name: getattr(row, name) for name in EXPORTED}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
