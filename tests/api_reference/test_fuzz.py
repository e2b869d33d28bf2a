"""Schemathesis finds no status and no reply that the document does not describe, and no failure of the service."""

from __future__ import annotations

import json
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.conftest import ANSWER, PASSWORD
from tests.servers import LiveServer
from userapp import accounts

CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance",
)  # fmt: skip
PHASES = ("examples", "coverage", "fuzzing", "stateful")
ENDS_THE_CREDENTIAL = ("/user/logout", "/user/refresh_token", "/user/password", "/user/change_password")
SAMPLE = 5  # the long suite takes every fifth operation, the huge one all of them


def configured(examples: int, token: str) -> SchemathesisConfig:
    """All phases with a fixed seed, and the checks of what the document promises."""
    return SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "continue-on-failure": True,
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "phases": {name: {"enabled": True} for name in PHASES},
            "generation": {"max-examples": examples, "deterministic": True, "database": "none"},
            "headers": {"token": token} if token else {},
        }
    )


def attack(schema: Any, part: int, parts: int, *, signed_in: bool) -> int:
    """Try a share of the operations and return the number of requests; fails with every finding."""
    labels = sorted(found.ok().label for found in schema.get_all_operations())
    chosen = {label for label in labels[part::parts] if not (signed_in and label.endswith(ENDS_THE_CREDENTIAL))}
    findings: dict[tuple[str, ...], str] = {}
    requests = 0
    for event in from_schema(schema.include(lambda context: context.operation.label in chosen)).execute():
        if isinstance(event, events.FatalError):
            raise event.exception
        if isinstance(event, events.ScenarioFinished | events.FuzzScenarioFinished):
            requests += len(event.recorder.cases)
            findings |= failures(event.recorder)
    assert findings == {}
    assert requests
    return requests


def failures(recorder: Any) -> dict[tuple[str, ...], str]:
    """What went wrong in a scenario, one example of each kind."""
    found: dict[tuple[str, ...], str] = {}
    for identity, checks in recorder.checks.items():
        case = recorder.cases[identity].value
        for check in checks:
            ready = check.name == "not_a_server_error" and case.path == "/readyz"  # 503 is one of its two answers
            if check.status != "success" and not ready:
                failure = check.failure_info.failure
                found[(check.name, case.method, case.path)] = f"{failure.title}: {failure.message}"[:300]
    return found


def in_process(app: Flask, token: str, examples: int, part: int, parts: int) -> int:
    """Attack an application without a server."""
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app, config=configured(examples, token))
    return attack(schema, part, parts, signed_in=bool(token))


def by_http(server: LiveServer, token: str, examples: int, part: int, parts: int) -> int:
    """Attack a running gunicorn."""
    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json", config=configured(examples, token))
    return attack(schema, part, parts, signed_in=bool(token))


@pytest.fixture
def administrators_token(
    app: Flask, make_user: Callable[..., dict[str, Any]], token_of: Callable[..., str]
) -> str:  # fmt: skip
    """A token that opens every door."""
    with app.app_context():
        accounts.set_type(make_user("root")["id"], "admin", accounts.OPERATOR)
    return token_of("root")


@pytest.fixture
def server(live_server: Callable[..., LiveServer]) -> LiveServer:
    """gunicorn with a known captcha."""
    return live_server(USERAPP_CAPTCHA_ANSWER=ANSWER, USERAPP_ADDRESS_LIMITS="0", USERAPP_DEVTOOLS="1")


@pytest.fixture
def somebodys_token(server: LiveServer) -> str:
    """The token of an account of that server."""
    fields = {"uname": "ning", "email": "ning@example.com", "password": PASSWORD, "client": "api", "no_captcha": "1"}
    request = urllib.request.Request(server.url + "/user/register", urllib.parse.urlencode(fields).encode())
    with urllib.request.urlopen(request, timeout=30) as reply:
        return str(json.load(reply)["data"]["token"])


@pytest.mark.long
def test_a_stranger_finds_nothing(app: Flask) -> None:
    in_process(app, "", 2, 0, SAMPLE)


@pytest.mark.long
def test_an_administrator_finds_nothing(app: Flask, administrators_token: str) -> None:
    in_process(app, administrators_token, 2, 1, SAMPLE)


@pytest.mark.long
def test_nothing_is_found_by_http(server: LiveServer, somebodys_token: str) -> None:
    by_http(server, somebodys_token, 1, 2, SAMPLE)


@pytest.mark.huge
@pytest.mark.parametrize("signed_in", [False, True], ids=["stranger", "administrator"])
def test_everything_in_process(request: pytest.FixtureRequest, app: Flask, signed_in: bool) -> None:
    token = request.getfixturevalue("administrators_token") if signed_in else ""
    print(in_process(app, token, 20, 0, 1), "requests")


@pytest.mark.huge
@pytest.mark.parametrize("signed_in", [False, True], ids=["stranger", "somebody"])
def test_everything_by_http(request: pytest.FixtureRequest, server: LiveServer, signed_in: bool) -> None:
    token = request.getfixturevalue("somebodys_token") if signed_in else ""
    print(by_http(server, token, 20, 0, 1), "requests")
