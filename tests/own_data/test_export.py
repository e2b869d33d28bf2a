"""Taking one's data along: everything and nothing secret, as a zip and as JSON, with the password given lately."""

from __future__ import annotations

import io
import json
import re
import zipfile
from base64 import b64decode
from datetime import UTC, datetime, timedelta

import time_machine
from PIL import Image

from tests.conftest import PASSWORD, Browser, Json

SECTIONS = {"account", "sign_ins", "events", "messages", "email_changes"}


def give_picture(client):
    picture = io.BytesIO()
    Image.new("RGB", (240, 240), "red").save(picture, "PNG")
    picture.seek(0)
    assert client.post("/user/avatar", data={"avatar": (picture, "me.png")}).status_code in (200, 303)


def test_json_has_everything_and_nothing_secret(signed_in, token_of):
    client, token = signed_in("ning", intro="山高水长"), token_of("ning")
    give_picture(client)
    client.post("/user/info", data={"intro": "山高水长"})
    reply = client.post("/user/export")
    data = reply.json["data"]
    assert set(data) == SECTIONS | {"files"}
    assert (data["account"]["uname"], data["account"]["intro"]) == ("ning", "山高水长")
    assert {"session", "token"} == {sign_in["kind"] for sign_in in data["sign_ins"]}
    assert {"register", "sign_in", "change_info", "change_avatar"} <= {event["event"] for event in data["events"]}
    assert Image.open(io.BytesIO(b64decode(data["files"]["avatar.png"]))).size == (200, 200)
    text = reply.get_data(as_text=True)
    for secret in ("password_hash", "argon2", "key_hash", "mac", "generation", token):
        assert secret not in text, secret


def test_a_browser_and_who_asks_for_it_get_a_zip(signed_in):
    for kind, form in ((Browser, {}), (None, {"format": "zip"})):
        client = signed_in("zip" if kind else "zap", **({"kind": kind} if kind else {}))
        give_picture(client)
        reply = client.post("/user/export", data=form)
        assert (reply.status_code, reply.mimetype) == (200, "application/zip")
        assert "attachment" in reply.headers["Content-Disposition"] and reply.headers["Cache-Control"] == "no-store"
        with zipfile.ZipFile(io.BytesIO(reply.data)) as archive:
            assert sorted(archive.namelist()) == ["avatar.png", "data.json"]
            assert set(json.loads(archive.read("data.json"))) == SECTIONS


def test_a_person_without_picture_gets_data_alone(signed_in):
    assert signed_in().post("/user/export").json["data"]["files"] == {}


def test_the_password_must_have_been_given_lately_and_a_stranger_gets_nothing(app, signed_in):
    client, browser = signed_in("ning"), signed_in("ming", Browser)
    with time_machine.travel(datetime.now(UTC) + timedelta(minutes=16)):
        for path in ("/user/export", "/user/delete"):
            reply = client.post(path)
            assert (reply.status_code, reply.json["code"]) == (403, 4031)
            page = browser.post(path)
            assert page.status_code == 403 and f"/user/login?next={path}" in page.get_data(as_text=True)
            assert browser.get(path).status_code == 200
        assert client.login("ning", PASSWORD).json["status"]
        assert client.post("/user/export").json["status"]
    assert Json(app).post("/user/export").status_code == 401
    assert client.post("/user/export", headers={"Origin": "https://evil.example"}).json["code"] == 403


def test_a_change_of_address_under_way_is_in_it(signed_in, outbox):
    client = signed_in("ning", email="old@example.com")
    code = next(re.search(r"\b[A-Z2-9]{10}\b", mail["text"])[0] for mail in outbox() if mail["to"] == "old@example.com")
    assert client.post("/user/email/bind", data={"captcha": code}).json["status"]
    assert client.post("/user/email/unbind", data={"new_email": "new@example.com"}).json["status"]
    changes = client.post("/user/export").json["data"]["email_changes"]
    assert [(change["old_email"], change["new_email"]) for change in changes] == [
        ("old@example.com", "new@example.com")
    ]
