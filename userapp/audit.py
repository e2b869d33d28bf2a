"""Security events: one row beside what they tell of, and one structured log line once it is committed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from flask import g, has_request_context
from sqlalchemy import Connection, Table, bindparam, insert, update
from sqlalchemy import event as listening
from sqlalchemy.orm import Session

from . import metrics, tallies
from .addresses import client_address
from .extensions import db, writing
from .models import AuditEvent, now
from .statements import Statement

log = logging.getLogger("userapp.audit")
EVENTS = {  # every event by its name, and what it is called on pages
    "register": "注册账号",
    "sign_in": "登录",
    "sign_out": "退出登录",
    "change_password": "更改密码",
    "change_info": "修改资料",
    "reset_asked": "请求找回密码",
    "reset": "找回密码",
    "refresh_token": "刷新令牌",
    "create_token": "创建令牌",
    "end_credential": "结束登录",
    "verify_email": "验证邮箱",
    "change_email_asked": "请求更换邮箱",
    "change_email_cancelled": "取消更换邮箱",
    "change_email": "更换邮箱",
    "change_email_undone": "撤销更换邮箱",
    "change_avatar": "更换头像",
    "remove_avatar": "移除头像",
    "disable": "账号被停用",
    "enable": "账号恢复使用",
    "end_everything": "结束所有登录",
    "start_reset": "要求重设密码",
    "set_uid": "账号号码更改",
    "set_name": "姓名更改",
    "set_type": "账号类型更改",
    "remove": "账号被删除",
    "import": "导入账号",
    "export_own": "导出个人数据",
    "removal_asked": "请求删除账号",
    "removal_called_off": "撤销删除账号",
}


_events = cast(Table, AuditEvent.__table__)
_RECORD = Statement(
    insert(_events).values({c.name: bindparam(f"its_{c.name}") for c in _events.c if not c.primary_key})
)


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {f"its_{name}": value for name, value in values.items()}


def record(event: str, user_id: int | None, outcome: str = "ok", actor_id: int | None = None, **detail: Any) -> None:
    """Add an event to the transaction under way; row and line are kept if and only if what it tells of is.

    `user_id` is the account it happened to, `actor_id` who did it where that is somebody else.
    """
    values = _values(event, user_id, outcome, actor_id, detail)
    _RECORD.within(db.session.connection(), **_named(values))
    db.session.info.setdefault("audit", []).append(values)


@contextmanager
def recorded(event: str, user_id: int | None, outcome: str = "ok", **detail: Any) -> Iterator[Connection]:
    """A short transaction that the event belongs to; what else belongs to it is written within."""
    values = _values(event, user_id, outcome, None, detail)
    with writing() as connection:
        yield connection
        _RECORD.within(connection, **_named(values))
    _tell(values)


def record_alone(event: str, user_id: int | None, outcome: str, **detail: Any) -> None:
    """Write an event in a transaction of its own: for refusals, which change nothing else."""
    with recorded(event, user_id, outcome, **detail):
        pass


def forget(user_id: int) -> None:
    """Take what is personal out of a deleted account's events, in the transaction under way; that they were stays."""
    db.session.execute(update(AuditEvent).where(AuditEvent.user_id == user_id).values(detail={}))
    db.session.execute(update(AuditEvent).where(AuditEvent.actor_id == user_id).values(address=""))


def _values(
    event: str, user_id: int | None, outcome: str, actor_id: int | None, detail: dict[str, Any]
) -> dict[str, Any]:
    inside = has_request_context()
    return {
        "at": now(),
        "event": event,
        "user_id": user_id,
        "actor_id": user_id if actor_id is None else actor_id,
        "address": client_address()[:45] if inside else "",
        "request_id": g.get("request_id", "") if inside else "",
        "outcome": outcome,
        "detail": detail,
    }


def line(event: Any) -> dict[str, Any]:
    """An event as the log and the export spell it; `event` is a mapping with the columns of its row."""
    return {
        "at": event["at"].isoformat(),
        "event": event["event"],
        "actor": event["actor_id"],
        "target": event["user_id"],
        "address": event["address"],
        "outcome": event["outcome"],
        "request_id": event["request_id"],
        "detail": event["detail"],
    }


def _tell(values: dict[str, Any]) -> None:
    """One log line of JSON, one more in the metrics, one more in the dashboard's count."""
    log.info(json.dumps(line(values), ensure_ascii=False))
    metrics.events.labels(values["event"], values["outcome"]).inc()
    tallies.count(f"{values['event']}.{values['outcome']}")


@listening.listens_for(Session, "after_commit")
def _after_commit(session: Session) -> None:
    for values in session.info.pop("audit", ()):
        _tell(values)


@listening.listens_for(Session, "after_rollback")
def _after_rollback(session: Session) -> None:
    session.info.pop("audit", None)
