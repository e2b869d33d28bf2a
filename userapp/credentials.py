"""Sessions and tokens, rows of one table: issued, found by one SELECT, rotated, ended; and Flask-Login's loaders.

Every credential carries the generation of its account. Moving an account's generation on ends all of them at once, also
those that another process is issuing at this very moment on what it read before.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask, Request, current_app, g, request
from flask import session as cookie_session
from flask_login import AnonymousUserMixin, UserMixin, current_user
from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from .extensions import db, login_manager, writing
from .models import Credential, User, now
from .session_cookie import SessionCookie
from .statements import Statement

HEX64 = frozenset("0123456789abcdef")
SEEN_EVERY = timedelta(minutes=1)
_users, _credentials = cast(Table, User.__table__), cast(Table, Credential.__table__)
_FIND = Statement(
    select(*_users.c, *(_credentials.c[name] for name in ("public_id", "kind", "seen_at", "fresh_at")))
    .add_columns(_credentials.c.id.label("credential_id"), _credentials.c.created_at.label("credential_created"))
    .join_from(_credentials, _users, _users.c.id == _credentials.c.user_id)
    .where(
        _credentials.c.key_hash == bindparam("key_hash"),
        _credentials.c.kind == bindparam("kind"),
        _credentials.c.generation == _users.c.generation,
        _credentials.c.expires_at > bindparam("now"),
        _users.c.disabled.is_(False),
    )
)

_ISSUE = Statement(
    insert(_credentials)
    .values({c.name: bindparam(f"its_{c.name}") for c in _credentials.c if not c.primary_key})
    .returning(_credentials.c.id)
)


@dataclass(frozen=True)
class Origin:
    """Where a caller signs in from."""

    address: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Issued:
    """A fresh credential; the only moment its key is known here."""

    key: str
    kind: str
    expire: int
    remember: bool
    user: Any
    credential_id: int


class Caller(UserMixin):  # type: ignore[misc]
    """Who is asking: one row of the account and the credential it came with."""

    def __init__(self, row: Any, key: str) -> None:
        self.user, self.key = row, key
        self.user_id: int = row.id
        self.credential_id: int = row.credential_id
        self.public_id: str = row.public_id
        self.kind: str = row.kind
        self.fresh_at: datetime = row.fresh_at

    def get_id(self) -> str:
        """What Flask-Login puts into the cookie: the key itself, nothing about the account."""
        return self.key


class Fresh(UserMixin):  # type: ignore[misc]
    """A credential just issued, as Flask-Login wants it for its cookie."""

    def __init__(self, issued: Issued) -> None:
        self.user, self.user_id, self.key = issued.user, issued.user.id, issued.key
        self.credential_id, self.kind = issued.credential_id, issued.kind

    def get_id(self) -> str:
        """The key, for the cookie."""
        return self.key


def issue(
    user: Any, kind: str, origin: Origin, *, generation: int, remember: bool = False, name: str = "",
    within: Connection | None = None,
) -> Issued:  # fmt: skip
    """Add a session or token of `user`, a User or a row of one, to the transaction under way, or to that of `within`.

    `generation` is the account's as it was when its password was checked: if it moved since, what is issued is dead.
    """
    key, moment = new_key(), now()
    expires = moment + lifetime(kind, user.user_type)
    values = {
        "public_id": secrets.token_hex(8), "key_hash": hashed(key), "kind": kind, "name": name, "user_id": user.id,
        "generation": generation, "remember": remember, "address": origin.address[:45], "agent": origin.agent[:200],
        "created_at": moment, "seen_at": moment, "fresh_at": moment,
        "expires_at": min(expires, moment + idle()) if kind == "session" else expires,
    }  # fmt: skip
    row = _ISSUE.within(within or db.session.connection(), **{f"its_{name}": value for name, value in values.items()})
    return Issued(key, kind, int(expires.timestamp()), remember, user, row.id)


def renew(credential_id: int, *, generation: int) -> tuple[str, int]:
    """Give a credential a new key and the account's new generation, in the transaction under way: (key, expire)."""
    key, moment = new_key(), now()
    owner = select(Credential.kind, User.user_type).join(User, User.id == Credential.user_id)
    found = db.session.execute(owner.where(Credential.id == credential_id)).one_or_none()
    kind, user_type = found or ("token", "")
    life = lifetime(kind, user_type)
    expires = moment + (min(idle(), life) if kind == "session" else life)
    db.session.execute(
        update(Credential)
        .where(Credential.id == credential_id)
        .values(key_hash=hashed(key), generation=generation, fresh_at=moment, expires_at=expires)
    )
    return key, int(expires.timestamp())


def rotate(caller: Caller) -> tuple[str, int] | None:
    """Exchange a token's key for a new one in one conditional statement; None if another request was first."""
    key, expires = new_key(), now() + lifetime("token", caller.user.user_type)
    alive = select(User.generation).where(User.id == Credential.user_id, User.disabled.is_(False)).scalar_subquery()
    with writing() as connection:
        changed = connection.execute(
            update(Credential)
            .where(Credential.id == caller.credential_id, Credential.key_hash == hashed(caller.key))
            .where(Credential.generation == alive, Credential.expires_at > now())
            .values(key_hash=hashed(key), expires_at=expires)
        ).rowcount
    return (key, int(expires.timestamp())) if changed else None


def find(key: str, kind: str) -> Caller | None:
    """The caller a key belongs to: one SELECT by its hash, joined to the account."""
    if len(key) != 64 or not HEX64.issuperset(key):
        return None
    row = _FIND.one_or_none(db.engine, key_hash=hashed(key), kind=kind, now=now())
    return None if row is None else Caller(row, key)


def end(credential_id: int, within: Connection | None = None) -> None:
    """End one credential, in the transaction under way, or in that of `within`."""
    (within or db.session).execute(delete(Credential).where(Credential.id == credential_id))


def end_all(user: User) -> int:
    """End everything `user` is signed in with, in the transaction under way; returns the new generation."""
    db.session.execute(update(User).where(User.id == user.id).values(generation=User.generation + 1))
    db.session.refresh(user, ["generation"])
    return user.generation


def touch(caller: Caller) -> None:
    """Note that a credential is in use, at most once a minute: a session's idle time starts again."""
    moment = now()
    if moment - caller.user.seen_at < SEEN_EVERY:
        return
    values: dict[str, Any] = {"seen_at": moment}
    if caller.kind == "session":
        last = caller.user.credential_created + lifetime("session", caller.user.user_type)
        values["expires_at"] = min(moment + idle(), last)
    with writing() as connection:
        connection.execute(update(Credential).where(Credential.id == caller.credential_id).values(values))


def presented(incoming: Request) -> str | None:
    """The token a request carries, the first place that has one deciding; None where it carries none."""
    if (token := incoming.environ.get("HTTP_TOKEN")) is not None:
        return str(token)
    authorization = incoming.environ.get("HTTP_AUTHORIZATION", "")
    if authorization[:7].lower() == "bearer ":
        return str(authorization[7:].strip())
    if (token := incoming.cookies.get("token")) is not None:
        return token
    return _parameter(incoming)


def _parameter(incoming: Request) -> str | None:
    places = current_app.config["QUERY_TOKEN"]
    if places == "no":
        return None
    if incoming.method not in ("GET", "HEAD", "OPTIONS") and (token := g.get("body_token")) is not None:
        return str(token)
    return incoming.args.get("__token") if places == "query" and incoming.query_string else None


def came_by_header(incoming: Request) -> bool:
    """Whether a header holds the token: no browser adds one by itself."""
    return "token" in incoming.headers or incoming.headers.get("Authorization", "")[:7].lower() == "bearer "


def came_by_cookie(incoming: Request) -> bool:
    """Whether a cookie came that signs people in: a browser sends it along without being asked."""
    return incoming.cookies.get("token") is not None or bool(cookie_session)


def connect(app: Flask) -> None:
    """Give `current_user` our way of finding out who asks; Flask-Login's looks for cookies it never sets here."""
    app.session_interface = SessionCookie()
    app.login_manager = login_manager  # type: ignore[attr-defined]  # what init_app does, less its own cookie
    app.context_processor(lambda: {"current_user": current_user})
    login_manager.anonymous_user = AnonymousUserMixin
    login_manager._load_user = _load


def _load() -> None:
    """A token decides where one is present, even a dead one; else the session."""
    incoming: Request = request._get_current_object()  # type: ignore[attr-defined]
    if (token := presented(incoming)) is not None:
        caller = find(token.lower(), "token")
    else:
        caller = find(cookie_session.get("_user_id", ""), "session")
    g._login_user = caller or login_manager.anonymous_user()


def new_key() -> str:
    """64 hex digits, 256 random bits."""
    return secrets.token_hex(32)


def hashed(key: str) -> bytes:
    """What is stored of a key: it is random enough for one plain hash."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


def lifetime(kind: str, user_type: str) -> timedelta:
    """How long a credential of a kind may live at most; an administrator's lives for hours."""
    config = current_app.config
    life = timedelta(days=config["SESSION_DAYS" if kind == "session" else "TOKEN_DAYS"])
    return min(life, timedelta(hours=config["ADMIN_HOURS"])) if user_type == "admin" else life


def idle() -> timedelta:
    """How long a session may go unused."""
    return timedelta(days=current_app.config["SESSION_IDLE_DAYS"])
