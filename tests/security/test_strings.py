"""INP-01: every text into every field, as form and as JSON: never a 500, and the same verdict on both databases."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import ANSWER, PASSWORD, Json
from tests.security.strings import OWN, corpora
from tests.security.surface import NOBODY, Door, doors
from userapp import accounts, passwords
from userapp.auth import captcha
from userapp.extensions import db
from userapp.models import User

# So that a text meets the check behind the one before it: what else the form is filled with.
GOOD = {
    "captcha": ANSWER, "user": "root", "password": PASSWORD, "old_password": PASSWORD, "old_pwd": PASSWORD,
    "new_password": "battery-staple-7", "new_pwd": "battery-staple-7", "uname": "lan", "email": "lan@example.com",
    "new_email": "lan@example.com", "type": "old_send_again", "code": "123456", "link": "x", "step": "old",
}  # fmt: skip
SETTINGS = {
    "LOGIN_TRIES": 10**9, "MESSAGES_PER_DAY": 10**9, "CODE_TRIES_PER_HOUR": 10**9, "AVATAR_PER_HOUR": 10**9,
    "MESSAGE_GAP": 0, "RATELIMIT_ENABLED": False,
}  # fmt: skip
# One field at a time: with the others it would be refused before it is looked at.
ALONE = {"user", "uid", "uname", "phone", "email", "code", "sex", "sex_flag", "gender", "create", "end"}
NAMES = (
    "q",
    "by",
    "page",
    "next",
    "lang",
    "zone",
    "type",
    "state",
    "order",
    "link",
    "name",
    "format",
    "_t",
    "user",
    "event",
)


@dataclass
class Side:
    """One application on one database, and an administrator's client: nothing else reaches every form."""

    app: Flask
    client: Json
    victim: int

    def sign_in(self) -> None:
        """Whatever a form did to the session, or to the password."""
        self.client = self.app.test_client()  # type: ignore[assignment]
        with self.app.app_context():
            stored = passwords.hash_password(PASSWORD)
            db.session.execute(update(User).where(User.uname == "root").values(password_hash=stored))
            db.session.commit()
            self.client.set_cookie("captcha", captcha.issue())
        fields = {"user": "root", "password": PASSWORD, "captcha": ANSWER}
        assert self.client.post("/user/login", data=fields).json["code"] == 0

    def send(self, door: Door, values: dict[str, str | bytes], way: str) -> Any:
        """One request, with a captcha that is good."""
        with self.app.app_context():
            self.client.set_cookie("captcha", captcha.issue())
        path = door.path.replace(str(NOBODY), str(self.victim))
        if way == "json":
            return self.client.post(path, data=json.dumps(values).encode(), content_type="application/json")
        body = "&".join(f"{name}={quote_from_bytes(_bytes(value))}" for name, value in values.items())
        return self.client.post(path, data=body, content_type="application/x-www-form-urlencoded")


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def make_side(app: Flask) -> Side:
    """An application with an administrator and somebody to administrate."""
    app.test_client_class = Json
    app.config["PROPAGATE_EXCEPTIONS"] = False
    ids = []
    for name in ("root", "victim"):
        reply = app.test_client().register(name, email=f"{name}@example.com")  # type: ignore[attr-defined]
        ids.append(reply.json["data"]["id"])
    with app.app_context():
        accounts.set_type(ids[0], "admin", accounts.OPERATOR)
    side = Side(app, app.test_client(), ids[1])  # type: ignore[arg-type]
    side.sign_in()
    return side


@pytest.fixture
def here(make_app: Callable[..., Flask]) -> Side:
    """On SQLite, or where TEST_ON says."""
    return make_side(make_app(**SETTINGS))


@pytest.fixture
def there(make_app: Callable[..., Flask], fresh_postgresql: str) -> Side:
    """The same on PostgreSQL."""
    return make_side(make_app(**SETTINGS, SQLALCHEMY_DATABASE_URI=fresh_postgresql))


def fills(door: Door, text: str | bytes) -> Iterator[tuple[str, dict[str, str | bytes]]]:
    """The form of a door with a text in one field after the other; the others are filled with good values."""
    for field in door.fields:
        rest = {name: GOOD[name] for name in door.fields if name in GOOD and name not in ALONE}
        if door.rule == "/user/register" or door.rule == "/user/login":
            rest |= {"uname": "root"} if field not in ALONE else {}
        yield field, rest | {field: text}


def sweep(sides: list[Side], texts: list[str | bytes]) -> tuple[int, list[Any]]:
    """Send everything to every side; how many requests it was, and every verdict that is a failure or differs."""
    wrong, sent = [], 0
    for door in doors(sides[0].app):
        if door.method != "POST" or not door.fields:
            continue
        for number, text in enumerate(texts):
            for turn, (field, values) in enumerate(fills(door, text)):
                way = "form" if isinstance(text, bytes) or (number + turn) % 2 else "json"
                replies = [side.send(door, values, way) for side in sides]
                codes = [reply.json["code"] if reply.is_json else reply.status_code for reply in replies]
                sent += len(replies)
                if -2 in codes or (0 in codes and "new_p" in " ".join(door.fields)):
                    for side in sides:
                        side.sign_in()
                if len(set(codes)) > 1 or any(reply.status_code >= 500 for reply in replies) or -3 in codes:
                    wrong.append((str(door), field, way, text[:90], codes))
    return sent, wrong


def test_all_fields_at_once(here: Side) -> None:
    """The fixed sample of the fast suite."""
    for door in doors(here.app):
        if door.method == "POST" and door.fields:
            for number, text in enumerate(OWN[::3]):
                way = "form" if isinstance(text, bytes) or number % 2 else "json"
                reply = here.send(door, dict.fromkeys(door.fields, text), way)
                assert reply.status_code < 500 and reply.json["code"] != -3, (str(door), way, text[:90])
        if door.method == "GET" and door.rule not in ("/user/logout", "/readyz"):
            for text in OWN[::9]:
                query = "&".join(f"{name}={quote_from_bytes(_bytes(text)[:2000])}" for name in NAMES)
                reply = here.client.get(door.path.replace(str(NOBODY), str(here.victim)), query_string=query)
                assert reply.status_code < 500, (str(door), text[:90])


@pytest.mark.long
@pytest.mark.postgresql
def test_each_field_by_itself_on_both_databases(here: Side, there: Side) -> None:
    """Some of our own texts, and a few of the corpora."""
    sent, wrong = sweep([here, there], [*OWN[::8], *corpora()[::300]])
    assert wrong == []
    assert sent > 500


@pytest.mark.huge
@pytest.mark.postgresql
def test_all_of_the_corpora(here: Side, there: Side) -> None:
    """EVERY=10 takes every tenth text."""
    texts = [*OWN, *corpora()][:: int(os.environ.get("EVERY", "1"))]
    sent, wrong = sweep([here, there], texts)
    print(len(texts), "texts,", sent, "requests")
    assert wrong == []
