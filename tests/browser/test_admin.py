"""An administrator with a hundred thousand people: finds one, closes the account, and everything of it is dead."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar

import pytest
from sqlalchemy import Engine, create_engine, func, insert, select, update

from tests.browser.conftest import Visitor
from tests.conftest import ANSWER, PASSWORD
from tests.servers import LiveServer
from userapp.models import User

pytestmark = [pytest.mark.browser, pytest.mark.long]
Visitors = Callable[..., Visitor]


@pytest.fixture
def database(service: LiveServer) -> Iterator[Engine]:
    """The service's own database."""
    engine = create_engine(service.database.replace("postgresql:", "postgresql+psycopg:"))
    yield engine
    engine.dispose()


def crowd(database: Engine, count: int) -> None:
    """So many accounts beside the ones there are."""
    for start in range(0, count, 10_000):  # in steps, so that the service may write in between
        rows = [
            {"uname": f"crowd{n}", "uname_key": f"crowd{n}", "uid": f"c{n}", "phone": f"+86139{n:08d}",
             "email": f"crowd{n}@example.com", "name": f"众{n % 977}", "email_verified": True}
            for n in range(start, start + 10_000)
        ]  # fmt: skip
        with database.begin() as connection:
            connection.execute(insert(User.__table__), rows)


def named(database: Engine, pattern: str) -> int:
    """How many accounts have a name like that."""
    with database.begin() as connection:
        return connection.execute(select(func.count()).where(User.uname.like(pattern))).scalar_one()


def make_administrator(me: Visitor, database: Engine, uname: str) -> None:
    """Register, be made an administrator as the command line does it, sign in anew."""
    me.register(uname)
    with database.begin() as connection:
        changed = {"user_type": "admin", "generation": User.generation + 1}
        connection.execute(update(User).where(User.uname == uname).values(changed))
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
def test_find_one_of_a_hundred_thousand_and_disable_them(visitor: Visitors, database: Engine, scripts: bool) -> None:
    uname = f"wanted{scripts:d}"
    if named(database, "crowd%") == 0:
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


def test_a_reset_is_started_and_an_account_deleted(visitor: Visitors, database: Engine) -> None:
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
    assert named(database, "leaver") == 0
