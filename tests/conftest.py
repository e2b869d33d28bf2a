"""Fixtures of every test: those of userapp.testing, the database a run is for, and what only these tests need."""

from __future__ import annotations

import copy
import gc
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, current_app, request, request_finished
from werkzeug.routing import Rule

pytest.register_assert_rewrite("userapp.testing")

from userapp import parity, plugins, replies, web  # noqa: E402
from userapp.addresses import client_network  # noqa: E402
from userapp.api_reference import operation  # noqa: E402
from userapp.auth import captcha, devices, services  # noqa: E402
from userapp.extensions import db, limiter  # noqa: E402
from userapp.messages import Courier  # noqa: E402
from userapp.testing import ANSWER, HTML, PASSWORD, SETTINGS, Browser, Json, build, close  # noqa: E402

__all__ = ["ANSWER", "HTML", "ON_POSTGRESQL", "PASSWORD", "Browser", "Json"]

pytest_plugins = ["userapp.testing", "tests.servers", "tests.callers"]
collect_ignore = ["plugins"]  # packages of their own: tests/packaging installs them and runs their tests

ON_POSTGRESQL = os.environ.get("TEST_ON") == "postgresql"
gc.disable()  # until everything is collected: nothing of what is imported will ever be garbage
plugins.entry_points = cache(plugins.entry_points)  # each of hundreds of applications would read what is installed

FETCHED = Json.captcha


def _held(client: Json) -> str:
    """A challenge without its picture: most tests are about what comes after it; those of the trip ask the route."""
    with client.application.app_context():
        client.set_cookie(captcha.COOKIE, captcha.issue())
    return ANSWER


Json.captcha = _held  # type: ignore[method-assign]
COMPILED: dict[tuple[object, ...], Callable[..., tuple[str, str]]] = {}
COMPILE = Rule._compile_builder


def _compile_once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """What makes a route's address is code that each application compiles anew; it is the same for all of them."""
    key = (rule.rule, *rule._trace, *sorted((rule.defaults or {}).items()), append_unknown)
    if key not in COMPILED:
        COMPILED[key] = COMPILE(rule, append_unknown)
    return COMPILED[key]


Rule._compile_builder = _compile_once  # type: ignore[assignment,method-assign]


def pytest_collection_finish() -> None:
    """Keep the garbage collector from what lives until the end anyway, and let it come less often."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 100)
    gc.enable()


@pytest.fixture
def database_uri(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """SQLite in the instance folder; for each application a new PostgreSQL database where TEST_ON says so."""
    from tests.servers import new_database  # a plugin of pytest's: it must be the one to import it first

    with ExitStack() as made:
        server = request.getfixturevalue("postgresql_url") if ON_POSTGRESQL else ""
        yield lambda: made.enter_context(new_database(server)) if server else ""


@pytest.fixture(scope="session", autouse=ON_POSTGRESQL)
def services_on_postgresql(postgresql_url: str) -> None:
    """Where TEST_ON says so, services that are started without a database have one there, too."""
    from tests.servers import standing

    standing["postgresql"] = postgresql_url


class StandingApp:
    """One application for all tests of a worker that want no settings of their own."""

    def __init__(self, folder: Path) -> None:
        self.app = build({**SETTINGS, "INSTANCE": folder})
        self.config, self.extensions = dict(self.app.config), dict(self.app.extensions)
        self.pristine = folder.with_suffix(".pristine")
        close(self.app)
        shutil.copytree(folder, self.pristine)

    def as_new(self) -> Flask:
        """The application as `make_app` gives it: settings, database and folder without a trace of an earlier test."""
        app = self.app
        app.config.clear()
        app.config.update(self.config)
        app.extensions.clear()
        app.extensions.update(self.extensions)
        app.extensions["mail"] = copy.copy(self.extensions["mail"])
        Courier.__init__(app.extensions["userapp.courier"], app)
        app.test_client_class = None
        limiter.enabled = self.config["RATELIMIT_ENABLED"]  # one limiter for all applications of a process
        with app.app_context():
            db.engine.dispose()
        shutil.rmtree(app.instance_path)
        shutil.copytree(self.pristine, app.instance_path)
        return app


@pytest.fixture(scope="session")
def standing_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandingApp]:
    """The application that `app` lends to one test after the other."""
    standing = StandingApp(tmp_path_factory.mktemp("standing"))
    yield standing
    close(standing.app)


@pytest.fixture
def app(request: pytest.FixtureRequest, app_settings: dict[str, Any]) -> Iterator[Flask]:
    """An application with every feature, development tools and cheap password hashes."""
    if ON_POSTGRESQL or app_settings:
        yield request.getfixturevalue("make_app")(**app_settings)
        return
    app = request.getfixturevalue("standing_app").as_new()
    yield app
    app.extensions["userapp.courier"].stop()


@pytest.fixture(autouse=True)
def described_refusals() -> Iterator[None]:
    """Whatever a route answers in any test of the suite must be described."""
    surprises: set[str] = set()
    described: dict[tuple[int, str, str], set[int]] = {}

    def note(app: Flask, response: Response, **_more: Any) -> None:
        rule = request.url_rule
        if rule is None or request.method not in ("GET", "POST") or not response.is_json:
            return
        body = response.get_json()
        number = body.get("code", 0) if isinstance(body, dict) else 0
        door = (id(app), str(rule), request.method)
        if number and number not in described.get(door, ()):  # what a test changed may have changed this, too
            subject = operation.Subject.of(current_app, rule, request.method, replies.http_status)  # type: ignore[arg-type]
            described[door] = {error.number for error in subject.refusals()}
        if number and number not in described[door]:
            surprises.add(f"{request.method} {rule} answers {number}")

    with request_finished.connected_to(note):
        yield
    assert surprises == set(), "add these numbers to the @described of their views"


@pytest.fixture
def make_user(app: Flask, make_user: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Register somebody through the service, which leaves the same in the database as a request; more fields ask it."""
    over_http = make_user

    def make(uname: str = "ning", password: str = PASSWORD, **fields: Any) -> dict[str, Any]:
        if set(fields) - {"phone", "email"}:
            return over_http(uname, password, **fields)
        app.test_client_class = Json
        names = {"phone": "", "email": ""} | (fields or {"email": f"{uname.lower()}@example.com"})
        with app.test_request_context("/user/register", method="POST", environ_base={"REMOTE_ADDR": "127.0.0.1"}):
            here = services.Client("web", False, web.origin(), devices.read("", None), client_network())
            answer = captcha.Given(captcha.issue(), ANSWER)
            return replies.user_fields(
                services.register(uname, **names, password=password, answer=answer, client=here).user
            )

    return make


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """The SQL statements the test's own thread ran, in order; clear it before what is to be counted."""
    with parity.statements(app) as seen:
        yield seen
