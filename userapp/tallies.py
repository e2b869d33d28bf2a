"""How often things happen in each hour: counted in memory, added to the database every few seconds by the courier.

So counting costs a request nothing, and the dashboard reads a few hundred rows however much happened. What a worker
counted since it last added up is lost if it is killed: these are figures to look at, the events are in the audit log.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from flask import current_app
from sqlalchemy import select

from .extensions import reading, writing
from .models import Tally, now
from .statements import upsert


class Tallies:
    """What one process has counted and not yet added to the database."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: Counter[tuple[datetime, str]] = Counter()

    def add(self, found: Counter[tuple[datetime, str]]) -> None:
        """Count these, too."""
        with self.lock:
            self.waiting.update(found)

    def take(self) -> Counter[tuple[datetime, str]]:
        """Hand over what was counted and begin anew."""
        with self.lock:
            taken, self.waiting = self.waiting, Counter()
        return taken


def count(name: str) -> None:
    """Count one more of something; nothing is written yet."""
    hour = now().replace(minute=0, second=0, microsecond=0)
    _own().add(Counter({(hour, name): 1}))


@contextmanager
def counted(name: str) -> Iterator[None]:
    """Count what happens within (or in a function decorated with this) as `name.ok` or `name.failed`."""
    try:
        yield
    except Exception:
        count(f"{name}.failed")
        raise
    count(f"{name}.ok")


def flush() -> None:
    """Add what this process counted to the database; on failure it is kept for the next time."""
    taken = _own().take()
    if not taken:
        return
    try:
        _store(taken)
    except BaseException:
        _own().add(taken)
        raise


def _store(taken: Counter[tuple[datetime, str]]) -> None:
    with writing() as connection:
        for (hour, name), times in sorted(taken.items()):  # in one order everywhere: two workers never wait crosswise
            statement = upsert(connection.dialect.name, Tally).values(hour=hour, name=name, times=times)
            added = {"times": Tally.times + times}
            connection.execute(statement.on_conflict_do_update(index_elements=["hour", "name"], set_=added))


def since(start: datetime, *names: str) -> dict[tuple[datetime, str], int]:
    """The counts of every hour from `start` on, of these names or of all."""
    statement = select(Tally.hour, Tally.name, Tally.times).where(Tally.hour >= start)
    with reading() as connection:
        rows = connection.execute(statement.where(Tally.name.in_(names)) if names else statement)
        return {(row.hour, row.name): row.times for row in rows}


def _own() -> Tallies:
    found: Tallies = current_app.extensions.setdefault("userapp.tallies", Tallies())
    return found
