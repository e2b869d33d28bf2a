"""A million accounts answer as a thousand do: who am I, sign-in and an administrator's search, in one interleaved run.

Started by hand; the figures stand in docs/scaling.md.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, text

from tests.conftest import ANSWER, PASSWORD, Json
from userapp import credentials, passwords
from userapp.extensions import db
from userapp.models import Credential, User, now

pytestmark = pytest.mark.huge
SMALL, LARGE, ROUNDS = 1_000, 1_000_000, 150
NAMES = "uid, uname, uname_key, name, user_type, phone, email, email_verified, gender, intro, password_hash, disabled, "
NAMES += "language, generation, created_at"
VALUES = "'a' || i, 'p' || {n}, 'p' || {n}, 'Name ' || {n}, 'student', '+86139' || {n8}, 'p' || {n} || '@example.com', "
VALUES += "{yes}, 0, '', :hash, {no}, '', 0, :now"
SESSION = "public_id, key_hash, kind, name, user_id, generation, created_at, seen_at, fresh_at, expires_at, remember, "
SESSION += "address, agent"


def fill(app: Flask, people: int) -> list[str]:
    """So many people with a session each; returns the tokens of two hundred of them."""
    with app.app_context():
        on_postgresql = db.engine.dialect.name == "postgresql"
        if on_postgresql:
            source, words = "generate_series(1, :people) AS g(i)", {"yes": "true", "no": "false"}
            words |= {"n": "lpad(i::text, 7, '0')", "n8": "lpad(i::text, 8, '0')"}
            key, head = "sha256(i::text::bytea)", ""
        else:
            head = "WITH RECURSIVE g(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM g WHERE i < :people) "
            source, words = "g", {"yes": "1", "no": "0", "n": "printf('%07d', i)", "n8": "printf('%08d', i)"}
            key = "randomblob(32)"
        values = {"people": people, "hash": passwords.hash_password(PASSWORD), "now": now().replace(tzinfo=None)}
        with db.engine.begin() as connection:
            connection.execute(
                text(f"INSERT INTO users ({NAMES}) {head} SELECT {VALUES.format(**words)} FROM {source}"), values
            )
            connection.execute(
                text(
                    f"INSERT INTO credentials ({SESSION}) {head} SELECT 'x' || i, {key}, 'session', '', i, 0, :now, "
                    f":now, :now, :later, {words['no']}, '203.0.113.9', 'Browser' FROM {source}"
                ),
                {"people": people, "now": values["now"], "later": values["now"].replace(year=2099)},
            )
            tokens = [credentials.new_key() for _ in range(200)]
            for token in tokens:
                row = {"public_id": token[:16], "key_hash": credentials.hashed(token), "kind": "token", "generation": 0}
                row |= {"user_id": random.randint(1, people), "expires_at": values["now"].replace(year=2099)}
                connection.execute(insert(Credential).values(row))
            connection.execute(text("ANALYZE"))
        boss = db.session.get_one(User, 1)
        boss.user_type = "admin"
        db.session.commit()
        db.session.remove()
    return tokens


def questions(app: Flask, people: int) -> dict[str, Callable[[], Any]]:
    """The three, as functions that ask once."""
    tokens = fill(app, people)
    app.test_client_class = Json
    boss: Any = app.test_client()
    assert boss.login("p0000001").json["status"]

    def who() -> None:
        reply = app.test_client().get("/user/info", headers={"token": random.choice(tokens)})
        assert reply.get_json()["code"] == 0

    def login() -> None:
        person: Any = app.test_client()
        person.get("/user/captcha")
        began = time.perf_counter()
        form = {"user": f"p{random.randint(2, people):07d}", "password": PASSWORD, "captcha": ANSWER}
        assert person.post("/user/login", data=form).get_json()["code"] == 0
        took.append(time.perf_counter() - began)

    def search() -> None:
        name = f"p{random.randint(2, people):07d}"
        reply = boss.get("/admin/users", query_string={"q": random.choice([name, name[:7], f"{name}@exa"])})
        assert reply.get_json()["data"]["users"]

    took: list[float] = []
    return {"who am I": who, "sign-in": login, "admin search": search}


@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_million_people_are_as_quick_as_a_thousand(
    database: str, make_app: Callable[..., Flask], postgresql_url: str
) -> None:
    from contextlib import ExitStack

    from tests.servers import new_database

    with ExitStack() as stack:
        asked = []
        for people in (SMALL, LARGE):
            uri = stack.enter_context(new_database(postgresql_url)) if database == "postgresql" else ""
            app = make_app(
                SQLALCHEMY_DATABASE_URI=uri, ARGON2_MEMORY_KIB=19456, ARGON2_TIME=2, DB_STATEMENT_SECONDS=600
            )
            app.extensions["userapp.courier"].stop()
            asked.append((app, questions(app, people)))
        for question in asked[0][1]:
            times: list[list[float]] = [[], []]
            for number in range(ROUNDS):
                for which in (0, 1) if number % 2 else (1, 0):
                    began = time.perf_counter()
                    asked[which][1][question]()
                    times[which].append(time.perf_counter() - began)
            small, large = (statistics.median(one) * 1000 for one in times)
            print(
                f"\n{database}, {question}: {small:.2f} ms at 1 000, {large:.2f} ms at 1 000 000: {large / small:.2f}"
            )
            assert large / small <= 1.2
        for app, _ in asked:
            with app.app_context():
                db.session.remove()
                db.engine.dispose()
