"""Changing and removing one's picture, and finding the one to show."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import current_app
from sqlalchemy import Row, Table, case, select, update
from sqlalchemy.exc import SQLAlchemyError

from .. import audit, budgets
from ..errors import NotFound, Overloaded, TooMany
from ..extensions import db, reading
from ..models import User
from .errors import RowNotUpdated, TooLarge
from .pictures import Limits, make_sizes
from .storage import GRACE_SECONDS, LocalStore, Store

log = logging.getLogger("userapp.avatar")
_users = cast(Table, User.__table__)

# How long an upload waits for a free decoder before the service says it is busy.
PATIENCE = 10


@dataclass(frozen=True)
class Workshop:
    """What one process makes and keeps pictures with; `slots` bounds how many are decoded at once."""

    store: Store
    sizes: Mapping[str, int]
    limits: Limits
    slots: threading.BoundedSemaphore

    def make(self, data: bytes, square: tuple[int, int, int] | None) -> dict[str, bytes]:
        """Decode within the bound; Overloaded where no decoder becomes free."""
        if not self.slots.acquire(timeout=PATIENCE):
            raise Overloaded(retry_after=PATIENCE)
        try:
            return make_sizes(data, square, self.sizes, self.limits)
        finally:
            self.slots.release()


def workshop() -> Workshop:
    """Return the application's."""
    found: Workshop = current_app.extensions["avatar"]
    return found


def change_avatar(user_id: int, data: bytes, square: tuple[int, int, int] | None) -> Row[Any]:
    """Make `data` the account's picture and return its row as committed.

    Raises every line of document B's table 107 from 10703 on; whatever fails, the picture shown before stays whole.
    """
    if len(data) > current_app.config["AVATAR_MAX_BYTES"]:
        raise TooLarge()
    if wait := budgets.charge("avatar", str(user_id), current_app.config["AVATAR_PER_HOUR"], 3600):
        raise TooMany(retry_after=wait)
    shop = workshop()
    files = shop.make(data, square)
    with shop.store.changing(user_id):
        key = shop.store.put(user_id, files)
        row = _commit(user_id, key, "change_avatar")  # files it does not name after all are left to the sweep
        _follow(shop.store, user_id, key)
    collect(GRACE_SECONDS)
    return row


def remove_avatar(user_id: int) -> Row[Any]:
    """Go back to the default picture and return the account's row; there being none is no refusal."""
    store = workshop().store
    with store.changing(user_id):
        former = db.session.scalar(select(_users.c.avatar_key).where(_users.c.id == user_id).with_for_update())
        row = _commit(user_id, None, "remove_avatar")
        _follow(store, user_id, None, former)
    return row


def find_avatar(user_id: int, size: str, kinds: Sequence[str]) -> tuple[Row[Any], str, bytes | None]:
    """Return the account's row and the picture it names, as the first of `kinds` there is; None where there is none.

    A store that does not answer has none. Raises NotFound for an account that does not exist or is disabled.
    """
    row = _visible(user_id)
    for _ in range(3):  # an upload can be collected between the row and the file only by a newer one
        if row.avatar_key is None:
            break
        try:
            for kind in kinds:
                if found := workshop().store.read(user_id, row.avatar_key, f"{size}.{kind}"):
                    return row, kind, found
        except OSError as error:
            log.error("avatar store: %s", type(error.__cause__ or error).__name__)
            break
        row = _visible(user_id)
    return row, "", None


def _visible(user_id: int) -> Row[Any]:
    row = _row(user_id)
    if row is None or row.disabled:
        raise NotFound()
    return row


def drop_avatar(user_id: int) -> None:
    """Remove the files of an account that is gone."""
    try:
        workshop().store.drop(user_id)
    except OSError as error:
        log.error("avatar store: %s", type(error).__name__)


def probe_store() -> str:
    """Whether pictures can be kept: `ok`, or an OSError that says why not."""
    store = workshop().store
    store.read(0, "0", "small")
    if isinstance(store, LocalStore):
        store.root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=store.root) as file:
            file.write(b"ok")
    return "ok"


def collect(age: float = 0) -> int:
    """Collect old and left-over files; failing at it fails nobody's request."""
    try:
        return workshop().store.sweep(_shown, age)
    except (OSError, SQLAlchemyError) as error:
        log.error("avatar sweep: %s", type(error).__name__)
        return 0


def mend() -> None:
    """Have links follow their rows where a process was killed between the two."""
    store = workshop().store
    if isinstance(store, LocalStore):  # in an object store the rows alone decide
        store.mend(_shown)


def _commit(user_id: int, key: str | None, event: str) -> Row[Any]:
    """Name the upload in the row, under a later second than any before: its address was never another picture's."""
    now, latest = int(time.time()), _users.c.avatar_changed_at
    moment = case((latest >= now, latest + 1), else_=now)
    changed = update(_users).where(_users.c.id == user_id).values(avatar_key=key, avatar_changed_at=moment)
    try:
        row = db.session.execute(changed.returning(*_users.c)).one_or_none()
        if row is None:  # the account was deleted meanwhile
            raise NotFound()
        audit.record(event, user_id)
        db.session.commit()
    except BaseException as error:
        db.session.rollback()
        if isinstance(error, SQLAlchemyError):
            raise RowNotUpdated() from error
        raise
    return row


def _follow(store: Store, user_id: int, key: str | None, former: str | None = None) -> None:
    """Let the store follow the committed row; what fails here is repaired by the next sweep."""
    try:
        store.show(user_id, key, former)
    except OSError as error:
        log.error("avatar store: %s", type(error).__name__)


def _row(user_id: int) -> Row[Any] | None:
    columns: list[Any] = [
        _users.c.id,
        _users.c.uname,
        _users.c.disabled,
        _users.c.avatar_key,
        _users.c.avatar_changed_at,
    ]
    with reading() as connection:
        return connection.execute(select(*columns).where(_users.c.id == user_id)).one_or_none()


def _shown(user_id: int) -> str | None:
    row = _row(user_id)
    return cast("str | None", row.avatar_key) if row else None
