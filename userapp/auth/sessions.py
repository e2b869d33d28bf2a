"""What an account is signed in with, and what happened to it lately: listed, and ended."""

from __future__ import annotations

from typing import Any

from flask import current_app
from sqlalchemy import delete, select

from .. import audit, signals
from ..credentials import Caller
from ..errors import NotFound
from ..extensions import db, reading
from ..models import AuditEvent, Credential, now

BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"), ("curl", "curl"))
SYSTEMS = (("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iOS"), ("Mac OS", "macOS"), ("Linux", "Linux"))
EVENTS = {
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
    "set_type": "账号类型更改",
    "end_everything": "结束所有登录",
    "import": "导入账号",
}


def overview(caller: Caller) -> dict[str, Any]:
    """What the security page shows: what the account is signed in with, and its latest events."""
    return {"credentials": living(caller), "events": events(caller)}


def living(caller: Caller) -> list[dict[str, Any]]:
    """Every session and token of the caller's account, the latest first."""
    alive = select(Credential.__table__).where(
        Credential.user_id == caller.user_id,
        Credential.generation == caller.user.generation,
        Credential.expires_at > now(),
    )
    with reading() as connection:
        rows = connection.execute(alive.order_by(Credential.seen_at.desc()).limit(200)).all()
    return [
        {
            "public_id": row.public_id, "kind": row.kind, "name": row.name, "device": device_of(row.agent),
            "address": row.address, "created": row.created_at, "seen": row.seen_at,
            "expires": row.expires_at, "current": row.id == caller.credential_id,
        }
        for row in rows
    ]  # fmt: skip


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


def events(caller: Caller) -> list[dict[str, Any]]:
    """The latest security events of the account, in plain words."""
    latest = select(AuditEvent.__table__).where(AuditEvent.user_id == caller.user_id)
    with reading() as connection:
        rows = connection.execute(latest.order_by(AuditEvent.id.desc()).limit(20)).all()
    return [
        {
            "text": EVENTS.get(row.event, row.event), "outcome": row.outcome, "at": row.at, "address": row.address
        }
        for row in rows
    ]  # fmt: skip


def device_of(agent: str) -> str:
    """Browser and system of a user agent, in two words."""
    browser = next((name for mark, name in BROWSERS if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return " · ".join(part for part in (browser, system) if part) or agent[:40]
