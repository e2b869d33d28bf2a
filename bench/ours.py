"""userapp's own part: its database filled, and captchas with their answers (who has the secret can tell them)."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import timedelta
from typing import Any

from flask_migrate import upgrade
from sqlalchemy import String, cast, func, insert, literal, select, text, true

from bench import people
from userapp import create_app
from userapp.auth import captcha
from userapp.extensions import db
from userapp.models import Credential, User, UtcDateTime, now


def seed(count: int) -> None:
    """Make the accounts, each with a session nobody holds the key of; the database itself makes the rows up."""
    upgrade()
    with db.engine.begin() as connection:
        postgresql = connection.dialect.name == "postgresql"
        if not postgresql:
            connection.execute(text("PRAGMA cache_size = -500000"))
        numbers = select(literal(1).label("n")).cte("numbers", recursive=True)
        numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < count))
        for table, values in ((User, account(numbers.c.n)), (Credential, session(numbers.c.n, postgresql))):
            connection.execute(insert(table).from_select(list(values), select(*values.values())))
        if postgresql:
            connection.execute(text("SELECT setval('users_id_seq', (SELECT max(id) FROM users))"))
    with db.engine.connect() as connection:  # what autovacuum or the next night would do
        connection.execution_options(isolation_level="AUTOCOMMIT", sqlite_begin="NONE").execute(text("ANALYZE"))


def account(number: Any) -> dict[str, Any]:
    """The columns of an account, named as people.py names it."""
    name = literal("user") + func.substr(cast(10_000_000 + number, String), 2)
    return {
        "id": number, "uid": cast(number, String), "uname": name, "uname_key": name, "email": name + "@example.com",
        "email_verified": true(), "password_hash": literal(people.HASH), "created_at": literal(now(), UtcDateTime()),
    }  # fmt: skip


def session(number: Any, postgresql: bool) -> dict[str, Any]:
    """The columns of its session; keys lie anywhere in their index, as real ones do."""
    random = func.sha256(func.convert_to(cast(number, String), "UTF8")) if postgresql else func.randomblob(32)
    public = func.substr(func.md5(cast(number, String)), 1, 16) if postgresql else func.hex(func.randomblob(8))
    return {
        "public_id": public, "key_hash": random, "kind": literal("session"), "user_id": number,
        "generation": literal(0), "expires_at": literal(now() + timedelta(days=9), UtcDateTime()),
        **{name: literal(now(), UtcDateTime()) for name in ("created_at", "seen_at", "fresh_at")},
    }  # fmt: skip


def challenges(count: int) -> None:
    """Print cookies and answers."""
    made = [captcha.issue() for _ in range(count)]
    print(json.dumps([(cookie, captcha.answers(captcha.nonce_of(cookie) or "")[0]) for cookie in made]))


if __name__ == "__main__":
    logging.disable()
    os.environ["FLASK_RUN_FROM_CLI"] = "true"  # a request's patience is too short for a million rows
    with create_app().app_context():
        {"seed": seed, "challenges": challenges}[sys.argv[1]](int(sys.argv[2]))
