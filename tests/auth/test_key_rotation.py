"""A new SECRET_KEY: with the former one among the fallbacks nobody notices; without it, what it signed is refused."""

from __future__ import annotations

import re

import pytest

from tests.conftest import PASSWORD, Json
from userapp import delivery
from userapp.auth import captcha

OLD, NEW = "o" * 40, "n" * 40
PASSWORD_2 = "another-horse-7"


@pytest.fixture
def service(make_app, tmp_path):
    """The same service under different keys: one database, one outbox."""
    made = []

    def start(key, fallbacks=(), **settings):
        uri = made[0].config["SQLALCHEMY_DATABASE_URI"] if made else None
        shared = {"SQLALCHEMY_DATABASE_URI": uri} if uri else {}
        app = make_app(
            INSTANCE=tmp_path / "shared", SECRET_KEY=key, SECRET_KEY_FALLBACKS=list(fallbacks), **shared, **settings
        )
        app.test_client_class = Json
        made.append(app)
        return app

    return start


def moved(client, app):
    """The same browser, at the service as it was started anew."""
    other = app.test_client()
    for name in ("session", "captcha", "reset", "device", "token"):
        if cookie := client.get_cookie(name):
            other.set_cookie(name, cookie.value)
    return other


def mailed(app):
    with app.app_context():
        texts = [message["text"] for message in delivery.outbox()]
    return next(found[0] for text in texts if (found := re.search(r"\b\d{6}\b", text)))


def test_a_session_and_a_token_survive_a_rotation(service):
    client = service(OLD).test_client()
    client.register("ning", email="ning@example.com")
    token = client.login("ning", client="api").json["data"]["token"]
    client.login("ning")
    after = moved(client, service(NEW, [OLD]))
    assert after.get("/user/info").json["data"]["uname"] == "ning"
    assert after.get("/user/info", headers={"token": token}).json["status"]


def test_a_retired_key_signs_nobody_in(service):
    client = service(OLD).test_client()
    client.register("ning", email="ning@example.com")
    after = moved(client, service(NEW))
    assert after.get("/user/info").json["code"] == -2


def test_a_captcha_survives_a_rotation_and_is_still_spent_by_one_try(service):
    old = service(OLD, CAPTCHA_ANSWER="")
    client = old.test_client()
    assert client.get("/user/captcha").status_code == 200
    with old.app_context():
        answer = captcha.answers(captcha.nonce_of(client.get_cookie("captcha").value))[0]
    app = service(NEW, [OLD], CAPTCHA_ANSWER="")
    kept, fields = moved(client, app), {"user": "nobody", "password": PASSWORD, "captcha": answer}
    assert kept.post("/user/login", data=fields).json["code"] == 10100
    assert moved(client, app).post("/user/login", data=fields).json["code"] == 30001
    assert moved(client, service(NEW, CAPTCHA_ANSWER="")).post("/user/login", data=fields).json["code"] == 30001


@pytest.mark.parametrize("fallbacks,code", [([OLD], 0), (["x" * 40, OLD], 0), ([], 11005)])
def test_a_pending_reset_survives_a_rotation_and_not_a_retirement(service, fallbacks, code):
    app = service(OLD)
    client = app.test_client()
    client.register("ning", email="ning@example.com")
    client.post("/user/reset", data={"captcha": client.captcha(), "email": "ning@example.com"})
    given = {"code": mailed(app), "new_password": PASSWORD_2}
    after = moved(client, service(NEW, fallbacks))
    reply = after.post("/user/reset", data={"captcha": after.captcha(), **given})
    assert reply.json["code"] == code
    login = after.login("ning", PASSWORD_2)
    assert login.json["status"] is (code == 0)
