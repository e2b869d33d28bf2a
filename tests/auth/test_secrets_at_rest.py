"""What a thief of the database would hold: no key, token, code or password, in the tables or in the files."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.conftest import ON_POSTGRESQL, PASSWORD
from userapp import messages
from userapp.extensions import db, writing
from userapp.models import Message, now

NEW, WRONG = "another-horse-7", "never-right-5"


def dump(app):
    """Every cell of every table, as text and as the bytes it is."""
    cells = []
    with app.app_context(), db.engine.connect() as connection:
        for table in db.metadata.sorted_tables:
            for row in connection.execute(text(f'SELECT * FROM "{table.name}"')):
                cells += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\0".join(cells)


def files(app):
    """The bytes of the database's files, after the log has been folded into it."""
    with app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return b"".join(path.read_bytes() for path in Path(app.instance_path).glob("userapp.sqlite*"))


def spellings(secret):
    """A secret as it is, in the other case, and as the bytes its hex digits stand for."""
    raw = [bytes.fromhex(secret)] if re.fullmatch("[0-9a-f]{64}", secret) else []
    return [secret.encode(), secret.upper().encode(), secret.encode().hex().encode(), *raw]


def codes_in(outbox):
    texts = [message["text"] for message in outbox()]
    return [code for text in texts for code in re.findall(r"\b(?:\d{6}|[A-HJ-NP-Z2-9]{10})\b", text)]


@pytest.fixture
def trip(app, client, make_user, token_of, outbox):
    """Register, sign in, get tokens, change, recover; everything secret that was said on the way."""
    secrets = [PASSWORD, NEW, WRONG]
    make_user(phone="13800138000", email="ning@example.com")
    secrets.append(token_of())
    client.login("ning", WRONG)
    client.login("ning")
    secrets.append(client.get_cookie("session").value)
    secrets.append(client.post("/user/sessions", data={"create": "备份"}).json["data"]["token"])
    changed = client.post("/user/change_password", json={"old_pwd": PASSWORD, "new_pwd": NEW})
    secrets.append(changed.json["data"]["token"])
    stranger = app.test_client()
    asked = stranger.post("/user/reset", data={"captcha": stranger.captcha(), "email": "ning@example.com"})
    assert asked.json["status"], asked.json
    secrets.append(stranger.get_cookie("reset").value)
    code = next(found for found in codes_in(outbox) if found.isdigit())
    finish = {"new_password": "third-horse-5"}
    stranger.post("/user/reset", data={"captcha": stranger.captcha(), "code": "wrong", **finish})
    held = dump(app)  # while the code is alive
    done = stranger.post("/user/reset", data={"captcha": stranger.captcha(), "code": code, **finish})
    assert done.json["status"], done.json
    client.login("ning", "third-horse-5")
    with client.session_transaction() as session:
        secrets.append(session["_user_id"])
    found = codes_in(outbox)
    assert len(found) >= 2 and any(not code.isdigit() for code in found)
    return [*secrets, "third-horse-5", *found], held


def test_no_secret_of_a_full_trip_is_in_the_tables(app, trip):
    secrets, before = trip
    for place in (before, dump(app)):
        for secret in secrets:
            assert not any(spelling in place for spelling in spellings(secret)), secret


@pytest.mark.skipif(ON_POSTGRESQL, reason="the files of PostgreSQL are the server's")
def test_no_secret_of_a_full_trip_is_in_the_files(app, trip):
    place = files(app)
    assert b"ning@example.com" in place, "the files must be the database's"
    for secret in trip[0]:
        assert not any(spelling in place for spelling in spellings(secret)), secret


@pytest.fixture
def waiting(app):
    """A message with a code that nobody has delivered yet."""
    with app.app_context():
        app.extensions["userapp.courier"].stop()
        user = type("Somebody", (), {"language": "zh"})()
        messages.queue(user, "ning@example.com", "激活邮箱", "x", timedelta(minutes=30), code="ABCDEFGH23", minutes=30)
        db.session.commit()
    assert b"ABCDEFGH23" in dump(app)


def test_a_queued_text_is_erased_when_it_is_delivered(app, waiting, outbox):
    assert codes_in(outbox) == ["ABCDEFGH23"]
    assert b"ABCDEFGH23" not in dump(app)


def test_a_queued_text_is_erased_when_it_has_expired(app, waiting, outbox):
    with app.app_context(), writing() as connection:
        connection.execute(db.update(Message).values(expires_at=now() - timedelta(seconds=1)))
    assert outbox() == []
    assert b"ABCDEFGH23" not in dump(app)
    with app.app_context():
        assert db.session.query(Message.done).scalar() == "expired"
