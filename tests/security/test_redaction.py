"""REDACT-01, ERR-01: canaries in every secret field; no reply and no log gives them away, whatever fails."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from tests.conftest import HTML, Json
from tests.security.canaries import found_in
from tests.security.surface import doors
from userapp import logs
from userapp.extensions import db

pytestmark = pytest.mark.long
SECRET_FIELDS = {
    "password", "old_password", "new_password", "old_pwd", "new_pwd", "captcha", "code", "old_captcha",
    "new_captcha", "link", "__token", "csrf_token",
}  # fmt: skip
CANARY = "Kanarie+7/ 宁&<'x9%42"


@pytest.fixture
def heard(app: Flask) -> Iterator[list[str]]:
    """Everything that is logged by anybody, at any level, as the service writes it and as plain text."""
    lines: list[str] = []
    formats = [logs.JsonFormatter(), logs.PlainFormatter()]

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.extend(form.format(record) for form in formats)

    ear, root = Ear(), logging.getLogger()
    before = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    yield lines
    root.removeHandler(ear)
    root.setLevel(before)


def secret_fields(app: Flask) -> list[tuple[Any, list[str]]]:
    """Each form with the fields in which a secret is expected."""
    found = [(door, sorted(SECRET_FIELDS & {*door.fields, "__token"})) for door in doors(app) if door.method == "POST"]
    assert sum("password" in name for _door, names in found for name in names) >= 5
    return found


def send(client: Json, door: Any, values: dict[str, str], way: str) -> Any:
    """A request with these values, as a program's form, as JSON, or as a browser's form."""
    if way == "json":
        return client.post(door.path, json=values)
    if way == "form":
        return client.post(door.path, data=values)
    sent = values if "csrf_token" in values else values | {"csrf_token": token_of(client)}
    return client.post(door.path, data=sent, headers={"Accept": HTML})


def token_of(client: Json) -> str:
    """The CSRF token of a client's pages."""
    page = client.get("/user/login", headers={"Accept": HTML}).get_data(as_text=True)
    return re.search(r'name="csrf_token" value="([^"]+)"', page)[1]  # type: ignore[index]


def told(reply: Any) -> str:
    """A reply as it goes out."""
    return str(reply.headers) + reply.get_data(as_text=True)


@pytest.mark.parametrize("way", ["form", "json", "browser"])
def test_no_secret_comes_back_or_into_the_log(
    app: Flask, as_role: Callable[[str], Json], heard: list[str], way: str
) -> None:
    for door, names in secret_fields(app):
        client = as_role("session")
        for name in names:
            values = {"user": "ning", "email": "a@example.com", "uname": "ning", "type": "old_send_again"}
            reply = send(client, door, values | {name: CANARY}, way)
            assert reply.status_code < 500 and not found_in(told(reply), CANARY), (str(door), name)
        query = client.get(door.path, query_string=dict.fromkeys(names, CANARY))
        assert not found_in(told(query), CANARY), str(door)
    assert found_in("\n".join(heard), CANARY) == []


class Broken(Exception):
    """What no handler expects."""


@pytest.fixture
def fall(app: Flask) -> Iterator[list[int]]:
    """Let statements fail with everything they were given in the message, as careless drivers do; [n] spares n."""
    spared = [10**9]

    def break_it(_c: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        spared[0] -= 1
        if spared[0] < 0:
            raise Broken(f"{statement} {parameters!r} {CANARY}")

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", break_it)
    yield spared
    event.remove(engine, "before_cursor_execute", break_it)


@pytest.mark.parametrize("way", ["form", "json", "browser"])
def test_a_forced_failure_gives_no_secret_away(
    app: Flask, as_role: Callable[[str], Json], heard: list[str], fall: list[int], way: str
) -> None:
    failed = 0
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for door, names in secret_fields(app):
        client = as_role("session")
        for name in names:
            for spared in (1, 2, 4):
                heard.clear()
                values = {"user": "ning", "email": "a@example.com", "uname": "ning", "captcha": "ACEHJ"}
                with_token = {"csrf_token": token_of(client)} if way == "browser" else {}
                fall[0] = spared
                reply = send(client, door, values | with_token | {name: CANARY}, way)
                fall[0] = 10**9
                text = told(reply)
                assert not found_in(text + "\n".join(heard), CANARY), (str(door), name, spared)
                if reply.status_code >= 500 or (reply.is_json and reply.json["code"] == -3):
                    failed += 1
                    assert not any(word in text for word in ("Traceback", "SELECT", "INSERT", ".py", "sqlalchemy"))
                    assert any(reply.headers["X-Request-Id"] in line for line in heard), str(door)
    assert failed >= 5
