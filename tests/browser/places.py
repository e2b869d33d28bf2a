"""Every page of the service in every state, one after another; `python -m tests.browser.places FOLDER` takes pictures.

A walk yields the name of each state when the visitor's page stands in it, so that whatever must hold everywhere (axe,
no sideways scrolling, no secret in a referrer) is asked of all of them alike.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from PIL import Image

from tests.browser.conftest import Visitor, message_to, new_visitor, running_chromium, running_service
from tests.conftest import ANSWER, PASSWORD
from tests.servers import ROOT

CODE = r"\b([A-Z2-9]{10})\b"
Newest = Callable[..., str]


def strangers(me: Visitor, newest: Newest) -> Iterator[str]:
    """What somebody sees who is not signed in; an account is made on the way and left again."""
    for name, path in PUBLIC.items():
        me.open(path)
        if name == "docs" and me.scripts:  # sixty operations look alike: a few of them will do
            me.page.evaluate(
                "document.querySelectorAll('.operation:nth-of-type(n + 3)').forEach((one) => one.remove())"
            )
        yield name
    me.open("/user/register")
    me.fill(uname="12345", email="ning@example.com", password="short")
    me.fill(captcha=ANSWER)
    me.page.wait_for_selector(".strength:not([hidden])") if me.scripts else None
    yield "register-typed"
    me.page.fill("[name=password]", PASSWORD)
    me.send("/user/register")
    me.page.wait_for_selector(".trouble")
    yield "register-refused"
    me.open("/user/login")
    me.fill(user="nobody", password=PASSWORD, captcha="WRONG")
    me.send("/user/login")
    me.page.wait_for_selector(".trouble")
    yield "login-refused"
    if me.scripts:
        me.page.click("[data-work] button")
        me.page.wait_for_selector("[name=captcha]", state="hidden")
        yield "login-computed"
        me.page.click("[data-work] button")
    yield from recovery(me, newest)


PUBLIC = {
    "welcome": "/",
    "login": "/user/login?next=/user/info",
    "register": "/user/register",
    "missing": "/nowhere",
    "docs": "/docs",
}


def recovery(me: Visitor, newest: Newest) -> Iterator[str]:
    """Both steps of a forgotten password."""
    uname = f"lost{me.tag}"
    me.register(uname)
    me.logout()
    me.open("/user/reset")
    yield "reset"
    me.fill(email=f"nobody{me.tag}@example.com", captcha=ANSWER)
    me.send("/user/reset")
    me.page.wait_for_selector(".trouble")
    yield "reset-refused"
    me.page.fill("[name=email]", f"{uname}@example.com")
    me.fill(captcha=ANSWER)
    me.send("/user/reset")
    me.page.wait_for_selector("[name=code]")
    yield "reset-code"
    code = newest(f"{uname}@example.com", r"\b(\d{6})\b")
    me.fill(code="000000" if code != "000000" else "111111", new_password="battery-staple-7", captcha=ANSWER)
    me.send("/user/reset")
    me.page.wait_for_selector(".trouble")
    yield "reset-code-refused"


def members(me: Visitor, newest: Newest) -> Iterator[str]:
    """What the owner of an account sees."""
    me.register(f"ning{me.tag}")
    me.page.wait_for_selector(".notice.good")
    yield "home"
    me.open("/user/info")
    yield "info"
    me.page.fill("[name=phone]", "123")
    me.page.fill("[name=intro]", "山高水长\n" + "longword" * 40)
    me.send("/user/info")
    me.page.wait_for_selector(".trouble")
    yield "info-refused"
    yield from picture(me)
    yield from security(me)
    yield from address(me, newest)
    yield from leaving(me, newest)
    me.open("/dev/outbox")
    yield "outbox"


def leaving(me: Visitor, newest: Newest) -> Iterator[str]:
    """Taking one's data along, and going."""
    me.open("/user/delete")
    yield "own-data"
    me.send("/user/delete")
    me.page.wait_for_selector(".tag.warn")
    yield "leaving"
    me.page.goto(newest(f"new{me.tag}@example.com", r"(http\S+/user/delete/keep\S+)"))
    yield "keep-account"


def picture(me: Visitor) -> Iterator[str]:
    """The avatar's page."""
    me.open("/user/avatar")
    yield "avatar"
    me.page.set_input_files("[name=avatar]", png(300, 240))
    if me.scripts:
        me.page.wait_for_selector("#crop canvas")
        yield "avatar-cropping"
    me.send("/user/avatar")
    me.page.wait_for_selector(".notice.good")
    yield "avatar-changed"


def security(me: Visitor) -> Iterator[str]:
    """Passwords, devices, tokens."""
    me.open("/user/security")
    me.fill(create="nightly backup")
    me.page.click("form:has([name=create]) [type=submit]")
    me.page.wait_for_selector("input.code")
    yield "security-token"
    me.open("/user/security")
    yield "security"
    me.open("/user/password")
    yield "password"
    me.fill(old_password="not-this-one", new_password="battery-staple-7")
    me.send("/user/password")
    me.page.wait_for_selector(".trouble, .notice.error")
    yield "password-refused"


def address(me: Visitor, newest: Newest) -> Iterator[str]:
    """The e-mail address, from unverified to a change under way."""
    old, new = f"ning{me.tag}@example.com", f"new{me.tag}@example.com"
    me.open("/user/email")
    yield "email-unverified"
    me.fill(captcha="AAAAAAAAAA")
    me.send("/user/email/bind")
    me.page.wait_for_selector(".trouble")
    yield "email-refused"
    me.fill(captcha=newest(old, CODE))
    me.send("/user/email/bind")
    me.page.wait_for_selector("[name=new_email]")
    yield "email-verified"
    me.fill(new_email=new)
    me.send("/user/email/unbind")
    me.page.wait_for_selector("[name=old_captcha]")
    yield "email-pending"
    me.fill(new_captcha=newest(new, CODE))
    me.send("/user/email/unbind_confirm")
    me.page.wait_for_selector(".tag.good")
    yield "email-half"
    me.fill(old_captcha=newest(old, CODE))
    me.send("/user/email/unbind_confirm")
    me.page.wait_for_selector("[name=new_email]")
    me.page.goto(newest(old, r"(http\S+/user/email/undo\S+)"))
    yield "email-undo"


def png(width: int, height: int) -> dict[str, Any]:
    """A picture with something to see on it, as a file input takes it."""
    data = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(data, "PNG")
    return {"name": "me.png", "mimeType": "image/png", "buffer": data.getvalue()}


def administrators(me: Visitor, newest: Newest) -> Iterator[str]:
    """What administrators see, from the one-time link of the command line on."""
    made = command(me, "users", "create", f"boss{me.tag}", "--admin")
    me.page.goto(made.split()[-1])
    yield "setup"
    me.fill(new_password="password")
    me.send("/user/setup")
    me.page.wait_for_selector(".trouble, .notice.error")
    yield "setup-refused"
    me.fill(new_password=PASSWORD)
    me.send("/user/setup")
    me.page.wait_for_selector("main [name=user]")
    yield "login-after-setup"
    me.login(f"boss{me.tag}")
    yield "home-of-an-administrator"
    for name, path in ADMIN.items():
        me.open(path)
        yield name
    command(me, "users", "create", f"clerk{me.tag}", "--email", f"clerk{me.tag}@example.com")
    me.open("/admin/users")
    me.page.click(f"a:text('clerk{me.tag}')")
    me.page.wait_for_selector(".danger-zone")
    yield "admin-user"
    me.fill(uname="somebody else")
    me.page.click(".danger-zone form:has([name=uname]) [type=submit]")
    me.page.wait_for_selector(".trouble, .notice.error")
    yield "admin-refused"


ADMIN = {
    "admin-dashboard": "/admin/",
    "admin-by-day": "/admin/?by=day",
    "admin-users": "/admin/users",
    "admin-first": "/admin/users/1",
    "admin-search": "/admin/users?q=lost",
    "admin-nobody": "/admin/users?q=zzzz",
    "admin-events": "/admin/events",
}


def command(me: Visitor, *words: str) -> str:
    """What a command of the service prints."""
    environment = {**os.environ, "USERAPP_INSTANCE": str(me.service.instance), "USERAPP_BASE_URL": me.url}
    environment |= {"USERAPP_TRUSTED_HOSTS": "127.0.0.1", "USERAPP_ARGON2_MEMORY_KIB": "8"}
    environment["USERAPP_SQLALCHEMY_DATABASE_URI"] = me.service.database
    line = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    done = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


WALKS = (strangers, members, administrators)


def main(folder: Path) -> None:
    """Save a picture of each state at 390 and 1440 pixels, light and dark, in both languages by turns."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        service, chromium = stack.enter_context(running_service()), stack.enter_context(running_chromium())
        for width, scheme, lang in (
            (390, "light", "zh"),
            (390, "dark", "en"),
            (1440, "light", "en"),
            (1440, "dark", "zh"),
        ):
            for walk in WALKS:
                me = new_visitor(stack, chromium, service, lang=lang, tag=f"{width}{scheme}", color_scheme=scheme)
                me.page.set_viewport_size({"width": width, "height": 900})
                for name in walk(me, lambda *what: message_to(service, *what)):
                    me.page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
