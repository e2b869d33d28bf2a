"""One-time codes that were mailed or texted: issued, tried and consumed by single conditional statements."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta
from typing import Any, cast

from flask import current_app
from sqlalchemy import Row, Table, and_, bindparam, delete, insert, or_, select, update

from . import budgets, keys, metrics
from .errors import TooSoon
from .extensions import db, reading, writing
from .models import Code, User, now
from .statements import Statement

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # 32 symbols: ten of them are 50 bits
_BETWEEN = re.compile(r"[\s\-]+")
_codes = cast(Table, Code.__table__)
# An account's, or what was written down for a target that nobody has: what replaces one costs as much as the other.
_NOBODYS = and_(_codes.c.user_id.is_(None), _codes.c.target == bindparam("the_target"))
_SAME = (_codes.c.purpose == bindparam("the_purpose"), or_(_codes.c.user_id == bindparam("the_user"), _NOBODYS))
_TRIED = Statement(
    select(_codes.c.attempts).where(*_SAME, _codes.c.expires_at > bindparam("moment")).order_by(_codes.c.id.desc())
)
_CLEAR = Statement(delete(_codes).where(*_SAME))
_ADD = Statement(
    insert(_codes)
    .values({c.name: bindparam(f"its_{c.name}") for c in _codes.c if not c.primary_key})
    .returning(_codes.c.id)
)
_SEAL = Statement(update(_codes).where(_codes.c.id == bindparam("the_id")).values(mac=bindparam("its_mac")))


def generate(purpose: str) -> str:
    """Six digits for a reset; ten characters without look-alikes for e-mail."""
    alphabet, length = ("0123456789", 6) if purpose == "reset" else (LETTERS, 10)
    return "".join(secrets.choice(alphabet) for _ in range(length))


def normalised(code: str) -> str:
    """A code as it was issued, however it was typed or pasted: spaces and dashes away, upper case."""
    return _BETWEEN.sub("", code[:64]).upper()


def minutes(purpose: str) -> int:
    """The life of a code of a purpose."""
    return int(current_app.config["RESET_CODE_MINUTES" if purpose == "reset" else "EMAIL_CODE_MINUTES"])


def allow_message(purpose: str, target: str) -> None:
    """Charge one message to a target, known or not; raises TooSoon (one a minute per purpose, ten a day in all)."""
    config = current_app.config
    if wait := budgets.charge("gap", f"{purpose}:{target}", 1, config["MESSAGE_GAP"]):
        raise TooSoon(retry_after=wait)
    if wait := budgets.charge("day", target, config["MESSAGES_PER_DAY"], 86400):
        budgets.refund("gap", f"{purpose}:{target}")
        raise TooSoon(retry_after=wait)


def give_back_message(purpose: str, target: str) -> None:
    """Undo `allow_message` for a message that no server took."""
    budgets.refund("gap", f"{purpose}:{target}")
    budgets.refund("day", target)


def issue(purpose: str, target: str, user: Any, holder: str = "", code: str | None = None) -> str:
    """Replace the code of a purpose for this account (or holder) and return the new one; the caller commits.

    `holder` is what the asking client must show again; `code` is given where it was sent before it is stored. The
    tries of the replaced code stay counted. Without `user` (a User or its row; None where nobody has the target) a row
    is written all the same: known and unknown targets cost alike.
    """
    db.session.flush()
    connection, moment = db.session.connection(), now()
    same = {"the_user": user.id if user else 0, "the_target": target, "the_purpose": purpose}
    tried = _TRIED.within(connection, **same, moment=moment)
    _CLEAR.within(connection, **same)
    code = code or generate(purpose)
    new = {
        "purpose": purpose, "user_id": user.id if user else None, "generation": user.generation if user else 0,
        "target": target, "holder": holder, "mac": b"", "attempts": tried.attempts if tried else 0,
        "created_at": moment, "expires_at": moment + timedelta(minutes=minutes(purpose)), "used_at": None,
    }  # fmt: skip
    number = _ADD.within(connection, **{f"its_{name}": value for name, value in new.items()}).id
    _SEAL.within(connection, the_id=number, its_mac=keys.mac(f"code:{purpose}", f"{number}:{target}:{code}"))
    metrics.codes.labels(purpose, "issued").inc()
    return code


def pending(purpose: str, *, user_id: int | None = None, holder: str = "") -> Row[Any] | None:
    """The living code of an account or holder, if it has one."""
    same = Code.holder == holder if user_id is None else Code.user_id == user_id
    alive = select(*Code.__table__.c).where(same, Code.purpose == purpose, Code.used_at.is_(None))
    known = or_(Code.user_id.is_(None), Code.generation == _generation())
    with reading() as connection:
        found = connection.execute(alive.where(Code.expires_at > now(), known).order_by(Code.id.desc()))
        return found.first()


def count_try(code_id: int, user_id: int | None) -> bool:
    """Count one try of a code, committed before anything is compared; False if it has none left."""
    if user_id is not None and budgets.charge(
        "codes", str(user_id), current_app.config["CODE_TRIES_PER_HOUR"], 3600
    ):  # fmt: skip
        return False
    with writing() as connection:
        statement = (
            update(Code)
            .where(Code.id == code_id, Code.used_at.is_(None), Code.expires_at > now())
            .where(Code.attempts < current_app.config["CODE_TRIES"])
            .values(attempts=Code.attempts + 1)
        )
        counted = connection.execute(statement).rowcount == 1
    metrics.codes.labels("any", "tried" if counted else "refused").inc()
    return counted


def matches(row: Row[Any], code: str) -> bool:
    """Whether `code` is the one this row was issued for."""
    return keys.mac_matches(f"code:{row.purpose}", f"{row.id}:{row.target}:{normalised(code)}", row.mac)


def consume(code_id: int) -> bool:
    """Use a code up in the transaction under way; of many at once exactly one is told True."""
    statement = (
        update(Code)
        .where(Code.id == code_id, Code.used_at.is_(None), Code.expires_at > now())
        .where(or_(Code.user_id.is_(None), Code.generation == _generation()))
        .values(used_at=now())
    )
    purpose = db.session.execute(statement.returning(Code.purpose)).scalar()
    if purpose is not None:
        metrics.codes.labels(purpose, "used").inc()
    return purpose is not None


def drop(user_id: int, purpose: str) -> None:
    """Void the codes of one purpose, in the transaction under way."""
    db.session.execute(delete(Code).where(Code.user_id == user_id, Code.purpose == purpose))


def _generation() -> object:
    return select(User.generation).where(User.id == Code.user_id).scalar_subquery()
