"""Security events: a row and a line each, both or neither."""

from __future__ import annotations

import ast
import json
import logging
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import userapp
from tests.test_docs import read
from userapp import audit
from userapp.extensions import db
from userapp.models import AuditEvent


@pytest.fixture
def lines(caplog):
    """The audit lines logged so far, parsed."""
    caplog.set_level(logging.INFO, logger="userapp.audit")
    return lambda: [json.loads(record.message) for record in caplog.records if record.name == "userapp.audit"]


def rows(app):
    with app.app_context():
        return db.session.query(AuditEvent).order_by(AuditEvent.id).all()


def test_an_event_is_one_row_and_one_line_that_say_the_same(app, client, make_user, lines):
    make_user("ning")
    reply = client.login("ning")
    found = rows(app)
    assert [row.event for row in found] == ["register", "sign_in"] == [line["event"] for line in lines()]
    line, row = lines()[1], found[1]
    assert set(line) == {"at", "event", "actor", "target", "address", "outcome", "request_id", "detail"}
    assert (line["actor"], line["target"], line["outcome"]) == (row.actor_id, row.user_id, "ok") == (1, 1, "ok")
    assert line["address"] == row.address == "127.0.0.1"
    assert line["request_id"] == row.request_id == reply.headers["X-Request-Id"]
    assert datetime.fromisoformat(line["at"]).utcoffset() == timedelta(0)


def test_a_refusal_is_a_line_too(app, client, make_user, lines):
    make_user("ning")
    client.login("ning", "wrong-password-1")
    assert [(line["event"], line["outcome"]) for line in lines()] == [("register", "ok"), ("sign_in", "refused")]
    assert len(rows(app)) == 2


def test_what_is_rolled_back_leaves_neither_row_nor_line(app, lines):
    with app.app_context():
        audit.record("disable", 7)
        db.session.rollback()
        audit.record("enable", 7, actor_id=0)
        db.session.commit()
    assert [line["event"] for line in lines()] == ["enable"] == [row.event for row in rows(app)]
    assert (lines()[0]["actor"], lines()[0]["address"]) == (0, "")


def recorded_names():
    """Every event name that the source records, read from the calls of `record` and `record_alone`."""
    for path in Path(userapp.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("audit.record", "audit.record_alone"):
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    yield first.value


def test_every_event_recorded_has_a_name_for_people_and_stands_in_the_documents():
    assert set(recorded_names()) <= set(audit.EVENTS)
    assert len(audit.EVENTS) >= 25
    page = read("administration.md")
    assert [name for name in audit.EVENTS if f"| `{name}` |" not in page] == []
