"""What may be spent on an account, an address or a target within a window; counted in one database statement."""

from __future__ import annotations

import hashlib
import time
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Integer, String, Table, bindparam, case, delete, func, literal_column, select, update

from . import metrics
from .extensions import reading, writing
from .models import Budget, UtcDateTime, now
from .statements import Statement, upsert

_NAME, _KEY = bindparam("the_name", type_=String()), bindparam("the_key", type_=String())
_COST, _MOST = bindparam("cost", type_=Integer()), bindparam("most", type_=Integer())
_MOMENT, _ENDS = bindparam("moment", type_=UtcDateTime()), bindparam("ends", type_=UtcDateTime())
_SAME = (Budget.name == _NAME, Budget.key == _KEY)


def _charging(dialect: str, resets_at: Any) -> Any:
    over = Budget.resets_at <= _MOMENT
    return (
        upsert(dialect, Budget)
        .values(name=_NAME, key=_KEY, spent=_COST, resets_at=_ENDS)
        .on_conflict_do_update(
            index_elements=["name", "key"],
            set_={"spent": case((over, _COST), else_=Budget.spent + _COST), "resets_at": resets_at},
            where=over | (Budget.spent + _COST <= _MOST),
        )
        .returning(Budget.spent)
    )


_EXTEND = Statement(lambda dialect: _charging(dialect, _ENDS))
_CHARGE = Statement(
    lambda dialect: _charging(dialect, case((Budget.resets_at <= _MOMENT, _ENDS), else_=Budget.resets_at))
)


def _sliding(dialect: str) -> Any:
    last = cast(Table, Budget.__table__).alias("last")
    before = select(last.c.spent).where(last.c.name == _NAME, last.c.key == bindparam("last_key")).scalar_subquery()
    left = _MOST - func.coalesce(before, literal_column("0"))
    first = select(_NAME, _KEY, _COST, _ENDS).where(left >= _COST)
    return (
        upsert(dialect, Budget)
        .from_select(["name", "key", "spent", "resets_at"], first)
        .on_conflict_do_update(
            index_elements=["name", "key"],
            set_={"spent": Budget.spent + _COST},
            where=Budget.spent + _COST <= left,
        )
        .returning(Budget.spent)
    )


_SLIDE = Statement(_sliding)
_READ = Statement(select(Budget.spent, Budget.resets_at).where(*_SAME))
_REFUND = Statement(update(Budget).where(*_SAME, Budget.spent >= _COST).values(spent=Budget.spent - _COST))
_CLEAR = Statement(delete(Budget).where(*_SAME))


def charge(name: str, key: str, limit: int, seconds: int, *, extend: bool = False, cost: int = 1) -> int:
    """Spend `cost` of `limit`, and say how many seconds to wait where it is spent already: 0 means it was granted.

    The window starts at the first charge; with `extend` each charge restarts it, so that no `seconds` long span ever
    holds more than `limit`. Committed at once: what was tried stays counted whatever happens next.
    """
    with writing() as connection:
        return charge_in(connection, name, key, limit, seconds, extend=extend, cost=cost)


def charge_in(
    connection: Connection, name: str, key: str, limit: int, seconds: int, *, extend: bool = False, cost: int = 1
) -> int:
    """As `charge`, within the caller's transaction."""
    moment, key = now(), _short(key)
    ends = moment + timedelta(seconds=seconds)
    values = {"the_name": name, "the_key": key, "cost": cost, "moment": moment, "ends": ends, "most": limit}
    if (_EXTEND if extend else _CHARGE).within(connection, **values) is not None:
        return 0
    metrics.limited.labels(name).inc()
    resets_at: datetime = _READ.within(connection, the_name=name, the_key=key).resets_at
    return max(1, int((resets_at - moment).total_seconds()) + 1)


def charge_sliding_in(connection: Connection, name: str, key: str, limit: int, seconds: int) -> int:
    """As `charge_in`, but no span of `seconds` holds more than `limit`, and who is slow enough is never refused.

    Windows stand still on the clock, and what the last one holds counts in the present one, too.
    """
    number, into = divmod(int(time.time()), seconds)
    present, last = (_short(f"{key}|{window}") for window in (number, number - 1))
    values = {"the_name": name, "the_key": present, "last_key": last, "cost": 1, "most": limit}
    if _SLIDE.within(connection, **values, ends=now() + timedelta(seconds=2 * seconds)) is not None:
        return 0
    metrics.limited.labels(name).inc()
    return seconds - into


def refund_sliding_in(connection: Connection, name: str, key: str, seconds: int) -> None:
    """Give back what `charge_sliding_in` took."""
    refund_in(connection, name, f"{key}|{int(time.time()) // seconds}")


def wait(name: str, key: str, limit: int) -> int:
    """How many seconds until something can be charged again; 0 if now. Spends nothing."""
    with reading() as connection:
        found = connection.execute(
            select(Budget.resets_at).where(
                Budget.name == name, Budget.key == _short(key), Budget.spent >= limit, Budget.resets_at > now()
            )
        ).scalar()
    return max(1, int((found - now()).total_seconds()) + 1) if found else 0


def refund(name: str, key: str, cost: int = 1) -> None:
    """Give back what was charged for something that then did not happen."""
    with writing() as connection:
        refund_in(connection, name, key, cost)


def refund_in(connection: Connection, name: str, key: str, cost: int = 1) -> None:
    """As `refund`, within the caller's transaction."""
    _REFUND.within(connection, the_name=name, the_key=_short(key), cost=cost)


def clear(connection: Connection, name: str, key: str) -> None:
    """Forget what was spent, within the caller's transaction."""
    _CLEAR.within(connection, the_name=name, the_key=_short(key))


def _short(key: str) -> str:
    """A fixed-length key that tells no address to whoever reads the table."""
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()
