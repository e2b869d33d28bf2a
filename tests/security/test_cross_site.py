"""CSRF-01, CSRF-02, CSRF-03: every route that changes something, against every request another site can cause."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from tests.conftest import HTML, Json
from tests.security.surface import doors

SELF, EVIL = "http://localhost", "https://attacker.example"
CROSS_SITE = 403
# Sec-Fetch-Site, Origin (None: not sent), and whether a request with a session cookie is let in.
MATRIX = [
    ("same-origin", None, True), ("none", None, True), ("cross-site", None, False), ("same-site", None, False),
    (None, None, True), (None, SELF, True), (None, EVIL, False), (None, "null", False), ("same-origin", EVIL, False),
    ("cross-site", SELF, False), (None, "http://localhost.attacker.example", False), ("CROSS-SITE", None, False),
    (None, "https://localhost:4443", False), ("bogus", None, False), (None, "", True),
]  # fmt: skip
ACCEPT = ["application/json", pytest.param(HTML, marks=pytest.mark.long)]


def headers(site: str | None, origin: str | None) -> dict[str, str]:
    """The two headers, where they are sent."""
    sent = {"Sec-Fetch-Site": site, "Origin": origin}
    return {name: value for name, value in sent.items() if value is not None}


@pytest.mark.parametrize("accept", ACCEPT)
def test_every_route_that_changes_something_refuses_other_sites(
    app: Flask, as_role: Callable[[str], Json], accept: str
) -> None:
    client, routes = as_role("admin"), [door for door in doors(app) if door.changes]
    for door in routes:
        for site, origin, allowed in MATRIX:
            if allowed:
                continue
            reply = client.open(door.path, method=door.method, headers=headers(site, origin) | {"Accept": accept})
            told = reply.json.get("code", 0) if reply.is_json else reply.status_code
            assert told == CROSS_SITE, (str(door), site, origin, reply.status)
    assert len(routes) > 35
    assert client.get("/user/info").json["data"]["uname"] == "admin"


@pytest.mark.long
def test_every_route_that_changes_something_is_open_to_our_own_pages(
    app: Flask, as_role: Callable[[str], Json]
) -> None:
    for door in (door for door in doors(app) if door.changes):
        client = as_role("admin")
        for site, origin, allowed in MATRIX:
            if allowed:
                reply = client.open(door.path, method=door.method, headers=headers(site, origin))
                assert not reply.is_json or reply.json.get("code") != CROSS_SITE, (str(door), site, origin)


@pytest.mark.long
def test_a_page_form_without_its_token_is_refused_everywhere(app: Flask, as_role: Callable[[str], Json]) -> None:
    client = as_role("admin")
    for door in (door for door in doors(app) if door.method == "POST"):
        same = {"Accept": HTML, "Sec-Fetch-Site": "same-origin", "Origin": SELF}
        assert client.post(door.path, headers=same).status_code == CROSS_SITE, str(door)


@pytest.mark.parametrize("accept", ACCEPT)
def test_reading_changes_nothing(
    app: Flask, as_role: Callable[[str], Json], statements: list[str], accept: str
) -> None:
    client = as_role("admin")
    client.get("/user/info")
    for door in doors(app):
        if door.changes or door.method != "GET":
            continue
        for method in ("GET", "HEAD", "OPTIONS"):
            statements.clear()
            cross = {"Sec-Fetch-Site": "cross-site", "Origin": EVIL, "Accept": accept}
            reply = client.open(door.path, method=method, headers=cross)
            assert {line.split()[0] for line in statements} <= {"SELECT", "PRAGMA"}, (str(door), method, statements)
            assert not any(name.startswith("Access-Control") for name, _ in reply.headers), str(door)


@pytest.mark.long
def test_json_routes_take_no_text_that_another_site_may_send(app: Flask, as_role: Callable[[str], Json]) -> None:
    """A body of text/plain is no JSON, wherever it comes from: its fields are not read."""
    client = as_role("session")
    for site in ("same-origin", "cross-site"):
        more = {"content_type": "text/plain", "headers": {"Sec-Fetch-Site": site}}
        client.post("/user/info", data='{"intro": "smuggled"}', **more)
        assert client.get("/user/info").json["data"]["intro"] == ""
