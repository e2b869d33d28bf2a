"""CODE-04, MAIL-02, RST-05, SESS-06, TOK-04, WEB-02, WEB-05: rows that need no file of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from tests.conftest import ANSWER, Browser, Json
from userapp.extensions import db
from userapp.models import now

SCRIPT = "<script>window.__XSS__=1</script><img src=x onerror=alert(1)>\"'"
PAGES = ("/", "/user/info", "/user/security", "/user/email", "/user/avatar")


def test_rst_05_asking_for_a_reset_changes_nothing(signed_in: Callable[..., Json], client: Json) -> None:
    owner = signed_in()
    before = owner.get("/user/info").json["data"]
    fields = {"email": "ning@example.com", "captcha": client.captcha()}
    assert client.post("/user/reset", data=fields).json["status"]
    assert owner.get("/user/info").json["data"] == before
    assert client.login("ning").json["status"]


@pytest.mark.parametrize(("minutes", "number"), [(9, 0), (11, 11005)])
def test_code_04_a_reset_code_lives_ten_minutes(
    client: Json, make_user: Any, outbox: Any, minutes: int, number: int
) -> None:
    make_user()
    assert client.post("/user/reset", data={"email": "ning@example.com", "captcha": client.captcha()}).json["status"]
    (code,) = [found for message in outbox() if (found := re.search(r"\b\d{6}\b", message["text"]))]
    with time_machine.travel(now() + timedelta(minutes=minutes), tick=False):
        fields = {"code": code[0], "new_password": "battery-staple-7", "captcha": client.captcha()}
        assert client.post("/user/reset", data=fields).json["code"] == number


@pytest.mark.long
def test_a_locked_database_costs_nobody_an_answer(app: Flask, signed_in: Callable[..., Json]) -> None:
    """When a credential was last used is noted after the answer, and only if that can be written."""
    client = signed_in()
    if app.config["SQLALCHEMY_DATABASE_URI"].startswith("postgresql"):
        pytest.skip("PostgreSQL locks rows, not the database")
    with app.app_context(), db.engine.connect() as other, time_machine.travel(now() + timedelta(minutes=5)):
        other.exec_driver_sql("UPDATE users SET intro = ''")
        reply = client.get("/user/info")
        other.rollback()
    assert reply.json["status"]


def test_mail_02_mails_have_two_parts_and_nothing_remote(client: Json, make_user: Any, outbox: Any) -> None:
    make_user()
    client.post("/user/reset", data={"email": "ning@example.com", "captcha": client.captcha()})
    for message in outbox():
        assert message["text"] and message["html"]
        assert not re.search(r"<(img|link|script|iframe)|url\(|@import", message["html"])
        assert all(link.startswith("http://localhost") for link in re.findall(r"href=\"([^\"]+)", message["html"]))


@pytest.mark.parametrize(
    ("remember", "steps", "alive"),
    [("", [13], True), ("", [15], False), ("1", [13] * 6, True), ("1", [13] * 7, False)],
)
def test_sess_06_sessions_end_when_idle_and_at_last(
    client: Json, make_user: Any, remember: str, steps: list[int], alive: bool
) -> None:
    """Fourteen days unused, ninety in all."""
    make_user()
    start = now()
    with time_machine.travel(start, tick=False) as clock:
        client.login("ning", remember=remember)
        for days in steps:
            clock.shift(timedelta(days=days))
            status = client.get("/user/info").json["status"]
        assert status is alive


def test_tok_04_malformed_tokens_are_refused_alike(client: Json, make_user: Any, statements: list[str]) -> None:
    make_user()
    statements.clear()
    bodies = set()
    for token in ("", "x", "f" * 63, "f" * 65, "F" * 64, "g" * 64, "f" * 9000, "' OR 1=1", "%00", "é" * 64):
        reply = client.get("/user/info", headers={"token": token.encode("utf-8").decode("latin-1") or "-"})
        bodies.add(reply.data)
    assert len(bodies) == 1
    assert len(statements) <= 1, "only 64 hex digits are looked up, whatever their case"


def test_web_02_a_script_in_any_field_is_shown_as_text(signed_in: Callable[..., Json], browser: Browser) -> None:
    me = signed_in(kind=Browser)
    me.post("/user/info", data={"intro": SCRIPT})
    me.post("/user/sessions", data={"create": SCRIPT[:60]})
    for path in PAGES:
        page = me.get(path).get_data(as_text=True)
        assert "<script>window" not in page and "<img src=x" not in page, path
    assert "&lt;script&gt;window" in me.get("/user/info").get_data(as_text=True)
    fields = dict.fromkeys(("user", "uname", "email", "phone", "next", "captcha", "client"), SCRIPT)
    for path in ("/user/login", "/user/register", "/user/reset"):
        for page in (browser.post(path, data=fields), browser.get(path, query_string=fields)):
            assert "<script>window" not in page.get_data(as_text=True), path
            assert "<img src=x" not in page.get_data(as_text=True), path


def test_web_05_password_fields_say_what_they_are(browser: Browser, signed_in: Callable[..., Json]) -> None:
    pages = [browser.get(path).get_data(as_text=True) for path in ("/user/login", "/user/register")]
    pages.append(signed_in(kind=Browser).get("/user/security").get_data(as_text=True))
    found = [field for page in pages for field in re.findall(r"<input[^>]*name=\"[a-z_]*password\"[^>]*>", page)]
    assert len(found) >= 4
    for field in found:
        assert 'type="password"' in field and re.search(r'autocomplete="(current|new)-password"', field), field
        assert "onpaste" not in field
    captcha = re.search(r"<input[^>]*name=\"captcha\"[^>]*>", pages[0])
    assert captcha and 'autocomplete="off"' in captcha[0]
    assert ANSWER not in pages[0]
