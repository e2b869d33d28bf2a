"""What password managers and one-time-code autofill go by."""

from __future__ import annotations

import re

from tests.conftest import HTML, Browser

INPUT = re.compile(r"<(?:input|select)\b[^>]*>")
NOT_FILLED = re.compile(r'type="(?:hidden|checkbox|file|range|search)"|readonly|name="(?:zone|create|language)"')


def inputs(client, path: str) -> dict[str, str]:
    """The inputs a person fills in on a page: name → autocomplete."""
    text = client.get(path, headers={"Accept": HTML}).get_data(as_text=True)
    found = [tag for tag in INPUT.findall(text) if not NOT_FILLED.search(tag)]
    return {attribute(tag, "name"): attribute(tag, "autocomplete") for tag in found}


def attribute(tag: str, name: str) -> str:
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return found[1] if found else ""


def test_every_input_says_what_belongs_into_it(client, signed_in):
    assert inputs(client, "/user/login") == {"user": "username", "password": "current-password", "captcha": "off"}
    names = {"uname": "username", "email": "email", "phone": "tel", "password": "new-password", "captcha": "off"}
    assert inputs(client, "/user/register") == names
    asked = client.post("/user/reset", data={"email": "ning@example.com", "captcha": client.captcha()})
    assert asked.json["code"] == 11004
    me = signed_in("ning", Browser)
    assert inputs(me, "/user/password") == {"old_password": "current-password", "new_password": "new-password"}
    me.post("/user/reset", data={"email": "ning@example.com", "captcha": me.captcha()})
    assert inputs(me, "/user/reset") == {"code": "one-time-code", "new_password": "new-password", "captcha": "off"}
    for path in ("/user/info", "/user/email", "/user/security"):
        assert "" not in inputs(me, path).values(), path


def test_the_page_that_changes_a_password_is_found(client, browser, signed_in):
    for asking in (client, browser, signed_in("ning", Browser)):
        reply = asking.get("/.well-known/change-password")
        assert (reply.status_code, reply.headers["Location"]) == (303, "/user/password")
    page = browser.get("/user/password")
    assert (page.status_code, page.headers["Location"]) == (303, "/user/login?next=/user/password")
