"""Every statement of the administrators' pages and of signing in goes by an index, at any number of accounts.

The small version asks the planner on a few thousand rows (PostgreSQL with table scans priced out, so that only a
missing index can lead to one); the huge one asks it at a million, as it is, and says how long each page took.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from tests.conftest import ANSWER, PASSWORD
from userapp import accounts, create_app
from userapp.admin import export
from userapp.extensions import db
from userapp.models import User, now
from userapp.testing import Json

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
STEP = 20_000  # rows of a transaction: what lasts longer than the service's limits is cut off
FILLED = {"users", "credentials", "audit_events", "tallies"}
GROWING = FILLED | {"codes", "messages", "email_changes", "budgets"}
FILL = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT :low UNION ALL SELECT i + 1 FROM n WHERE i < :high) ",
    "postgresql": "WITH n AS (SELECT generate_series(CAST(:low AS int), CAST(:high AS int)) AS i) ",
}
WORDS = {
    "sqlite": {
        "true": "1", "false": "0", "bytes": "CAST(printf('%032d', i) AS BLOB)",
        "hour": "strftime('%Y-%m-%d %H:00:00.000000', '2020-01-01', '+' || (i / 100) || ' hours')",
    },
    "postgresql": {
        "true": "true", "false": "false", "bytes": "convert_to(lpad(i::text, 32, '0'), 'UTF8')",
        "hour": "timestamptz '2020-01-01' + (i / 100) * interval '1 hour'",
    },
}  # fmt: skip
USERS = """
    INSERT INTO users (uid, uname, uname_key, name, user_type, phone, email, email_verified, gender, intro, disabled,
        language, generation, created_at, password_hash)
    SELECT '9' || (1000000 + i), 'user' || i, 'user' || i, 'name' || (i % 5000),
        CASE i % 100 WHEN 0 THEN 'teacher' ELSE 'student' END, '+8613' || (100000000 + i),
        'user' || i || '@example.com',
        {true}, 0, '', CASE i % 1000 WHEN 0 THEN {true} ELSE {false} END, '', 0, :at, :hash FROM n
"""
EVENTS = """
    INSERT INTO audit_events (at, event, user_id, actor_id, address, request_id, outcome, detail)
    SELECT :at, CASE i % 50 WHEN 0 THEN 'register' ELSE 'sign_in' END, 1 + i % 1000, 1 + i % 1000,
        '', '', 'ok', '{{}}' FROM n
"""
CREDENTIALS = """
    INSERT INTO credentials (public_id, key_hash, kind, name, user_id, generation, created_at, seen_at, fresh_at,
        expires_at, remember, address, agent)
    SELECT 'p' || i, {bytes}, 'session', '', i, 0, :at, :at, :at, :later, {false}, '', '' FROM n
"""
TALLIES = "INSERT INTO tallies (hour, name, times) SELECT {hour}, 'n' || (i % 100), 1 FROM n WHERE i <= 20000"
PAGES = [
    "/admin/", "/admin/?by=day", "/admin/users", "/admin/users?user_type=admin", "/admin/users?user_type=teacher",
    "/admin/users?state=disabled", "/admin/users?state=active", "/admin/users?state=disabled&user_type=teacher",
    "/admin/users?state=active&user_type=teacher", "/admin/users?after=500", "/admin/users?q=user12",
    "/admin/users?q=user&after=5:user5", "/admin/users?q=user&state=disabled", "/admin/users?q=name12&by=name",
    "/admin/users?q=name12&by=name&after=12:name12", "/admin/users?q=91000", "/admin/users?q=user77@",
    "/admin/users?q=13100000", "/admin/users?q=nobody", "/admin/events", "/admin/events?user=7",
    "/admin/events?actor=7", "/admin/events?event=register", "/admin/events?user=7&event=register&before=900",
]  # fmt: skip


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Callable[[str], Flask]]:
    """An application on an empty database of a kind, made by the migrations."""
    made: list[Flask] = []

    def make(database: str) -> Flask:
        from flask_migrate import upgrade

        uri = request.getfixturevalue("fresh_postgresql") if database == "postgresql" else ""
        settings = {
            "SECRET_KEY": "s" * 40,
            "BASE_URL": "http://localhost",
            "TRUSTED_HOSTS": ["localhost"],
            "DEVTOOLS": True,
        }
        settings |= {"CAPTCHA_ANSWER": ANSWER, "ADDRESS_LIMITS": False, "ARGON2_MEMORY_KIB": 8, "ARGON2_TIME": 1}
        app = create_app(
            {"INSTANCE": tmp_path, "SQLALCHEMY_DATABASE_URI": uri, "MESSAGE_GAP": 0, "TESTING": True, **settings}
        )
        app.extensions["userapp.courier"].stop()
        app.test_client_class = Json
        made.append(app)
        with app.app_context():
            upgrade()
        return app

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


def fill(app: Flask, count: int) -> None:
    """That many accounts with one password, as many sessions and events, and two hundred hours of counts."""
    from userapp.passwords import hash_password

    with app.app_context():
        name = db.engine.dialect.name
        at = now() - timedelta(days=1)
        moments = {"at": at, "later": at + timedelta(days=10)}
        if name == "sqlite":
            moments = {key: value.strftime("%Y-%m-%d %H:%M:%S.%f") for key, value in moments.items()}
        given = {"hash": hash_password(PASSWORD), **moments}
        for low in range(1, count + 1, STEP):
            part = given | {"low": low, "high": min(count, low + STEP - 1)}
            with db.engine.begin() as connection:
                for statement in (USERS, CREDENTIALS, EVENTS, TALLIES):
                    connection.execute(text(FILL[name] + statement.format(**WORDS[name])), part)
        for table in sorted(FILLED):
            with db.engine.begin() as connection:
                if name == "postgresql":
                    connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text(f"ANALYZE {table}"))


@contextmanager
def watched(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """The statements run within, each with its parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        seen.append((statement, parameters))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def scans(app: Flask, statement: str, parameters: Any, *, small: bool) -> list[str]:
    """What the database would read of a large table without being led there by an index."""
    with app.app_context(), db.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            plan = connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters).all()
            return [row[3] for row in plan if row[3].startswith("SCAN") and row[3].split()[1] in GROWING]
        if small:
            connection.exec_driver_sql("SET enable_seqscan = off")
        found = connection.exec_driver_sql("EXPLAIN (FORMAT JSON) " + statement, parameters).scalar_one()
        plan = found if isinstance(found, list) else json.loads(found)
        return list(_unled(plan[0]["Plan"], GROWING if small else FILLED))


def _unled(node: dict[str, Any], tables: set[str]) -> Iterator[str]:
    """PostgreSQL rightly reads a table of a few rows whole: without `small` only those that are full are looked at."""
    led = node["Node Type"] == "Bitmap Heap Scan" or "Index Cond" in node
    if node.get("Relation Name") in tables and "Scan" in node["Node Type"] and not led:
        yield f"{node['Node Type']} on {node['Relation Name']}"
    for child in node.get("Plans", ()):
        yield from _unled(child, tables)


def administrator(app: Flask) -> Json:
    """A fresh one, signed in."""
    client: Json = app.test_client()  # type: ignore[assignment]
    assert client.register("root", email="root@example.com").json["status"]
    with app.app_context():
        identity = db.session.query(User.id).filter_by(uname="root").scalar()
        accounts.set_type(identity, "admin", accounts.OPERATOR)
    assert client.login("root").json["status"]
    return client


def everything(app: Flask, client: Json) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What is asked: each page, each action, each way to sign in, the export."""
    for page in PAGES:
        yield page, lambda page=page: client.get(page)
    with app.app_context():
        target = db.session.query(User.id).filter_by(uname="user7").scalar()
    at = f"/admin/users/{target}"
    yield at, lambda: client.get(at)
    fields = {
        "name": {"name": "x"},
        "uid": {"uid": "x7"},
        "user_type": {"user_type": "teacher"},
        "disable": {},
        "enable": {},
    }
    fields |= {"sessions": {}, "reset": {}, "delete": {"uname": "user7"}}
    other = app.test_client()
    for user in ("user8", "user8@example.com", "+8613100000008", "91000008", "nobody"):
        yield f"login {user}", lambda user=user: other.login(user)
    yield "wrong password", lambda: other.login("user9", "wrong-password-1")
    yield "who am I", lambda: other.get("/user/info")
    yield "logout", lambda: other.post("/user/logout")
    for action, values in fields.items():
        yield action, lambda action=action, values=values: client.post(f"{at}/{action}", data=values)
    moment = now()
    yield "export", lambda: _exported(app, moment - timedelta(hours=1), moment)


def _exported(app: Flask, start: Any, end: Any) -> None:
    with app.app_context():
        list(export.events(start, end))


def ask(app: Flask, *, small: bool) -> dict[str, float]:
    """Run everything; no statement may scan. How many milliseconds each took."""
    client = administrator(app)
    unled, took, asked = {}, {}, set()
    for name, act in everything(app, client):
        with watched(app) as seen:
            begun = time.perf_counter()
            reply = act()
            took[name] = 1000 * (time.perf_counter() - begun)
        assert reply is None or reply.status_code < 400 or "login" in name or "wrong" in name, (name, reply.text)
        for statement, parameters in seen:
            verb = statement.split(None, 1)[0]
            if verb in ("SELECT", "UPDATE", "DELETE") and (name, statement) not in asked:
                asked.add((name, statement))
                given = tuple(parameters) if isinstance(parameters, list) else parameters
                if found := scans(app, statement, given, small=small):
                    unled[name, statement] = found
    assert len(asked) > 60
    assert unled == {}
    return took


@pytest.mark.long
@pytest.mark.parametrize("database", BOTH)
def test_no_statement_scans_a_table(empty, database):
    app = empty(database)
    fill(app, 3000)
    ask(app, small=True)


@pytest.mark.huge
@pytest.mark.parametrize("database", BOTH)
def test_at_a_million_accounts_no_statement_scans_a_table(empty, database, capsys):
    app = empty(database)
    fill(app, 1_000_000)
    took = ask(app, small=False)
    slowest = sorted(took.items(), key=lambda pair: -pair[1])
    with capsys.disabled():
        print(f"\n{database}: " + " · ".join(f"{name} {ms:.0f} ms" for name, ms in slowest[:12]))
