"""What people do on the pages, in a real browser."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.browser.conftest import Visitor
from tests.conftest import ANSWER, PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.long]
WITHOUT = [pytest.param(True, id="scripts"), pytest.param(False, id="no-scripts")]
TRIPS = [
    pytest.param(True, "zh", id="scripts-zh"),
    pytest.param(True, "en", id="scripts-en"),
    pytest.param(False, "zh", id="no-scripts-zh"),
    pytest.param(False, "en", id="no-scripts-en"),
]

NEW_PASSWORD = "battery-staple-7"
Visitors = Callable[..., Visitor]


@pytest.mark.parametrize(("scripts", "lang"), TRIPS)
def test_register_change_and_sign_in_every_way(visitor: Visitors, scripts: bool, lang: str) -> None:
    uname, phone = f"trip{lang}{scripts:d}", f"1380013{scripts:d}{'zh en'.index(lang):03d}"
    me = visitor(scripts, lang)
    me.register(uname, phone)
    assert me.text(".top .name") == uname
    assert me.page.get_attribute("html", "lang") == {"zh": "zh-CN", "en": "en"}[lang]
    me.open("/user/info")
    uid = me.text(".facts dd >> nth=0")
    me.fill(intro="山高水长\nand far")
    me.send("/user/info")
    me.page.wait_for_selector(".notice.good")
    assert me.page.input_value("[name=intro]") == "山高水长\nand far"
    for identifier in (uid, phone, f"{uname}@example.com", uname.upper()):
        me.logout()
        me.login(identifier)
        assert me.text(".top .name") == uname


@pytest.mark.parametrize("scripts", WITHOUT)
def test_a_wrong_captcha_is_told_beside_it_and_keeps_what_was_typed(visitor: Visitors, scripts: bool) -> None:
    me = visitor(scripts)
    me.open("/user/register")
    me.fill(uname="宁静", email="ning@example.com", password=PASSWORD, captcha="WRONG")
    me.send("/user/register")
    me.page.wait_for_selector("#field-captcha-error")
    assert "验证码" in me.text("#field-captcha-error")
    assert me.page.get_attribute("[name=captcha]", "aria-invalid") == "true"
    assert me.page.input_value("[name=uname]") == "宁静"
    assert me.page.input_value("[name=email]") == "ning@example.com"
    assert me.page.input_value("[name=password]") == ""
    if scripts:
        me.page.wait_for_selector("[name=captcha]:focus")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_recovery_by_code(visitor: Visitors, scripts: bool, code_sent_to: Callable[..., str]) -> None:
    uname = f"lost{scripts:d}"
    me = visitor(scripts, "en")
    me.register(uname)
    me.logout()
    me.open("/user/reset")
    me.fill(email=f"{uname}@example.com", captcha=ANSWER)
    me.send("/user/reset")
    me.page.wait_for_selector("[name=code]")
    code = code_sent_to(f"{uname}@example.com")
    me.fill(code=code, new_password=NEW_PASSWORD, captcha=ANSWER)
    me.send("/user/reset")
    me.page.wait_for_selector("main [name=user]")
    me.login(uname, NEW_PASSWORD)


def test_a_password_change_ends_the_other_sessions(visitor: Visitors) -> None:
    here, there = visitor(), visitor()
    here.register("mover")
    there.login("mover")
    here.open("/user/security")
    here.fill(old_password=PASSWORD, new_password=NEW_PASSWORD)
    here.send("/user/password")
    here.page.wait_for_selector(".notice.good")
    assert here.page.url.endswith("/user/security")
    there.open("/")
    assert there.page.query_selector(".top .name") is None


def test_ending_the_other_sessions(visitor: Visitors) -> None:
    here, there = visitor(), visitor(scripts=False)
    here.register("keeper")
    there.login("keeper")
    here.open("/user/security")
    assert here.page.locator("[name=end]").count() == 3  # two sessions, and "all others"
    here.page.click("button.danger")
    here.page.wait_for_selector(".notice.good")
    assert here.page.locator("[name=end]").count() == 1
    there.open("/user/info")
    assert there.page.query_selector(".top .name") is None


def test_an_address_is_verified_by_the_mailed_code(visitor: Visitors, code_sent_to: Callable[..., str]) -> None:
    me = visitor(scripts=False)
    me.register("binder")
    me.open("/user/email")
    me.fill(captcha=code_sent_to("binder@example.com", r"\b([A-Z2-9]{10})\b").lower())
    me.page.click("main form:has([name=captcha]) [type=submit]")
    me.page.wait_for_selector("main .tag.good")
    assert me.page.query_selector("[name=new_email]")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_an_uploaded_picture_shows_in_the_header(visitor: Visitors, scripts: bool) -> None:
    me = visitor(scripts)
    me.register(f"face{scripts:d}")
    me.open("/user/avatar")
    me.page.set_input_files("[name=avatar]", picture())
    if scripts:
        me.page.wait_for_selector("#crop canvas")
    me.send("/user/avatar")
    me.page.wait_for_selector(".notice.good")
    face = me.page.locator(".top .face")
    assert "/avatar/small/" in face.get_attribute("src")
    me.page.wait_for_load_state()
    if scripts:
        assert face.evaluate("image => image.complete && image.naturalWidth") > 0


def picture() -> dict[str, Any]:
    """A red PNG, as a file input takes it."""
    data = io.BytesIO()
    Image.new("RGB", (300, 240), "red").save(data, "PNG")
    return {"name": "me.png", "mimeType": "image/png", "buffer": data.getvalue()}
