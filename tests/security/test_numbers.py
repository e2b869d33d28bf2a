"""LOG-03, CAP-01, CODE-03, RST-04 at the numbers asked for."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.conftest import ANSWER, PASSWORD, Json
from userapp import codes
from userapp.auth import captcha
from userapp.auth.errors import CaptchaExpired, CaptchaWrong
from userapp.extensions import db, reading
from userapp.models import User

PURPOSES = ("email", "email-old", "email-new", "email-lost", "reset")
SPELLED = ("1", "true", "True", "on", "yes", "y", "0", " 1 ", "１", "[]", "debug")
NAMES = ("no_captcha", "NO_CAPTCHA", "no-captcha", "nocaptcha", "captcha_waived")
BODIES = {
    "/user/login": {"user": "ning", "password": PASSWORD},
    "/user/register": {"uname": "lan", "email": "lan@example.com", "password": PASSWORD},
    "/user/reset": {"email": "ning@example.com"},
}


@pytest.mark.long
def test_of_two_hundred_challenges_none_is_used_twice(app: Flask) -> None:
    with app.app_context():
        for number in range(200):
            cookie = captcha.issue()
            if number % 2:
                captcha.spend(captcha.Given(cookie, ANSWER))
            else:
                with pytest.raises(CaptchaWrong):
                    captcha.spend(captcha.Given(cookie, "WRONG"))
            with pytest.raises(CaptchaExpired):
                captcha.spend(captcha.Given(cookie, ANSWER))


def test_an_account_has_ten_tries_an_hour_over_all_its_codes(app: Flask, make_user: Callable[..., Any]) -> None:
    make_user()
    with app.app_context():
        with reading() as connection:
            user = connection.execute(select(*User.__table__.c)).one()

        def tried() -> int:
            """How many of five tries of each of five codes were let through to be compared."""
            for purpose in PURPOSES:
                codes.issue(purpose, "ning@example.com", user, holder="x")
            db.session.commit()
            rows = [codes.pending(purpose, user_id=user.id) for purpose in PURPOSES]
            return sum(codes.count_try(row.id, user.id) for row in rows if row for _ in range(5))

        with time_machine.travel(0x70000000, tick=False) as clock:
            assert tried() == 10
            clock.shift(1800)
            assert tried() == 0
            clock.shift(1801)
            assert tried() == 10


@pytest.mark.long
def test_no_spelling_of_the_debug_parameter_waives_the_captcha(make_app: Callable[..., Flask]) -> None:
    app, tried = make_app(DEVTOOLS=False, ADDRESS_LIMITS=True, CAPTCHA_ANSWER=""), 0
    app.test_client_class = Json
    client = app.test_client()
    for (path, body), name, value in product(BODIES.items(), NAMES, SPELLED):
        for way in ("data", "json"):
            sent: dict[str, Any] = {way: {**body, name: value}, "query_string": {name: value}}
            sent["environ_base"] = {"REMOTE_ADDR": f"10.0.0.{tried // 5}"}  # an address may try sixty times a minute
            answer = client.post(path, **sent)
            assert answer.json["code"] in (30000, 30002), (path, name, value, way)
            tried += 1
    assert tried == 330
