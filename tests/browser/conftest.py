"""Chromium, a running service, and visitors who note what a page must never do."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ANSWER, PASSWORD
from tests.servers import LiveServer, running_application, unavailable

CHROMIUM = "/usr/bin/chromium"
REGION = {"zh": "zh-CN", "en": "en-US"}


class Visitor:
    """A browser of one's own: `page`, and what went wrong on it."""

    def __init__(self, page: Any, service: LiveServer, *, scripts: bool = True, tag: str = "") -> None:
        """`tag` sets the names apart that several visitors of one service take."""
        self.page, self.service, self.url, self.scripts, self.tag = page, service, service.url, scripts, tag
        self.troubles: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if "Content Security Policy" in message.text or "Refused to" in message.text:
            self.troubles.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith(self.url + "/"):
            self.troubles.append(f"request to {request.url}")

    def open(self, path: str) -> None:
        """Go to a page."""
        self.page.goto(self.url + path)

    def fill(self, **fields: str) -> None:
        """Type into inputs by their names."""
        for name, value in fields.items():
            self.page.fill(f"main [name={name}]:not([type=hidden])", value)

    def send(self, action: str) -> None:
        """Press the button of the form that goes to `action`."""
        self.page.click(f"form[action='{action}'] [type=submit]")

    def text(self, selector: str) -> str:
        """What an element says."""
        return str(self.page.inner_text(selector))

    def register(self, uname: str, phone: str = "", password: str = PASSWORD) -> None:
        """Make an account by the page and be signed in."""
        self.open("/user/register")
        email = f"{uname.lower()}@example.com"
        self.fill(uname=uname, email=email, phone=phone, password=password, captcha=ANSWER)
        self.send("/user/register")
        self.page.wait_for_selector(".top .name")

    def login(self, user: str, password: str = PASSWORD) -> None:
        """Sign in by the page."""
        self.open("/user/login")
        self.fill(user=user, password=password, captcha=ANSWER)
        self.send("/user/login")
        self.page.wait_for_selector(".top .name")

    def logout(self) -> None:
        """Press the button in the header."""
        self.send("/user/logout")
        self.page.wait_for_selector("main [name=user]")


@contextmanager
def running_chromium() -> Iterator[Any]:
    """A headless Chromium."""
    if not Path(CHROMIUM).exists():
        unavailable(f"no {CHROMIUM}: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("no playwright")
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def running_service() -> AbstractContextManager[LiveServer]:
    """The application in gunicorn, with a known captcha, little to compute, cheap hashes and no limits on addresses."""
    environment = {
        "CAPTCHA_ANSWER": ANSWER, "CAPTCHA_WORK": "8", "ADDRESS_LIMITS": "0", "DEVTOOLS": "1",
        "ARGON2_MEMORY_KIB": "8", "ARGON2_TIME": "1",
    }  # fmt: skip
    return running_application({f"USERAPP_{key}": value for key, value in environment.items()})


def new_visitor(
    stack: ExitStack,
    chromium: Any,
    service: LiveServer,
    scripts: bool = True,
    lang: str = "zh",
    tag: str = "",
    **options: Any,
) -> Visitor:
    """A browser window without a past."""
    context = chromium.new_context(java_script_enabled=scripts, locale=REGION[lang], **options)
    stack.callback(context.close)
    context.set_default_timeout(10_000)
    return Visitor(context.new_page(), service, scripts=scripts, tag=tag)


def message_to(service: LiveServer, to: str, pattern: str = r"\b(\d{6})\b") -> str:
    """What a pattern finds in the newest message to an address, waited for: the queue is sent by a thread."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        request = urllib.request.Request(service.url + "/dev/outbox", headers={"Accept": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as reply:
            messages = json.load(reply)["data"]
        for message in messages:
            if message["to"] == to and (found := re.search(pattern, message["text"])):
                return found[1]
        time.sleep(0.1)
    raise AssertionError(f"nothing sent to {to}")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """Ends with this package, whose event loop would disturb other tests."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def service() -> Iterator[LiveServer]:
    """One service for all visitors."""
    with running_service() as server:
        yield server


@pytest.fixture
def visitor(chromium: Any, service: LiveServer) -> Iterator[Callable[..., Visitor]]:
    """Make visitors: `visitor(scripts=False, lang="en")`; none may break the CSP or call another host."""
    made: list[Visitor] = []
    with ExitStack() as contexts:

        def make(scripts: bool = True, lang: str = "zh", **options: Any) -> Visitor:
            made.append(new_visitor(contexts, chromium, service, scripts, lang, **options))
            return made[-1]

        yield make
        assert [trouble for each in made for trouble in each.troubles] == []


@pytest.fixture
def code_sent_to(service: LiveServer) -> Callable[..., str]:
    """The code in the newest message to an address."""
    return lambda *what: message_to(service, *what)


@pytest.fixture(scope="session")
def axe() -> Callable[[Visitor], list[str]]:
    """What axe-core finds on a visitor's page, by light and by dark."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        unavailable("no axe-playwright-python")
    script = Axe().axe_script

    def look(me: Visitor) -> list[str]:
        me.page.evaluate(script)
        found = []
        for scheme, rules in (("light", ""), ("dark", ", runOnly: ['color-contrast']")):  # all else is alike in both
            me.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            result = me.page.evaluate(f"axe.run({{resultTypes: ['violations']{rules}}})")
            for violation in result["violations"]:
                found += [f"{scheme} {violation['id']} {node['html'][:200]}" for node in violation["nodes"]]
        return found

    return look
