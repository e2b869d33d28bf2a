"""What a request that only reads may cost: one SELECT, no transaction, no write, no cookie."""

from __future__ import annotations

import sqlite3
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import bindparam, event, select
from sqlalchemy.exc import OperationalError

from tests.conftest import HTML, ON_POSTGRESQL
from userapp import replies
from userapp.extensions import db
from userapp.models import AuditEvent, User
from userapp.statements import Statement


@pytest.mark.parametrize("by", ["cookie", "token"])
def test_who_am_i_is_one_select_no_write_and_no_cookie(client, signed_in, token_of, statements, by):
    reader, headers = signed_in(), {}
    if by == "token":
        reader, headers = client, {"Authorization": f"Bearer {token_of()}"}
    statements.clear()
    reply = reader.get("/user/info", headers=headers)
    assert reply.json["status"] and "Set-Cookie" not in reply.headers
    assert [statement[:6] for statement in statements] == ["SELECT"]


@pytest.mark.skipif(ON_POSTGRESQL, reason="asks SQLite's own trace")
def test_sqlite_itself_sees_one_select_and_no_transaction(app, signed_in):
    reader, seen = signed_in(), []
    with app.app_context():
        engine = db.engine
    event.listen(engine, "checkout", lambda raw, *_: raw.set_trace_callback(seen.append))
    assert reader.get("/user/info").json["status"]
    assert [statement[:6] for statement in seen] == ["SELECT"]


def end_connections(url: str) -> None:
    """As a restart of the server does, for one database."""
    others = "pid <> pg_backend_pid() AND datname = current_database()"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {others}")


@pytest.mark.postgresql
def test_postgresql_is_asked_once_without_a_transaction(make_app, fresh_postgresql):
    app = make_app(SQLALCHEMY_DATABASE_URI=fresh_postgresql)
    find = Statement(select(User.id, User.uname, User.disabled, User.created_at).where(User.id == bindparam("id")))
    with app.app_context():
        db.session.add(User(uname="ning", uname_key="ning"))
        db.session.commit()
        row = find.one_or_none(db.engine, id=1)
        pooled = db.engine.raw_connection()
        info, autocommit = pooled.dbapi_connection.info, pooled.dbapi_connection.autocommit
        assert info.transaction_status == psycopg.pq.TransactionStatus.IDLE and not autocommit
        pooled.close()
    assert (row.id, row.uname, row.disabled, row.created_at.tzinfo) == (1, "ning", False, row.created_at.tzinfo)


@pytest.mark.postgresql
def test_a_connection_that_postgresql_closed_costs_one_failure(make_app, fresh_postgresql):
    app = make_app(SQLALCHEMY_DATABASE_URI=fresh_postgresql)
    find = Statement(select(User.id).where(User.id == bindparam("id")))
    with app.app_context():
        assert find.one_or_none(db.engine, id=1) is None
        end_connections(fresh_postgresql)
        with pytest.raises(OperationalError):
            find.one_or_none(db.engine, id=1)
        assert find.one_or_none(db.engine, id=1) is None


@pytest.mark.postgresql
def test_a_connection_that_lay_idle_is_asked_first(make_app, fresh_postgresql, monkeypatch):
    app = make_app(SQLALCHEMY_DATABASE_URI=fresh_postgresql)
    find = Statement(select(User.id).where(User.id == bindparam("id")))
    with app.app_context():
        assert find.one_or_none(db.engine, id=1) is None
        end_connections(fresh_postgresql)
        monkeypatch.setattr("userapp.postgresql.IDLE_SECONDS", 0)
        assert find.one_or_none(db.engine, id=1) is None


def test_what_the_driver_refuses_is_sqlalchemys_error(app):
    with app.app_context():
        db.session.execute(db.text("DROP TABLE audit_events"))
        db.session.commit()
        with pytest.raises(OperationalError if not ON_POSTGRESQL else Exception, match="audit_events") as raised:
            Statement(select(AuditEvent.id).where(AuditEvent.id == bindparam("id"))).one_or_none(db.engine, id=1)
        assert isinstance(raised.value.orig, sqlite3.Error if not ON_POSTGRESQL else psycopg.Error)


def test_the_address_of_a_default_picture_is_the_routes_own(app):
    user = SimpleNamespace(id=31, uname="宁", avatar_changed_at=None, avatar_key=None)
    with app.test_request_context():
        for size in replies.SIZES:
            route = app.url_for("avatar.default", size=size, user_id=31, name="宁")
            assert replies.avatar_url(user, size) == f"http://localhost{route}"


def test_an_unchanged_session_is_not_sent_again_and_every_private_reply_varies(signed_in):
    reader = signed_in()
    for accept in ("application/json", HTML):
        reply = reader.get("/user/info", headers={"Accept": accept})
        assert set(reply.vary) == {"Accept", "Cookie"}
