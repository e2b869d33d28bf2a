"""Whether this node can serve: the database, its migrations, and what features say of what they need."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from time import monotonic

from flask import Flask, current_app
from sqlalchemy import select, text

from .. import revisions
from ..extensions import db, reading
from ..models import Message

KEPT = 1.0  # seconds an answer is good for: the question is open to strangers
PATIENCE = 3.0  # seconds a part has to answer

Probe = Callable[[], str]


class Readiness:
    """Asks every part, one at a time and not more often than once a second."""

    def __init__(self, app: Flask) -> None:
        """Nothing is asked and no thread started before the first question."""
        self.app, self.lock = app, threading.Lock()
        self.asked_at, self.answer = 0.0, {"service": "not asked yet"}

    def parts(self) -> dict[str, str]:
        """Each part and `ok`, or in words why not."""
        with self.lock:
            if monotonic() - self.asked_at > KEPT:
                self.answer = self._ask()
                self.asked_at = monotonic()
            return self.answer

    def _ask(self) -> dict[str, str]:
        probes: dict[str, Probe] = {"database": _database, "migrations": _migrations}
        probes |= self.app.extensions.get("userapp.probes", {})
        threads = ThreadPoolExecutor(len(probes), "readiness")
        asked = {name: threads.submit(self._inside, probe) for name, probe in probes.items()}
        threads.shutdown(wait=False)
        end = monotonic() + PATIENCE
        found: dict[str, str] = {}
        for name, future in asked.items():
            try:
                found[name] = future.result(max(0.01, end - monotonic()))
            except TookTooLong:
                found[name] = f"no answer within {PATIENCE:.0f} seconds"
            except Exception as error:  # whatever a part fails with, the answer is that it does
                found[name] = f"{type(error).__name__}: {str(getattr(error, 'orig', None) or error)[:200]}"
        return found

    def _inside(self, probe: Probe) -> str:
        with self.app.app_context():
            return probe()


def _database() -> str:
    with reading() as connection:
        connection.execute(text("SELECT 1"))
    return "ok"


def _migrations() -> str:
    """A database that is ahead is right: while an upgrade is under way, the code it comes from still serves."""
    with reading() as connection:
        present = revisions.present(connection)
    if not revisions.lacking(present):
        return "ok"
    heads = "/".join(sorted(revisions.known()[1]))
    return f"the database is at {'/'.join(sorted(present)) or 'nothing'}, this code needs {heads}"


def readiness() -> Readiness:
    """The application's."""
    found: Readiness = current_app.extensions["userapp.readiness"]
    return found


def oldest_waiting() -> float:
    """How many seconds the oldest message that is due has been waiting; -1 where the database does not answer."""
    from datetime import UTC, datetime

    try:
        with reading() as connection:
            oldest = connection.execute(select(db.func.min(Message.created_at)).where(Message.done == "")).scalar()
    except Exception:
        return -1.0
    return (datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0
