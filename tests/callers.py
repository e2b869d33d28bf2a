"""Callers of both kinds, and what a reply told them: the same tests are asked as JSON client and as browser."""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Browser, Json

KINDS = {"json": Json, "browser": Browser}


@pytest.fixture(params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> type[Json]:
    """Who asks: a JSON client, then a browser."""
    return KINDS[request.param]


@pytest.fixture
def new_caller(app: Flask, kind: type[Json]) -> Callable[[], Json]:
    """Strangers of that kind, as many as one likes."""

    def make() -> Json:
        app.test_client_class = kind
        return app.test_client()  # type: ignore[return-value]

    return make


@pytest.fixture
def caller(new_caller: Callable[[], Json]) -> Json:
    """One stranger of that kind."""
    return new_caller()


def told(reply: Any, message: str, number: int | None = None, status: int | None = None) -> None:
    """Assert that a refusal says `message`: to JSON as `msg` with its number, to a browser on its page."""
    seen = reply.get_data(as_text=True)
    if reply.is_json:
        assert (reply.json["msg"], reply.json["status"]) == (message, False), seen
        assert number is None or reply.json["code"] == number, seen
        assert set(reply.json) == {"status", "code", "msg", "data"}
    else:
        assert message in html.unescape(seen), seen[-2500:]
    assert status is None or reply.status_code == status, (reply.status, seen[-500:])


def done(reply: Any, message: str) -> None:
    """Assert a success: 200 with `message` for JSON, for a browser 303 (the message is on the next page)."""
    if reply.is_json:
        assert (reply.status_code, reply.json["msg"], reply.json["code"], reply.json["status"]) == (
            200,
            message,
            0,
            True,
        )
    else:
        assert reply.status_code == 303, reply.get_data(as_text=True)[-2500:]


def signed_in_as(client: Json) -> str | None:
    """The user name a client is signed in as, asked of the service."""
    reply = client.get("/user/info", headers={"Accept": "application/json"})
    return reply.json["data"]["uname"] if reply.json["status"] else None


def at_once(calls: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """Make all calls at the same moment, each in a thread of its own; what each returned."""
    start, results = threading.Barrier(len(calls)), {}

    def go(name: str, call: Callable[[], Any]) -> None:
        start.wait()
        results[name] = call()

    threads = [threading.Thread(target=go, args=named) for named in calls.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
