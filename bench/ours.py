"""userapp's own part: its database filled, and captchas with their answers (who has the secret can tell them)."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from flask_migrate import upgrade
from sqlalchemy import insert, text

from bench import people
from userapp import create_app
from userapp.auth import captcha
from userapp.extensions import db
from userapp.models import Credential, User, now


def seed(count: int) -> None:
    """Make the accounts, each with a session nobody holds the key of."""
    upgrade()
    with db.engine.begin() as connection:
        for start in range(1, count + 1, 10000):
            numbers = range(start, min(start + 10000, count + 1))
            connection.execute(insert(User), list(accounts(numbers)))
            connection.execute(insert(Credential), list(sessions(numbers)))
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('users_id_seq', (SELECT max(id) FROM users))"))
    with db.engine.connect() as connection:  # what autovacuum or the next night would do
        connection.execution_options(isolation_level="AUTOCOMMIT", sqlite_begin="NONE").execute(text("ANALYZE"))


def accounts(numbers: range) -> Iterator[dict[str, Any]]:
    """Rows of users."""
    for n in numbers:
        name = people.name(n)
        yield {
            "id": n, "uid": str(n), "uname": name, "uname_key": name, "email": people.address(n),
            "email_verified": True, "password_hash": people.HASH, "created_at": now(),
        }  # fmt: skip


def sessions(numbers: range) -> Iterator[dict[str, Any]]:
    """Rows of sessions."""
    later = now() + timedelta(days=9)
    for n in numbers:
        key = hashlib.sha256(f"bench {n}".encode()).digest()
        yield {
            "public_id": key.hex()[:16], "key_hash": key, "kind": "session", "user_id": n, "generation": 0,
            "expires_at": later,
        }  # fmt: skip


def challenges(count: int) -> None:
    """Print cookies and answers."""
    made = [captcha.issue() for _ in range(count)]
    print(json.dumps([(cookie, captcha.answers(captcha.nonce_of(cookie) or "")[0]) for cookie in made]))


if __name__ == "__main__":
    logging.disable()
    with create_app().app_context():
        {"seed": seed, "challenges": challenges}[sys.argv[1]](int(sys.argv[2]))
