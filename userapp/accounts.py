"""What operators do to an account: the same verbs for the pages of administrators and for the command line.

Each is one transaction: the change, the end of what was issued before, the event that says who did it. The signals
follow the commit. `by` is the id of the administrator, or OPERATOR for whoever may run commands on the machine.
"""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from . import audit, codes, messages, signals
from .errors import NotFound, Unreachable
from .extensions import db, reading
from .models import Code, Credential, EmailChange, User
from .removals import remove as remove

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


def set_uid(user_id: int, uid: str, by: int) -> bool:
    """Give an account another number, already in its stored form. False if it is its number already.

    Raises IntegrityError where another account has it.
    """
    try:
        return _change(user_id, by, "set_uid", {"uid": uid}, ends=False)
    except IntegrityError:
        db.session.rollback()
        raise


def set_name(user_id: int, name: str, by: int) -> bool:
    """Set the real name; False if it is the same."""
    return _change(user_id, by, "set_name", {"name": name}, ends=False)


def verify_email(user_id: int, email: str, by: int) -> bool:
    """Take an account's address for verified, if it still is this one and was not verified before; else False."""
    same = (User.id == user_id, User.email == email, User.email_verified.is_(False))
    statement = update(User).where(*same).values(email_verified=True).returning(User.id)
    if db.session.execute(statement).scalar() is None:
        db.session.rollback()
        return False
    codes.drop(user_id, "email")
    audit.record("verify_email", user_id, actor_id=by, before={"verified": False}, after={"verified": True})
    db.session.commit()
    return True


def start_reset(user_id: int, by: int) -> None:
    """Void the password and end everything; the owner is told to set a new one by recovery. Raises Unreachable."""
    found = _row(user_id)
    config = current_app.config
    mailable = found.email if found.email_verified or config["RESET_UNVERIFIED"] == "yes" else None
    if not (target := mailable or found.phone):
        raise Unreachable()
    _end(user_id)
    db.session.execute(update(User).where(User.id == user_id).values(password_hash=None))
    text = "管理员要求您重新设置密码，原来的密码已不能使用。请打开下面的页面找回密码。"
    messages.queue_notice(found, target, "请重新设置密码", text, link=f"{config['BASE_URL']}/user/reset")
    had = found.password_hash is not None
    audit.record("start_reset", user_id, actor_id=by, before={"password": had}, after={"password": False})
    db.session.commit()
    _tell_ended(user_id)


def end_one(user_id: int, public_id: str, by: int) -> None:
    """End one session or token of an account; raises NotFound for one that is not its own."""
    own = delete(Credential).where(Credential.user_id == user_id, Credential.public_id == public_id)
    kind = db.session.execute(own.returning(Credential.kind)).scalar()
    if kind is None:
        db.session.rollback()
        raise NotFound()
    audit.record("end_credential", user_id, actor_id=by, kind=kind, public_id=public_id)
    db.session.commit()
    _tell_ended(user_id)


def end_everything(user_id: int, by: int) -> int:
    """End every session, token, open code and pending change of an account; how many sessions and tokens."""
    ended = _end(user_id)
    audit.record("end_everything", user_id, actor_id=by, ended=ended)
    db.session.commit()
    _tell_ended(user_id)
    return ended


def _change(user_id: int, by: int, event: str, wanted: dict[str, Any], *, ends: bool = True) -> bool:
    """Set columns if they differ; where they decide what an account may do, everything issued before ends with it."""
    found = _row(user_id)
    before = {name: getattr(found, name) for name in wanted}
    differs = or_(*(User.__table__.c[name] != value for name, value in wanted.items()))
    changed = db.session.execute(update(User).where(User.id == user_id, differs).values(wanted).returning(User.id))
    if changed.scalar() is None:
        db.session.rollback()
        return False
    if ends:
        _end(user_id)
    audit.record(event, user_id, actor_id=by, before=before, after=wanted)
    db.session.commit()
    if ends:
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
    return drop_issued(user_id)


def drop_issued(user_id: int) -> int:
    """Take sessions, tokens, codes and a pending change away, in the transaction under way; how many were signed in."""
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
