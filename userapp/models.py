"""The tables, and facts about them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, Boolean, DateTime, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from .extensions import db

if TYPE_CHECKING:  # Flask-SQLAlchemy makes its Model at run time
    from .extensions import Base as Model
else:
    Model = db.Model

BigId = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only in an INTEGER primary key


def ordered(length: int) -> String:
    """Text in the order of its code points on every database, so that one index finds what begins with something."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC: SQLite hands naive ones back, so the zone is put on again."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """The present moment; every table speaks UTC."""
    return datetime.now(UTC)


class User(Model):
    """An account. `generation` moves on when everything issued for it must end: what is older is dead."""

    __tablename__ = "users"
    __table_args__: Any = (
        Index("ix_users_name_id", "name", "id"),
        Index("ix_users_user_type_id", "user_type", "id"),
        Index(
            "ix_users_disabled_id", "disabled", "id",
            sqlite_where=text("disabled IS 1"), postgresql_where=text("disabled IS true"),
        ),
        {"sqlite_autoincrement": True},  # an id is never given twice
    )  # fmt: skip
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    uid: Mapped[str | None] = mapped_column(ordered(30), unique=True)
    uname: Mapped[str] = mapped_column(String(30))
    uname_key: Mapped[str] = mapped_column(ordered(120), unique=True)
    name: Mapped[str] = mapped_column(ordered(60), default="")
    user_type: Mapped[str] = mapped_column(String(20), default="student")
    phone: Mapped[str | None] = mapped_column(ordered(20), unique=True)
    phone_changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    email: Mapped[str | None] = mapped_column(ordered(254), unique=True)
    email_verified: Mapped[bool] = mapped_column(Boolean, default=False)
    gender: Mapped[int] = mapped_column(Integer, default=0)
    intro: Mapped[str] = mapped_column(String(500), default="")
    password_hash: Mapped[str | None] = mapped_column(String(512))
    disabled: Mapped[bool] = mapped_column(Boolean, default=False)
    avatar_key: Mapped[str | None] = mapped_column(String(32))
    avatar_changed_at: Mapped[int | None] = mapped_column(BigInteger)
    language: Mapped[str] = mapped_column(String(5), default="")
    generation: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Credential(Model):
    """A session or a token; the key itself is with the caller only."""

    __tablename__ = "credentials"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    name: Mapped[str] = mapped_column(String(60), default="")
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    generation: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    fresh_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    remember: Mapped[bool] = mapped_column(Boolean, default=False)
    address: Mapped[str] = mapped_column(String(45), default="")
    agent: Mapped[str] = mapped_column(String(200), default="")


class Code(Model):
    """A one-time code that was sent out: its HMAC, never the code."""

    __tablename__ = "codes"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    generation: Mapped[int] = mapped_column(Integer, default=0)
    target: Mapped[str] = mapped_column(String(254), index=True)
    holder: Mapped[str] = mapped_column(String(64), default="", index=True)
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SpentChallenge(Model):
    """A captcha that was tried; the primary key decides that it was tried once."""

    __tablename__ = "spent_challenges"
    nonce: Mapped[str] = mapped_column(String(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Budget(Model):
    """What was spent on one account, address or target until `resets_at`."""

    __tablename__ = "budgets"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    spent: Mapped[int] = mapped_column(Integer)
    resets_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class EmailChange(Model):
    """A pending change of a verified address: at most one an account, and which credential asked for it."""

    __tablename__ = "email_changes"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    generation: Mapped[int] = mapped_column(Integer)
    credential_id: Mapped[int] = mapped_column(ForeignKey("credentials.id", ondelete="CASCADE"), index=True)
    old_email: Mapped[str] = mapped_column(String(254))
    new_email: Mapped[str] = mapped_column(String(254))
    old_done: Mapped[bool] = mapped_column(Boolean, default=False)
    new_done: Mapped[bool] = mapped_column(Boolean, default=False)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class LostMailbox(Model):
    """A change of a verified address whose old mailbox is lost: at most one an account, carried out when it is due."""

    __tablename__ = "lost_mailboxes"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    generation: Mapped[int] = mapped_column(Integer)
    old_email: Mapped[str] = mapped_column(String(254))
    new_email: Mapped[str] = mapped_column(String(254))
    proven: Mapped[bool] = mapped_column(Boolean, default=False)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Removal(Model):
    """An account that is to go, or is gone and not all is cleared up yet; outlives the account, so no foreign key."""

    __tablename__ = "removals"
    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    begun: Mapped[bool] = mapped_column(Boolean, default=False)
    message_id: Mapped[int | None] = mapped_column(BigInteger)


class Message(Model):
    """A mail or text nobody waits for, written in the transaction it tells of and delivered after it."""

    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    recipient: Mapped[str] = mapped_column(String(254), index=True)
    subject: Mapped[str] = mapped_column(String(200), default="")
    text: Mapped[str] = mapped_column(Text, default="")
    html: Mapped[str] = mapped_column(Text, default="")
    tries: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    next_try_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done: Mapped[str] = mapped_column(String(10), default="", index=True)


class AuditEvent(Model):
    """What happened to an account, by whom and from where."""

    __tablename__ = "audit_events"
    __table_args__ = (
        Index("ix_audit_events_user_id_id", "user_id", "id"),
        Index("ix_audit_events_actor_id_id", "actor_id", "id"),
        Index("ix_audit_events_event_id", "event", "id"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    event: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_id: Mapped[int | None] = mapped_column(BigInteger)
    address: Mapped[str] = mapped_column(String(45), default="")
    request_id: Mapped[str] = mapped_column(String(32), default="")
    outcome: Mapped[str] = mapped_column(String(20), default="ok")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class Tally(Model):
    """How often something happened within an hour: what the dashboard draws, added up over all workers."""

    __tablename__ = "tallies"
    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    times: Mapped[int] = mapped_column(BigInteger)


class Import(Model):
    """How far the import of a file has come: moved on in the transaction of each batch, found by the file's content."""

    __tablename__ = "imports"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    line: Mapped[int] = mapped_column(Integer, default=0)
    created: Mapped[int] = mapped_column(Integer, default=0)
    refused: Mapped[int] = mapped_column(Integer, default=0)
    report: Mapped[int] = mapped_column(BigInteger, default=0)
    finished: Mapped[bool] = mapped_column(Boolean, default=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
