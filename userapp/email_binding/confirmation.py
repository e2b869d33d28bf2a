"""The end of a change: both codes are right, the address moves, the old mailbox is told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, update
from sqlalchemy.exc import IntegrityError

from .. import audit, codes
from ..credentials import Caller
from ..errors import AppError
from ..extensions import db, writing
from ..models import EmailChange, LostMailbox, User
from . import mailing, undo
from .address_change import pending
from .errors import AddressNotChanged, NewAddressTaken, NothingPending, WrongNewCode, WrongOldCode


def confirm(caller: Caller, old_code: str, new_code: str, *, step: bool = False) -> bool:
    """Move the address when both codes are right, the old one looked at first; True when it moved.

    With `step`, one right code alone is noted and the other may follow (False). Raises NothingPending 10802,
    WrongOldCode 10813, WrongNewCode 10814, NewAddressTaken 10815, AddressNotChanged 10816.
    """
    change = pending(caller)
    if change is None:
        raise NothingPending()
    old = _living(change, "email-old", change.old_email)
    new = _living(change, "email-new", change.new_email)
    if not step:
        _require(old, old_code, WrongOldCode)
        _require(new, new_code, WrongNewCode)
    elif not _note(change, old, old_code, new, new_code):
        return False
    _move(caller.user, change, old.id, new.id)
    return True


def _note(change: Row[Any], old: Row[Any], old_code: str, new: Row[Any], new_code: str) -> bool:
    """Check the codes that were given and remember which sides are done; whether both are."""
    done = {"old_done": change.old_done, "new_done": change.new_done}
    if old_code.strip() or not new_code.strip():
        _require(old, old_code, WrongOldCode)
        done["old_done"] = _noted(change, old_done=True)
    if new_code.strip():
        _require(new, new_code, WrongNewCode)
        done["new_done"] = _noted(change, new_done=True)
    return all(done.values())


def _noted(change: Row[Any], **side: bool) -> bool:
    with writing() as connection:
        same = (EmailChange.user_id == change.user_id, EmailChange.new_email == change.new_email)
        connection.execute(update(EmailChange).where(*same).values(side))
    return True


def _living(change: Row[Any], purpose: str, target: str) -> Row[Any]:
    row = codes.pending(purpose, user_id=change.user_id)
    if row is None or row.target != target:
        raise NothingPending()
    return row


def _require(row: Row[Any], code: str, wrong: type[AppError]) -> None:
    """One counted try of a code; an empty one is wrong and costs nothing."""
    if not code.strip():
        raise wrong()
    if not codes.count_try(row.id, row.user_id):
        raise NothingPending()
    if not codes.matches(row, code):
        audit.record_alone("change_email", row.user_id, "refused")
        raise wrong()


def _move(user: Any, change: Row[Any], old_id: int, new_id: int) -> None:
    """One transaction; reset codes go first, so that a reset by the old address and this never both succeed."""
    codes.drop(user.id, "reset")
    statement = update(User).where(
        User.id == user.id, User.email == change.old_email, User.generation == change.generation, User.email_verified
    )
    try:
        moved = db.session.execute(statement.values(email=change.new_email).returning(User.id)).scalar()
    except IntegrityError:
        db.session.rollback()
        raise NewAddressTaken("new_captcha") from None
    if moved is None or not (codes.consume(old_id) and codes.consume(new_id)) or not _settle(change):
        db.session.rollback()
        raise AddressNotChanged()
    codes.drop(user.id, "email")
    db.session.execute(delete(LostMailbox).where(LostMailbox.user_id == user.id))
    undo.tell(user, change.old_email, change.new_email)
    audit.record("change_email", user.id)
    db.session.commit()
    mailing.announce(user.id, change.old_email, change.new_email)


def _settle(change: Row[Any]) -> bool:
    same = (EmailChange.user_id == change.user_id, EmailChange.credential_id == change.credential_id)
    statement = delete(EmailChange).where(*same, EmailChange.new_email == change.new_email)
    return db.session.execute(statement.returning(EmailChange.user_id)).scalar() is not None
