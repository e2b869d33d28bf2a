"""What must hold on every page in every state: axe finds nothing, nothing scrolls sideways, nothing is kept or told."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.browser.conftest import Visitor
from tests.browser.places import WALKS, administrators, members, strangers
from tests.conftest import Browser
from userapp.errors import NotAllowed, Overloaded, TooMany

pytestmark = [pytest.mark.browser, pytest.mark.long]
Visitors = Callable[..., Visitor]
OTHER_WAYS = [  # than with scripts and in Chinese, which is axe's
    (strangers, False, "en"),
    (strangers, False, "zh"),
    (strangers, True, "en"),
    (members, False, "en"),
    (members, False, "zh"),
    (members, True, "en"),
    (administrators, False, "en"),
]
SECRET = ("code=", "link=", "token=", "captcha=")


def sideways(me: Visitor) -> list[str]:
    """Widths at which the page scrolls sideways."""
    found = []
    for width in (320, 1920):
        me.page.set_viewport_size({"width": width, "height": 900})
        if me.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"scrolls sideways at {width}")
    return found


class Wire:
    """What goes over a visitor's wire that should not."""

    def __init__(self, me: Visitor) -> None:
        self.me, self.troubles = me, []
        me.page.on("request", self._sent)
        me.page.on("response", self._came)

    def _sent(self, request: Any) -> None:
        referrer = request.headers.get("referer", "")
        if any(secret in referrer for secret in SECRET):
            self.troubles.append(f"{request.url} was told {referrer}")

    def _came(self, response: Any) -> None:
        kept = response.headers.get("cache-control", "")
        public = "/static/" in response.url or "/avatar/" in response.url
        if ("immutable" not in kept and "max-age" not in kept) if public else kept != "no-store":
            self.troubles.append(f"{response.url} is kept as {kept!r}")


@pytest.mark.parametrize("walk", WALKS)
def test_every_state_is_accessible_in_light_and_dark(visitor: Visitors, code_sent_to: Any, axe: Any, walk: Any) -> None:
    me = visitor(tag="axe")
    wire = Wire(me)
    found = [(state, trouble) for state in walk(me, code_sent_to) for trouble in axe(me) + sideways(me)]
    assert found == []
    assert wire.troubles == []


@pytest.mark.parametrize(("walk", "scripts", "lang"), OTHER_WAYS)
def test_every_state_is_reached_in_every_way(
    visitor: Visitors, code_sent_to: Any, walk: Any, scripts: bool, lang: str
) -> None:
    me = visitor(scripts=scripts, lang=lang, tag=f"{lang}{scripts:d}")
    wire = Wire(me)
    assert [(state, trouble) for state in walk(me, code_sent_to) for trouble in sideways(me)] == []
    assert wire.troubles == []


def test_the_pages_of_failures_are_accessible(visitor: Visitors, make_app: Any, axe: Any) -> None:
    me = visitor()
    for name, body in failures(make_app).items():
        me.page.route("**/shown", partial(shown, body))
        me.open("/shown")
        assert me.page.query_selector("h1"), name
        assert axe(me) + sideways(me) == [], name
        me.page.unroute("**/shown")


def shown(body: str, route: Any) -> None:
    route.fulfill(body=body, content_type="text/html")


def failures(make_app: Any) -> dict[str, str]:
    """The page of each failure, from an application that has them all."""
    app = make_app()
    raised = {
        "403": NotAllowed(),
        "429": TooMany(retry_after=90),
        "500": ValueError(),
        "503": Overloaded(retry_after=5),
    }
    for name, error in raised.items():
        app.add_url_rule(f"/{name}", name, lambda error=error: (_ for _ in ()).throw(error))
    app.test_client_class = Browser
    client = app.test_client()
    found = {name: client.get(f"/{name}") for name in (*raised, "404")}
    found["413"] = client.post("/user/login", data={"user": "x" * 300_000}, csrf=False)
    found["cross-site"] = client.post("/user/login", data={}, csrf=False)
    assert [reply.status_code for reply in found.values()] == [403, 429, 500, 503, 404, 413, 403]
    return {name: reply.get_data(as_text=True) for name, reply in found.items()}


def test_the_first_load_of_the_sign_in_page_is_small(visitor: Visitors) -> None:
    me = visitor()
    finished: list[Any] = []
    me.page.on("requestfinished", lambda request: finished.append(request))
    me.page.goto(me.url + "/user/login", wait_until="networkidle")
    sizes = {request.url: request.sizes() for request in finished if "/user/captcha" not in request.url}
    assert len(sizes) >= 4
    total = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes.values())
    assert total <= 50 * 1024, sizes


def test_a_second_load_asks_for_no_static_file_again(visitor: Visitors) -> None:
    me = visitor()
    me.open("/user/login")
    me.page.wait_for_load_state("networkidle")
    me.open("/user/register")
    me.page.wait_for_load_state("networkidle")
    me.open("/user/login")
    me.page.wait_for_load_state("networkidle")
    timing = me.page.evaluate(
        "performance.getEntriesByType('resource').filter(e => e.name.includes('/static/')).map(e => e.transferSize)"
    )
    assert timing and set(timing) == {0}


def test_a_page_prints_without_its_controls(visitor: Visitors) -> None:
    me = visitor()
    me.register("printer")
    me.open("/user/info")
    me.page.emulate_media(media="print")
    assert me.page.is_visible("h1") and me.page.is_visible(".facts")
    for control in (".menu", ".who", "main [type=submit]"):
        assert not me.page.is_visible(control)


def test_signed_in_nothing_comes_back_from_the_cache_after_signing_out(visitor: Visitors) -> None:
    me = visitor()
    me.register("leaver")
    me.open("/user/security")
    me.logout()
    me.page.go_back()
    me.page.wait_for_selector("main [name=user]")
    assert "leaver" not in me.page.content()
