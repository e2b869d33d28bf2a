"""What administrators do to an account: the verbs of `accounts`, for an administrator who is one in that very moment.

The rows of both are locked, in the order of their ids, before anything changes: of two administrators who take each
other's rights away at once, one succeeds.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from .. import accounts
from ..credentials import Caller
from ..errors import NotAllowed, NotFound
from ..extensions import db
from ..models import User
from .errors import AddressMoved, OwnAccount, UidTaken, UnknownType, WrongConfirmation
from .paging import LAST_ID


def disable(actor: Caller, user_id: int) -> None:
    """Close an account and end all it is signed in with; raises OwnAccount 12002, NotFound, NotAllowed."""
    _lock(actor, user_id, own=False)
    accounts.disable(user_id, actor.user_id)


def enable(actor: Caller, user_id: int) -> None:
    """Open it again; raises NotFound, NotAllowed."""
    _lock(actor, user_id)
    accounts.enable(user_id, actor.user_id)


def end_sessions(actor: Caller, user_id: int, public_id: str) -> None:
    """End one session or token by its public id, or everything; raises OwnAccount 12002, NotFound, NotAllowed."""
    _lock(actor, user_id, own=False)
    if public_id:
        accounts.end_one(user_id, public_id, actor.user_id)
    else:
        accounts.end_everything(user_id, actor.user_id)


def start_reset(actor: Caller, user_id: int) -> None:
    """Void the password; its owner sets a new one. Raises Unreachable 10010, OwnAccount 12002, NotFound, NotAllowed."""
    _lock(actor, user_id, own=False)
    accounts.start_reset(user_id, actor.user_id)


def set_uid(actor: Caller, user_id: int, uid: str) -> None:
    """Give an account another number; raises UidTaken 12001, NotFound, NotAllowed."""
    _lock(actor, user_id)
    try:
        accounts.set_uid(user_id, uid, actor.user_id)
    except IntegrityError:
        raise UidTaken() from None


def set_name(actor: Caller, user_id: int, name: str) -> None:
    """Set the real name; raises NotFound, NotAllowed."""
    _lock(actor, user_id)
    accounts.set_name(user_id, name, actor.user_id)


def set_type(actor: Caller, user_id: int, user_type: str) -> None:
    """Make it a student, teacher or admin; it signs in anew. Raises UnknownType 12004, OwnAccount, NotFound."""
    if user_type not in accounts.TYPES:
        raise UnknownType()
    _lock(actor, user_id, own=False)
    accounts.set_type(user_id, user_type, actor.user_id)


def verify_email(actor: Caller, user_id: int, email: str) -> None:
    """Take the present address for verified; raises AddressMoved 12006, NotFound, NotAllowed."""
    _lock(actor, user_id)
    if not accounts.verify_email(user_id, email, actor.user_id):
        raise AddressMoved()


def remove(actor: Caller, user_id: int, uname: str) -> None:
    """Delete an account; raises WrongConfirmation 12005 unless `uname` is its user name, OwnAccount, NotFound."""
    if _lock(actor, user_id, own=False) != uname:
        db.session.rollback()
        raise WrongConfirmation()
    accounts.remove(user_id, actor.user_id)


def _lock(actor: Caller, user_id: int, *, own: bool = True) -> str:
    """Lock both accounts until the commit and return the user name of the one something is done to."""
    if user_id > LAST_ID:
        raise NotFound()
    if not own and user_id == actor.user_id:
        raise OwnAccount()
    columns = select(User.id, User.uname, User.user_type, User.disabled, User.generation)
    rows = db.session.execute(
        columns.where(User.id.in_((actor.user_id, user_id))).order_by(User.id).with_for_update()
    ).all()
    found = {row.id: row for row in rows}
    me = found.get(actor.user_id)
    if me is None or me.disabled or me.user_type != "admin" or me.generation != actor.user.generation:
        db.session.rollback()
        raise NotAllowed()
    if user_id not in found:
        db.session.rollback()
        raise NotFound()
    return str(found[user_id].uname)
