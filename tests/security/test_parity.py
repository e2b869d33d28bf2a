"""ENUM-01, ENUM-02, LOG-03: a known and an unknown name get the same, whoever looks: client, database, clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import ANSWER, HTML, Json
from userapp import parity
from userapp.auth import captcha
from userapp.extensions import db
from userapp.models import User

PROFILES = ["documented", "balanced", "strict"]
LONG_PASSWORD = "correct-horse-battery-9"
KNOWN = {"uname": "ning", "phone": "13800138000", "email": "ning@example.com", "uid": "1"}
UNKNOWN = {"uname": "lanx", "phone": "13800138009", "email": "lanx@example.com", "uid": "9"}
WAYS = {
    "login": ("/user/login", "user", {"password": "wrong-horse-9-x"}, tuple(KNOWN)),
    "reset": ("/user/reset", "", {}, ("phone", "email")),
    "captcha": ("/user/login", "user", {"password": "wrong-horse-9-x", "captcha": "WRONG"}, tuple(KNOWN)),
}
CASES = [(way, kind) for way, (_path, _field, _rest, kinds) in WAYS.items() for kind in kinds]


def told_apart(profile: str, way: str, kind: str) -> bool:
    """Whether the documents promise a different message for a name that nobody has."""
    return way != "captcha" and (profile == "documented" or (profile == "balanced" and kind in ("uname", "uid")))


def alike(profile: str) -> list[tuple[str, str]]:
    """The cases of a profile; where the documents promise 找不到用户 for a reset, nothing is sent and costs less."""
    return [(way, kind) for way, kind in CASES if way != "reset" or not told_apart(profile, way, kind)]


@pytest.fixture
def service(make_app: Callable[..., Flask]) -> Callable[[str], Flask]:
    """A service of a profile, with somebody whose names are KNOWN, who can be written to."""

    def make(profile: str, **settings: Any) -> Flask:
        limits = {
            "LOGIN_TRIES": 10**6,
            "LOGIN_TRIES_IN_A_ROW": 0,
            "MESSAGES_PER_DAY": 10**6,
            "RATELIMIT_ENABLED": False,
        }
        app = make_app(SECURITY_PROFILE=profile, SMS_URL="outbox:", **limits | settings)
        app.test_client_class = Json
        fields = {name: KNOWN[name] for name in ("phone", "email")}
        reply = app.test_client().register("ning", LONG_PASSWORD, **fields)  # type: ignore[attr-defined]
        assert reply.json["data"]["uid"] == "1", reply.json
        app.extensions["userapp.courier"].stop()
        with app.app_context():
            db.session.execute(update(User).values(email_verified=True))
            db.session.commit()
        return app

    return make


def asking(app: Flask, way: str, kind: str, accept: str = "application/json") -> parity.Ask:
    """A stranger who sends a form with a name of some kind and a fresh captcha."""
    path, field, rest, _kinds = WAYS[way]

    def ask(name: str) -> Any:
        client = app.test_client()
        with app.app_context():
            client.set_cookie("captcha", captcha.issue())
        values = {"captcha": ANSWER, **rest, field or kind: name}
        headers = {"Accept": accept, "token": "x"} if accept == HTML else {"Accept": accept}
        return client.post(path, data=values, headers=headers)

    return ask


@pytest.mark.parametrize("profile", PROFILES)
def test_a_known_and_an_unknown_name_are_answered_alike(service: Callable[..., Flask], profile: str) -> None:
    app, found = service(profile), {}
    for way, kind in alike(profile):
        ask, exact = asking(app, way, kind), not told_apart(profile, way, kind)
        for name in (KNOWN[kind], UNKNOWN[kind]):
            ask(name)
        found[way, kind] = parity.differences(app, ask, KNOWN[kind], UNKNOWN[kind], exact=exact)
    assert found == {case: [] for case in alike(profile)}


@pytest.mark.huge
@pytest.mark.parametrize(
    ("profile", "way", "kind"),
    [
        (profile, *case)
        for profile in PROFILES
        for case in (("login", "phone"), ("login", "uid"), ("reset", "email"))
        if case in alike(profile)
    ],
)
def test_the_time_taken_tells_nothing(service: Callable[..., Flask], profile: str, way: str, kind: str) -> None:
    """Two of three repeats within 0.40-0.60; with hashes that cost what they cost in production."""
    app = service(profile, ARGON2_MEMORY_KIB=19456, ARGON2_TIME=2)
    ask = asking(app, way, kind)
    figures = [parity.overlap(ask, KNOWN[kind], UNKNOWN[kind], samples=60) for _ in range(3)]
    print("AUC", profile, way, kind, [round(figure, 3) for figure in figures])
    assert sum(0.4 <= figure <= 0.6 for figure in figures) >= 2, figures


def test_the_kit_finds_what_it_is_for(service: Callable[..., Flask]) -> None:
    """A difference in what is told, written or charged is named."""
    app = service("documented")
    found = parity.differences(app, asking(app, "login", "uname"), KNOWN["uname"], UNKNOWN["uname"], exact=True)
    assert [difference.partition(":")[0] for difference in found] == ["body"]
    found = parity.differences(app, lambda path: app.test_client().get(path), "/healthz", "/user/captcha")
    assert {difference.partition(":")[0] for difference in found} >= {"shape", "headers", "cookies"}
