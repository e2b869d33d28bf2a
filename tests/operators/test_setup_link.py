"""The link an operator hands on sets a password once, as a page and as JSON."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from tests.burst import Shot, burst
from tests.callers import done
from tests.callers import told as refused_with
from tests.conftest import PASSWORD
from userapp import keys
from userapp.models import now

DEAD = "链接无效或已使用"


@pytest.fixture
def link(told):
    """The signed part of the link for a new account named boss."""
    return parse_qs(urlsplit(told("users", "create", "boss", "--admin")["link"]).query)["link"][0]


def use(caller, link, password=PASSWORD):
    return caller.post("/user/setup", data={"link": link, "new_password": password})


def test_the_link_sets_the_password_once(caller, new_caller, client, link):
    done(use(caller, link), "密码已设置，请登录")
    assert client.login("boss").json["data"]["user_type"] == "admin"
    refused_with(use(new_caller(), link, "another-horse-7"), DEAD, 11200, 410)
    assert client.login("boss", "another-horse-7").json["code"] == 10101
    assert client.get("/user/info").json["status"], "the second use ends nothing"


def test_the_page_of_the_link_has_it_in_its_form(browser, link):
    page = browser.get("/user/setup", query_string={"link": link})
    assert page.status_code == 200 and f'value="{link}"' in page.text
    assert browser.get("/user/setup").status_code == 200


def test_a_password_that_is_refused_does_not_use_the_link_up(caller, link):
    refused_with(use(caller, link, "short"), "密码长度必须在6-32位之间", 11201, 422)
    refused_with(use(caller, link, "password"), "密码过于常见，请更换", 10205, 422)
    done(use(caller, link), "密码已设置，请登录")


def test_a_link_is_dead_when_garbled_old_or_followed_by_another(app, caller, run, link):
    with app.app_context():
        other = keys.signer("undo").dumps([1, 1])
        odd = [keys.signer("setup").dumps(value) for value in (7, [1], ["x", "y"], [1, 99], [404, 0], None)]
    for garbled in ("", "x", link[:-1], other, *odd):
        refused_with(use(caller, garbled), DEAD, 11200, 410)
    with time_machine.travel(now() + timedelta(hours=24, seconds=5), tick=False):
        refused_with(use(caller, link), DEAD, 11200, 410)
    run("users", "link", "boss")
    refused_with(use(caller, link), DEAD, 11200, 410)


def test_a_new_link_serves_an_account_that_has_a_password_and_ends_its_sessions(client, told, signed_in):
    person = signed_in()
    link = parse_qs(urlsplit(told("users", "link", "ning")["link"]).query)["link"][0]
    assert person.get("/user/info").json["code"] == -2
    done(use(client, link, "another-horse-7"), "密码已设置，请登录")
    assert client.login("ning").json["code"] == 10101 and client.login("ning", "another-horse-7").json["status"]


def test_a_disabled_account_cannot_be_opened_by_its_link(client, run, link):
    run("users", "disable", "boss")
    refused_with(use(client, link), DEAD, 11200, 410)


@pytest.mark.long
def test_of_many_uses_at_once_exactly_one_sets_the_password(live_server, tmp_path):
    import os
    import subprocess
    import sys

    from tests.servers import ROOT

    server = live_server(USERAPP_ARGON2_MEMORY_KIB="8", USERAPP_ARGON2_TIME="1")
    environment = {**os.environ, "USERAPP_INSTANCE": str(server.instance), "USERAPP_BASE_URL": server.url}
    environment |= {"USERAPP_TRUSTED_HOSTS": "127.0.0.1", "USERAPP_SQLALCHEMY_DATABASE_URI": server.database}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "users", "create", "boss"]
    made = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    link = parse_qs(urlsplit(made.stdout.splitlines()[-1]).query)["link"][0]
    shots = [Shot("/user/setup", {"link": link, "new_password": f"another-horse-{n}"}) for n in range(12)]
    codes = [answer.json["code"] for answer in burst(server.port, shots)]
    assert sorted(codes) == [0] + [11200] * 11
