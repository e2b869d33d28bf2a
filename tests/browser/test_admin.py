"""An administrator with a hundred thousand people: finds one, closes the account, and everything of it is dead."""

from __future__ import annotations

import json
import sqlite3
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from typing import Any

import pytest

from tests.browser.conftest import Visitor
from tests.conftest import ANSWER, PASSWORD
from tests.servers import LiveServer

pytestmark = [pytest.mark.browser, pytest.mark.long]
Visitors = Callable[..., Visitor]
CROWD = """
    INSERT INTO users (uname, uname_key, uid, phone, email, name, user_type, email_verified, gender, intro, disabled,
        language, generation, created_at)
    VALUES (?, ?, ?, ?, ?, ?, 'student', 1, 0, '', 0, '', 0, ?)
"""


@pytest.fixture
def database(service: LiveServer) -> Any:
    """The service's own database file."""
    with closing(sqlite3.connect(service.instance / "userapp.sqlite", timeout=60)) as connection:
        yield connection


def crowd(database: Any, count: int) -> None:
    """So many accounts beside the ones there are."""
    at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.000000")
    for start in range(0, count, 10_000):  # in steps, so that the service may write in between
        people = range(start, start + 10_000)
        rows = (
            (f"crowd{n}", f"crowd{n}", f"c{n}", f"+86139{n:08d}", f"crowd{n}@example.com", f"众{n % 977}", at)
            for n in people
        )
        database.executemany(CROWD, rows)
        database.commit()


def make_administrator(me: Visitor, database: Any, uname: str) -> None:
    """Register, be made an administrator as the command line does it, sign in anew."""
    me.register(uname)
    database.execute("UPDATE users SET user_type = 'admin', generation = generation + 1 WHERE uname = ?", [uname])
    database.commit()
    me.login(uname)


def token_of(url: str, uname: str) -> str:
    """Sign in as a program."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    opener.open(url + "/user/captcha", timeout=30).close()
    fields = {"user": uname, "password": PASSWORD, "captcha": ANSWER, "client": "api"}
    with opener.open(url + "/user/login", urllib.parse.urlencode(fields).encode(), timeout=30) as reply:
        return str(json.load(reply)["data"]["token"])


def code_for(url: str, token: str) -> int:
    """What the service answers a program with this token: 0, or -2 when it is dead."""
    request = urllib.request.Request(url + "/user/info", headers={"token": token})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return int(json.load(reply)["code"])


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_find_one_of_a_hundred_thousand_and_disable_them(visitor: Visitors, database: Any, scripts: bool) -> None:
    uname = f"wanted{scripts:d}"
    if database.execute("SELECT count(*) FROM users WHERE uname LIKE 'crowd%'").fetchone()[0] == 0:
        crowd(database, 100_000)
    person, chief = visitor(), visitor(scripts)
    person.register(uname)
    token = token_of(person.url, uname)
    assert code_for(person.url, token) == 0
    make_administrator(chief, database, f"chief{scripts:d}")
    chief.page.click(".menu a[href='/admin/']")
    chief.page.click(".tabs a[href='/admin/users']")
    assert chief.page.locator(".people tbody tr").count() == 50
    chief.fill(q=f"{uname}@exam")
    chief.page.click("form.search [type=submit]")
    chief.page.wait_for_selector(".found")
    assert chief.page.locator(".people tbody tr").count() == 1
    chief.page.click(f".people a:text-is('{uname}')")
    chief.page.wait_for_selector(".danger-zone")
    chief.page.click("form[action$='/disable'] button")
    chief.page.wait_for_selector(".notice.good")
    assert code_for(person.url, token) == -2, "dead with the very next request"
    person.open("/user/info")
    assert person.page.query_selector(".top .name") is None
    chief.page.click(".tabs a[href='/admin/events']")
    first = chief.page.locator(".events li").first.inner_text()
    assert all(word in first for word in ("账号被停用", uname, f"chief{scripts:d}", "disabled")), first


def test_a_reset_is_started_and_an_account_deleted(visitor: Visitors, database: Any) -> None:
    person, chief = visitor(), visitor()
    person.register("leaver")
    make_administrator(chief, database, "chiefd")
    chief.open("/admin/users?q=leaver")
    chief.page.click(".people a:text-is('leaver')")
    chief.page.click("form[action$='/reset'] button")
    chief.page.wait_for_selector(".notice.good")
    assert "等待设置密码" in chief.text("main")
    chief.fill(uname="somebody")
    chief.page.click("form[action$='/delete'] button")
    chief.page.wait_for_selector("#field-uname-error")
    chief.fill(uname="leaver")
    chief.page.click("form[action$='/delete'] button")
    chief.page.wait_for_selector("form.search")
    assert database.execute("SELECT count(*) FROM users WHERE uname = 'leaver'").fetchone()[0] == 0
