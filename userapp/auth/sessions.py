"""What an account is signed in with, listed and ended by its owner."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import delete

from .. import activity, audit, signals
from ..credentials import Caller
from ..errors import NotFound
from ..extensions import db
from ..models import Credential


def overview(caller: Caller) -> dict[str, Any]:
    """What the security page shows: what the account is signed in with, and its latest events."""
    living = activity.credentials_of(caller.user, caller.credential_id)
    return {"credentials": living, "events": activity.events_of(caller.user_id)}


def end(caller: Caller, which: str) -> None:
    """End the credential with a public id, or with `others` all but the caller's own; raises NotFound."""
    end_others(caller) if which == "others" else end_one(caller, which)


def end_one(caller: Caller, public_id: str) -> None:
    """End one session or token of the caller's account; raises NotFound for anybody else's."""
    own = delete(Credential).where(Credential.user_id == caller.user_id, Credential.public_id == public_id)
    if db.session.execute(own.returning(Credential.id)).scalar() is None:
        db.session.rollback()
        raise NotFound()
    _commit_ended(caller)


def end_others(caller: Caller) -> None:
    """End everything but the credential the caller came with."""
    others = (Credential.user_id == caller.user_id, Credential.id != caller.credential_id)
    db.session.execute(delete(Credential).where(*others))
    _commit_ended(caller)


def _commit_ended(caller: Caller) -> None:
    audit.record("end_credential", caller.user_id)
    db.session.commit()
    signals.credentials_ended.send(current_app._get_current_object(), user_id=caller.user_id)  # type: ignore[attr-defined]
