"""`flask audit export`: every event once, as the log tells it, however many there are."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from userapp.extensions import db
from userapp.models import AuditEvent


@pytest.fixture
def exported(app):
    """Run the command; the lines it wrote, parsed."""

    def run(*arguments):
        result = app.test_cli_runner().invoke(args=["audit", "export", *arguments])
        assert result.exit_code == 0, result.output
        return [json.loads(line) for line in result.output.splitlines()]

    return run


def test_a_line_has_what_the_log_has(client, make_user, exported, tmp_path):
    make_user("ning")
    client.login("ning", "wrong-password-1")
    lines = exported()
    assert [(line["event"], line["outcome"]) for line in lines] == [("register", "ok"), ("sign_in", "refused")]
    keys = {"id", "at", "event", "actor", "target", "address", "outcome", "request_id", "detail"}
    assert all(set(line) == keys and line["at"].endswith("+00:00") for line in lines)
    exported("--output", str(tmp_path / "events.jsonl"))
    assert len((tmp_path / "events.jsonl").read_text("utf-8").splitlines()) == 2


def test_many_events_of_one_moment_come_out_once_each(app, exported):
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    rows = [{"event": "sign_in", "at": moment, "user_id": n, "detail": {}} for n in range(2500)]
    with app.app_context():
        db.session.execute(insert(AuditEvent), rows)
        db.session.commit()
    assert [line["target"] for line in exported()] == list(range(2500))
    assert exported("--since", "2026-05-02") == exported("--until", "2026-05-01") == []
    assert len(exported("--since", "2026-05-01", "--until", "2026-05-01T00:00:01")) == 2500
