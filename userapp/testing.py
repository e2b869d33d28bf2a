"""Fixtures for tests of the service and of plugins: `pytest_plugins = ["userapp.testing"]`; see docs/plugins.md."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from sqlalchemy import event

from . import create_app
from .extensions import db

ANSWER = "ACEHJ"
PASSWORD = "correct-horse-9"  # nosec B105 - of accounts that live as long as a test
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"
FAST_HASHES = {"ARGON2_MEMORY_KIB": 8, "ARGON2_TIME": 1}
SETTINGS: dict[str, Any] = {
    "TESTING": True,
    "SECRET_KEY": "s" * 40,
    "BASE_URL": "http://localhost",
    "TRUSTED_HOSTS": ["localhost"],
    "DEVTOOLS": True,
    "CAPTCHA_ANSWER": ANSWER,
    "ADDRESS_LIMITS": False,
    "MESSAGE_GAP": 0,
    **FAST_HASHES,
}
_TEMPLATES = FileSystemBytecodeCache()  # each application of a test would compile them anew
_DATABASES: dict[frozenset[str], bytes] = {}


class Json(FlaskClient):
    """A client of the JSON API."""

    def captcha(self) -> str:
        """Fetch a challenge; its answer is fixed by the development plugin."""
        assert self.get("/user/captcha").status_code == 200
        return ANSWER

    def login(self, user: str, password: str = PASSWORD, **fields: Any) -> Any:
        """Sign in with a fresh captcha."""
        values = {"user": user, "password": password, "captcha": self.captcha(), **fields}
        return self.post("/user/login", data=values)

    def register(self, uname: str, password: str = PASSWORD, **fields: Any) -> Any:
        """Register with a fresh captcha."""
        values = {"uname": uname, "password": password, "captcha": self.captcha(), **fields}
        return self.post("/user/register", data=values)


class Browser(Json):
    """A client that asks for pages and sends their CSRF token, as a browser without scripts does."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        """Ask for HTML; give a POST the token of the page it comes from."""
        headers = dict(kwargs.pop("headers", None) or {})
        headers.setdefault("Accept", HTML)
        if kwargs.get("method") == "POST" and kwargs.pop("csrf", True):
            kwargs["data"] = {**(kwargs.get("data") or {}), "csrf_token": self.token()}
        return super().open(*args, headers=headers, **kwargs)

    def token(self) -> str:
        """The CSRF token of this browser's session, read from a page."""
        page = self.get("/user/login").get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found, page[:500]
        return found[1]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller

    def forward(self, **span: float) -> datetime:
        """Move on: `clock.forward(minutes=5)`; returns the new moment."""
        self._traveller.shift(timedelta(**span))
        return datetime.now(UTC)


def build(settings: dict[str, Any]) -> Flask:
    """An application with the tables of its features."""
    app = create_app(settings)
    app.jinja_env.bytecode_cache = _TEMPLATES
    with app.app_context():
        if db.engine.dialect.name == "sqlite":  # nobody misses this data when the machine fails
            event.listen(db.engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous=OFF"))
        _make_tables()
    return app


def _make_tables() -> None:
    """Make them once for each set of tables; later databases in a file of their own begin as a copy."""
    place, tables = Path(db.engine.url.database or ""), frozenset(db.metadata.tables)
    fresh = db.engine.dialect.name == "sqlite" and place.suffix == ".sqlite" and not place.exists()
    if fresh and tables in _DATABASES:
        place.write_bytes(_DATABASES[tables])
        return
    db.create_all()
    if fresh:
        db.engine.dispose()  # the last one to leave empties the journal into the file
        _DATABASES[tables] = place.read_bytes()


def close(app: Flask) -> None:
    """Stop its thread and close its connections."""
    app.extensions["userapp.courier"].stop()
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def database_uri() -> str:
    """The database of the applications, or a function that makes one for each; empty: SQLite. Made to be overridden."""
    return ""


@pytest.fixture
def app_settings() -> dict[str, Any]:
    """What `app` is made with beside SETTINGS: PLUGINS, for one. Made to be overridden."""
    return {}


@pytest.fixture
def make_app(tmp_path: Path, database_uri: str | Callable[[], str]) -> Iterator[Callable[..., Flask]]:
    """A factory of applications with a database of their own; settings as named arguments."""
    made: list[Flask] = []

    def make(**settings: Any) -> Flask:
        values = {**SETTINGS, "INSTANCE": tmp_path / f"instance{len(made)}", **settings}
        if "SQLALCHEMY_DATABASE_URI" not in settings:
            values["SQLALCHEMY_DATABASE_URI"] = database_uri() if callable(database_uri) else database_uri
        made.append(build(values))
        return made[-1]

    yield make
    for app in made:
        close(app)


@pytest.fixture
def app(make_app: Callable[..., Flask], app_settings: dict[str, Any]) -> Flask:
    """An application with every feature, development tools and cheap password hashes."""
    return make_app(**app_settings)


@pytest.fixture
def client(app: Flask) -> Json:
    """A stranger's JSON client."""
    app.test_client_class = Json
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def browser(app: Flask) -> Browser:
    """A stranger's browser."""
    app.test_client_class = Browser
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def make_user(app: Flask) -> Callable[..., dict[str, Any]]:
    """Register somebody over HTTP with a client of its own; returns the fields the service answered."""

    def make(uname: str = "ning", password: str = PASSWORD, **fields: Any) -> dict[str, Any]:
        if not {"phone", "email"} & set(fields):
            fields["email"] = f"{uname.lower()}@example.com"
        app.test_client_class = Json
        reply = app.test_client().register(uname, password, **fields).get_json()  # type: ignore[attr-defined]
        assert reply["status"], reply
        return dict(reply["data"])

    return make


@pytest.fixture
def signed_in(app: Flask, make_user: Callable[..., dict[str, Any]]) -> Callable[..., Json]:
    """A client signed in as somebody new: `kind` is Json (default) or Browser."""

    def sign_in(uname: str = "ning", kind: type[Json] = Json, **fields: Any) -> Json:
        make_user(uname, **fields)
        app.test_client_class = kind
        client: Json = app.test_client()  # type: ignore[assignment]
        reply = client.login(uname, fields.get("password", PASSWORD))
        assert reply.status_code in (200, 303), reply.get_data(as_text=True)
        return client

    return sign_in


@pytest.fixture
def token_of(app: Flask) -> Callable[..., str]:
    """Sign somebody in as a program and return the token."""

    def sign_in(uname: str = "ning", password: str = PASSWORD) -> str:
        app.test_client_class = Json
        reply = app.test_client().login(uname, password, client="api").get_json()  # type: ignore[attr-defined]
        return str(reply["data"]["token"])

    return sign_in


@pytest.fixture
def outbox(app: Flask) -> Callable[[], list[dict[str, Any]]]:
    """What was mailed and texted, newest first; the queue is emptied before one looks."""
    from . import delivery, messages

    app.extensions["userapp.courier"].stop()  # what a thread has just claimed could not be seen yet

    def look() -> list[dict[str, Any]]:
        with app.app_context():
            messages.deliver_due()
            return delivery.outbox()

    return look


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Time stands still from here on and moves by `clock.forward(…)` only; needs the package time-machine."""
    import time_machine

    with time_machine.travel(datetime.now(UTC), tick=False) as traveller:
        yield Clock(traveller)
