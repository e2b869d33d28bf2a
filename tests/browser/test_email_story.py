"""An address from registration to undo, with a real mail server and a real browser, on a desk and on a phone."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Visitor
from tests.conftest import ANSWER
from tests.servers import LiveServer, free_port, running_application
from tests.smtp_server import SmtpServer, run_smtp

pytestmark = [pytest.mark.browser, pytest.mark.long]
CODE = r"\b[A-HJ-NP-Z2-9]{10}\b"
NEW_PASSWORD = "battery-staple-7"
SIZES = {"desk": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
Visitors = Callable[..., Visitor]


@pytest.fixture(scope="module")
def post_office() -> Iterator[SmtpServer]:
    """A mail server that keeps what it gets."""
    with run_smtp(free_port(), secure=False) as server:
        yield server


@pytest.fixture(scope="module")
def service(post_office: SmtpServer) -> Iterator[LiveServer]:
    """The application, sending its mail there."""
    settings = {
        "CAPTCHA_ANSWER": ANSWER, "ADDRESS_LIMITS": "0", "ARGON2_MEMORY_KIB": "8", "LOST_MAILBOX": "yes",
        "DEVTOOLS": "1", "MAIL_SERVER": post_office.host, "MAIL_PORT": str(post_office.port),
    }  # fmt: skip
    with running_application({f"USERAPP_{key}": value for key, value in settings.items()}) as server:
        yield server


@pytest.fixture
def mailed(post_office: SmtpServer) -> Callable[[str, str], str]:
    """What a pattern finds in the newest mail to an address, waited for."""

    def look(to: str, pattern: str) -> str:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for mail in reversed(list(post_office.messages)):
                body = mail.get_body(("plain",))
                if mail["To"] == to and body and (found := re.search(pattern, body.get_content())):
                    return found[0]
            time.sleep(0.1)
        raise AssertionError(f"no mail to {to}")

    return look


def seen(me: Visitor, size: str, name: str) -> None:
    """Nothing sticks out of the page; keep a picture where SCREENSHOTS names a folder."""
    assert me.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name
    if folder := os.environ.get("SCREENSHOTS"):
        me.page.screenshot(path=Path(folder) / f"{name}-{size}.png", full_page=True)


@pytest.mark.parametrize("size", list(SIZES))
def test_register_bind_change_notice_undo(visitor: Visitors, mailed: Callable[[str, str], str], size: str) -> None:
    old, new = f"old{size}@example.com", f"new{size}@example.com"
    me = visitor(viewport=SIZES[size])
    register_and_bind(me, mailed, old, size)
    change(me, mailed, old, new, size)
    assert me.text("main .long strong") == new
    undo(visitor, mailed, old, size)
    me.open("/user/email")
    me.page.wait_for_selector("main [name=user]")
    recover(me, mailed, old)


def register_and_bind(me: Visitor, mailed: Callable[[str, str], str], old: str, size: str) -> None:
    me.register(old.partition("@")[0])
    me.open("/user/email")
    seen(me, size, "1-unverified")
    me.fill(captcha="AAAAAAAAAA")
    me.send("/user/email/bind")
    me.page.wait_for_selector("#field-captcha-error")
    seen(me, size, "2-wrong-code")
    code = mailed(old, CODE)
    assert me.page.get_attribute("[name=captcha]", "autocomplete") == "one-time-code"
    me.fill(captcha=f" {code[:5].lower()} - {code[5:]} ")
    me.send("/user/email/bind")
    me.page.wait_for_selector("[name=new_email]")
    seen(me, size, "3-verified")


def change(me: Visitor, mailed: Callable[[str, str], str], old: str, new: str, size: str) -> None:
    me.fill(new_email=new)
    me.send("/user/email/unbind")
    me.page.wait_for_selector("[name=old_captcha]")
    resend = me.page.locator("form[action='/user/email/resend'] button").first
    assert resend.is_disabled() and re.search(r"\d+ 秒", resend.inner_text())
    seen(me, size, "4-pending")
    me.fill(new_captcha=mailed(new, CODE))
    me.send("/user/email/unbind_confirm")
    me.page.wait_for_selector("main li .tag.good")
    assert me.page.query_selector("[name=new_captcha]") is None
    seen(me, size, "5-one-side-done")
    me.fill(old_captcha=mailed(old, r"旧邮箱的验证码[\s\S]*?" + CODE)[-10:])
    me.send("/user/email/unbind_confirm")
    me.page.wait_for_selector("[name=new_email]")
    seen(me, size, "6-changed")


def undo(visitor: Visitors, mailed: Callable[[str, str], str], old: str, size: str) -> None:
    reader = visitor(viewport=SIZES[size])
    path = mailed(old, r"/user/email/undo\?link=\S+")
    reader.open(path)
    reader.open(path)
    seen(reader, size, "7-undo")
    reader.send("/user/email/undo")
    reader.page.wait_for_selector(".notice.good")
    assert reader.page.url.endswith("/user/reset")
    seen(reader, size, "8-undone")
    reader.open(path)
    assert "10802" not in reader.text("main") and reader.page.query_selector("button.danger") is None


def recover(me: Visitor, mailed: Callable[[str, str], str], old: str) -> None:
    me.open("/user/reset")
    me.fill(email=old, captcha=ANSWER)
    me.send("/user/reset")
    me.page.wait_for_selector("[name=code]")
    me.fill(code=mailed(old, r"\b\d{6}\b"), new_password=NEW_PASSWORD, captcha=ANSWER)
    me.send("/user/reset")
    me.page.wait_for_selector("main [name=user]")
    me.login(old, NEW_PASSWORD)
    me.open("/user/email")
    assert me.text("main .long strong") == old


@pytest.mark.parametrize("size", ["phone"])
def test_who_lost_the_old_mailbox_waits_and_the_old_mailbox_stops_it(
    visitor: Visitors, mailed: Callable[[str, str], str], axe: Callable[[Visitor], list[str]], size: str
) -> None:
    old, new = f"gone{size}@example.com", f"fresh{size}@example.com"
    me = visitor(viewport=SIZES[size])
    register_and_bind(me, mailed, old, size)
    me.page.click("a[href='/user/email/lost']")
    me.fill(new_email=new, password="wrong-horse-9")
    me.send("/user/email/lost")
    me.page.wait_for_selector("#field-password-error")
    seen(me, size, "lost-1-wrong-password")
    assert axe(me) == []
    me.fill(new_email=new, password="correct-horse-9")
    me.send("/user/email/lost")
    me.page.wait_for_selector("[name=new_captcha]")
    seen(me, size, "lost-2-proving")
    assert axe(me) == []
    me.fill(new_captcha=mailed(new, CODE))
    me.send("/user/email/lost_confirm")
    me.page.wait_for_selector("main .tag.warn")
    seen(me, size, "lost-3-waiting")
    assert axe(me) == []
    reader = visitor(viewport=SIZES[size])
    reader.open(mailed(old, r"/user/email/keep\?link=\S+"))
    seen(reader, size, "lost-4-keep")
    assert axe(reader) == []
    reader.send("/user/email/keep")
    reader.page.wait_for_selector(".notice.good")
    me.open("/user/email")
    assert me.page.query_selector("[name=new_email]") and me.text("main .long strong") == old
