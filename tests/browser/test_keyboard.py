"""Everything by the keyboard alone: Tab to a field, type, Enter on the button."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.browser.conftest import Visitor
from tests.browser.places import CODE
from tests.conftest import ANSWER, PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.long]
Visitors = Callable[..., Visitor]
NEW_PASSWORD = "battery-staple-7"


def press_through(me: Visitor, action: str, **typed: str) -> None:
    """Tab through the page, typing what belongs into each field, and press Enter on the button of a form."""
    for _step in range(60):
        me.page.keyboard.press("Tab")
        name, here = me.page.evaluate(
            "action => { const it = document.activeElement;"
            " return [it.name || '', it.matches(`form[action='${action}'] [type=submit]`)]; }",
            action,
        )
        if name in typed:
            me.page.keyboard.type(typed.pop(name))
        elif name == "remember":
            me.page.keyboard.press("Space")
        elif here and not typed:
            me.page.keyboard.press("Enter")
            return
    raise AssertionError(f"never came to {typed or action}")


def test_signing_in(visitor: Visitors) -> None:
    visitor().register("typist")
    me = visitor()
    me.open("/user/login")
    press_through(me, "/user/login", user="typist", password=PASSWORD, captcha=ANSWER)
    me.page.wait_for_selector(".top .name")
    assert me.text(".top .name") == "typist"


def test_signing_in_by_a_captcha_the_browser_computes(visitor: Visitors) -> None:
    visitor().register("reckoner")
    me = visitor()
    me.open("/user/login")
    me.page.focus("[name=captcha]")
    while not me.page.evaluate("document.activeElement.matches('[data-work] button')"):
        me.page.keyboard.press("Tab")
    me.page.keyboard.press("Enter")
    me.page.wait_for_selector("[name=captcha]", state="hidden")
    assert me.page.evaluate("document.activeElement.matches('[data-work] button')")
    assert "完成" in me.text("[data-work] [role=status]")
    me.page.focus("body")
    press_through(me, "/user/login", user="reckoner", password=PASSWORD)
    me.page.wait_for_selector(".top .name")


def test_recovery(visitor: Visitors, code_sent_to: Callable[..., str]) -> None:
    me = visitor()
    me.register("forgetful")
    me.logout()
    me.open("/user/reset")
    press_through(me, "/user/reset", email="forgetful@example.com", captcha=ANSWER)
    me.page.wait_for_selector("[name=code]")
    code = code_sent_to("forgetful@example.com")
    press_through(me, "/user/reset", code=code, new_password=NEW_PASSWORD, captcha=ANSWER)
    me.page.wait_for_selector("main [name=user]")
    press_through(me, "/user/login", user="forgetful", password=NEW_PASSWORD, captcha=ANSWER)
    me.page.wait_for_selector(".top .name")


def test_a_change_of_the_address(visitor: Visitors, code_sent_to: Callable[..., str]) -> None:
    me = visitor()
    me.register("mover2")
    me.open("/user/email")
    press_through(me, "/user/email/bind", captcha=code_sent_to("mover2@example.com", CODE))
    me.page.wait_for_selector("[name=new_email]")
    press_through(me, "/user/email/unbind", new_email="moved2@example.com")
    me.page.wait_for_selector("[name=old_captcha]")
    codes = {
        "old_captcha": code_sent_to("mover2@example.com", CODE),
        "new_captcha": code_sent_to("moved2@example.com", CODE),
    }
    press_through(me, "/user/email/unbind_confirm", **codes)
    me.page.wait_for_selector("main strong:text('moved2@example.com')")


def test_the_skip_link_comes_first(visitor: Visitors) -> None:
    me = visitor()
    me.open("/user/login")
    me.page.keyboard.press("Tab")
    me.page.keyboard.press("Enter")
    assert me.page.evaluate("document.activeElement.id") == "main"


def test_the_strength_of_a_new_password_is_seen_and_spoken(visitor: Visitors) -> None:
    me = visitor(lang="en")
    me.open("/user/register")
    said = me.page.locator("[data-strength] [role=status]")
    for typed, words in (
        ("abc", "Too short"),
        ("password1", "Weak"),
        ("Tr0ub4dor&3", "Good"),
        ("纸船 over the 9 hills", "Very strong"),
    ):
        me.page.fill("[name=password]", typed)
        me.page.wait_for_function(
            "([box, words]) => box.textContent.includes(words)", arg=[said.element_handle(), words]
        )
    me.page.click("[data-reveal]")
    assert me.page.get_attribute("[name=password]", "type") == "text"
    assert me.page.get_attribute("[data-reveal]", "aria-pressed") == "true"
