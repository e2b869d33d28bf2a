"""Taking one's data along, and asking for the account to be deleted or to stay."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from itsdangerous import BadData
from sqlalchemy import Select, select

from .. import audit, keys, messages, removals, signals
from ..credentials import Caller
from ..extensions import db, reading
from ..models import AuditEvent, Credential, Message, User, now
from .errors import NothingToCallOff

OURS = ("password_hash", "generation", "uname_key")  # of no meaning outside, or a secret
MOST = 10_000


@dataclass(frozen=True)
class Export:
    """Everything that is kept of a person: what JSON can say, and files."""

    data: dict[str, Any]
    files: dict[str, bytes]


def export(caller: Caller) -> Export:
    """Collect what the kernel and every feature hold of the caller."""
    user = caller.user
    found: dict[str, Any] = {
        "account": {name: _plain(getattr(user, name)) for name in _columns(User) if name not in OURS},
        "sign_ins": _rows(_sign_ins(user.id)),
        "events": _rows(_events(user.id)),
        "messages": _rows(_messages(user)),
    }
    app: Any = current_app
    for receive in signals.exporting.receivers_for(app._get_current_object()):
        found |= receive(app._get_current_object(), user_id=user.id)
    audit.record("export_own", user.id)
    db.session.commit()
    files = {name: value for name, value in found.items() if isinstance(value, bytes)}
    return Export({name: value for name, value in found.items() if name not in files}, files)


def _columns(table: Any) -> list[str]:
    return [column.name for column in table.__table__.columns]


def _sign_ins(user_id: int) -> Select[Any]:
    table = Credential.__table__.c
    columns = (table.kind, table.name, table.created_at, table.seen_at, table.expires_at, table.address, table.agent)
    return select(*columns).where(table.user_id == user_id).order_by(table.id.desc())


def _events(user_id: int) -> Select[Any]:
    table = AuditEvent.__table__.c
    columns = (table.at, table.event, table.outcome, table.address, table.detail)
    return select(*columns).where(table.user_id == user_id).order_by(table.id.desc())


def _messages(user: Any) -> Select[Any]:
    table = Message.__table__.c
    own = [target for target in (user.email, user.phone) if target]
    return select(table.created_at, table.kind, table.subject).where(table.recipient.in_(own)).order_by(table.id.desc())


def _rows(statement: Select[Any]) -> list[dict[str, Any]]:
    with reading() as connection:
        found = connection.execute(statement.limit(MOST)).mappings().all()
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def zipped(found: Export) -> bytes:
    """An export as a zip file: data.json, and each file under its name."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.json", json.dumps(found.data, ensure_ascii=False, indent=2))
        for name, content in found.files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def due(user_id: int) -> datetime | None:
    """When the account will be deleted, if that was asked for."""
    return removals.due(user_id)


def ask(caller: Caller) -> datetime:
    """Have the account deleted when the waiting time is over, and say when; asking again changes nothing."""
    user, days = caller.user, int(current_app.config["DELETION_DAYS"])
    moment = now() + timedelta(days=days)
    if removals.ask(user.id, moment):
        text = "您的账号将在 {date} 删除。如果想保留账号，请在那之前打开下面的链接，或登录后撤销。"
        date = moment.strftime("%Y-%m-%d %H:%M UTC")
        target, life = user.email or user.phone, timedelta(days=max(days, 3))
        messages.queue(user, target, "账号将被删除", text, life=life, date=date, link=_link(user.id))
        audit.record("removal_asked", user.id)
    db.session.commit()
    return due(user.id) or moment


def call_off(caller: Caller) -> None:
    """Let the account stay; raises NothingToCallOff 11100."""
    _stay(caller.user_id)


def keep(link: str) -> None:
    """Let the account stay, asked by whoever read its mail; raises NothingToCallOff 11100."""
    _stay(read(link))


def _stay(user_id: int) -> None:
    if not removals.call_off(user_id):
        db.session.rollback()
        raise NothingToCallOff()
    user: Any = db.session.get_one(User, user_id)
    messages.queue_notice(user, user.email or user.phone, "账号不会被删除", "删除已撤销，您的账号保持不变。")
    audit.record("removal_called_off", user_id)
    db.session.commit()


def _link(user_id: int) -> str:
    return f"{current_app.config['BASE_URL']}/user/delete/keep?link={keys.signer('stay').dumps(user_id)}"


def read(link: str) -> int:
    """Whose deletion a link calls off; raises NothingToCallOff 11100."""
    try:
        user_id = int(keys.signer("stay").loads(link, max_age=86400 * (current_app.config["DELETION_DAYS"] + 1)))
    except (BadData, TypeError, ValueError):
        raise NothingToCallOff() from None
    if due(user_id) is None:
        raise NothingToCallOff()
    return user_id
