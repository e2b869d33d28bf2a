"""Document B's tokens: refreshed, and put into a cookie."""

from __future__ import annotations

import re
import time

from .. import audit, credentials
from ..credentials import Caller, Origin
from ..extensions import db
from .errors import ConfirmTooOld, TokenNotRefreshed

WINDOW = 10
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE]\+?[0-9]{1,2})?")  # as programs write numbers in JSON


def refresh(caller: Caller, confirm: str) -> tuple[str, int]:
    """Exchange the caller's token for a new one: (token, Unix seconds it expires at).

    `confirm` is Unix time in seconds or milliseconds, within ten seconds of ours, else ConfirmTooOld (10300); the loser
    of two racing refreshes gets TokenNotRefreshed (10301).
    """
    if not _is_near(confirm.strip()):
        raise ConfirmTooOld()
    renewed = credentials.rotate(caller)
    if renewed is None:
        raise TokenNotRefreshed()
    audit.record("refresh_token", caller.user_id)
    db.session.commit()
    return renewed


def _is_near(confirm: str) -> bool:
    if not _NUMBER.fullmatch(confirm):
        return False
    moment, here = float(confirm), time.time()
    if moment > 1e11:  # milliseconds
        moment /= 1000
    elif confirm.isdigit():  # `second` of /server_status/time, whole too: ten of them are not 10.4
        here = int(here)
    return abs(moment - here) <= WINDOW


def for_cookie(caller: Caller, origin: Origin) -> str:
    """The token a cookie is to carry: the one presented, or a new one for a session."""
    if caller.kind == "token":
        return caller.key
    return create(caller, "cookie", origin)


def create(caller: Caller, name: str, origin: Origin) -> str:
    """A token of the account with a name its owner gave it; the only time it is shown."""
    issued = credentials.issue(caller.user, "token", origin, generation=caller.user.generation, name=name[:60])
    audit.record("create_token", caller.user_id)
    db.session.commit()
    return issued.key


def cookie_seconds() -> int:
    """How long the token cookie is kept: as long as a token lives at most."""
    return int(credentials.lifetime("token", "").total_seconds())
