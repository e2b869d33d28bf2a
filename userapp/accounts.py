"""What operators do to an account: the same verbs for the pages of administrators and for the command line.

Each is one transaction: the change, the end of what was issued before, the event that says who did it. The signals
follow the commit. `by` is the id of the administrator, or OPERATOR for whoever may run commands on the machine.
"""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import delete, or_, select, update

from . import audit, signals
from .errors import NotFound
from .extensions import db, reading
from .models import Code, Credential, EmailChange, Message, User

OPERATOR = 0
TYPES = ("student", "teacher", "admin")


def disable(user_id: int, by: int) -> bool:
    """Let nobody sign in to an account and end all it is signed in with; False if it is disabled already."""
    return _change(user_id, by, "disable", {"disabled": True})


def enable(user_id: int, by: int) -> bool:
    """Let its owner sign in again; what ended stays ended. False if the account is not disabled."""
    return _change(user_id, by, "enable", {"disabled": False})


def set_type(user_id: int, user_type: str, by: int) -> bool:
    """Make an account a student, teacher or admin; it signs in anew. False if it is one already."""
    if user_type not in TYPES:
        raise ValueError(f"{user_type!r} is not one of {', '.join(TYPES)}")
    return _change(user_id, by, "set_type", {"user_type": user_type})


def end_everything(user_id: int, by: int) -> int:
    """End every session, token, open code and pending change of an account; how many sessions and tokens."""
    ended = _end(user_id)
    audit.record("end_everything", user_id, actor_id=by, ended=ended)
    db.session.commit()
    _tell_ended(user_id)
    return ended


def remove(user_id: int, by: int) -> None:
    """Delete an account and what belongs to it; its events stay as long as events do. Raises NotFound."""
    found = _row(user_id)
    written = [Message.recipient == target for target in (found.email, found.phone) if target]
    if written:
        db.session.execute(delete(Message).where(or_(*written)))
    if db.session.execute(delete(User).where(User.id == user_id).returning(User.id)).scalar() is None:
        db.session.rollback()
        raise NotFound()
    audit.record("remove", user_id, actor_id=by)
    db.session.commit()
    _tell_ended(user_id)
    app: Any = current_app
    signals.account_removed.send(app._get_current_object(), user_id=user_id)


def _change(user_id: int, by: int, event: str, wanted: dict[str, Any]) -> bool:
    """Set columns that decide what an account may do, if they differ; everything issued before ends with it."""
    found = _row(user_id)
    before = {name: getattr(found, name) for name in wanted}
    differs = or_(*(User.__table__.c[name] != value for name, value in wanted.items()))
    changed = db.session.execute(update(User).where(User.id == user_id, differs).values(wanted).returning(User.id))
    if changed.scalar() is None:
        db.session.rollback()
        return False
    _end(user_id)
    audit.record(event, user_id, actor_id=by, before=before, after=wanted)
    db.session.commit()
    _tell_ended(user_id)
    return True


def _end(user_id: int) -> int:
    """End what an account holds, in the transaction under way; raises NotFound.

    The generation ends also what another process is issuing just now; the rows go so that nobody lists them.
    """
    moved = update(User).where(User.id == user_id).values(generation=User.generation + 1)
    if db.session.execute(moved.returning(User.id)).scalar() is None:
        db.session.rollback()
        raise NotFound()
    db.session.execute(delete(Code).where(Code.user_id == user_id))
    db.session.execute(delete(EmailChange).where(EmailChange.user_id == user_id))
    gone = db.session.execute(delete(Credential).where(Credential.user_id == user_id).returning(Credential.id))
    return len(gone.all())


def _row(user_id: int) -> Any:
    with reading() as connection:
        found = connection.execute(select(*User.__table__.c).where(User.id == user_id)).one_or_none()
    if found is None:
        raise NotFound()
    return found


def _tell_ended(user_id: int) -> None:
    app: Any = current_app
    signals.credentials_ended.send(app._get_current_object(), user_id=user_id)
