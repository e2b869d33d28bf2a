"""The command line as a test calls it, and files to import."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from flask import Flask
from werkzeug.security import generate_password_hash

KINDS: dict[str, Callable[[str], str]] = {  # what other systems store, at the least work their formats allow
    "django": lambda p: "pbkdf2_sha256$100$seasalt$" + base64.b64encode(
        hashlib.pbkdf2_hmac("sha256", p.encode(), b"seasalt", 100)
    ).decode(),
    "werkzeug": lambda p: generate_password_hash(p, "scrypt:1024:8:1"),
    "bcrypt": lambda p: bcrypt.hashpw(p.encode(), bcrypt.gensalt(4)).decode(),
    "md5": lambda p: hashlib.md5(p.encode(), usedforsecurity=False).hexdigest(),
}  # fmt: skip


@pytest.fixture
def run(app: Flask) -> Callable[..., Any]:
    """`run("users", "list")`: the command's result; with `status` its exit status is checked."""

    def call(*args: str, status: int | None = 0) -> Any:
        result = app.test_cli_runner().invoke(args=list(args))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert status is None or result.exit_code == status, result.output
        return result

    return call


@pytest.fixture
def told(run: Callable[..., Any]) -> Callable[..., Any]:
    """The JSON a command prints."""

    def call(*args: str, status: int = 0) -> Any:
        return json.loads(run(*args, "--json", status=status).stdout)

    return call


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Write a CSV file of dicts; the first one's keys are its columns."""

    def write(rows: Iterable[dict[str, Any]]) -> Path:
        path, one_by_one = tmp_path / "people.csv", iter(rows)
        first = next(one_by_one)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(first), lineterminator="\n")
            writer.writeheader()
            writer.writerow(first)
            writer.writerows(one_by_one)
        return path

    return write


def generated(count: int) -> Iterator[dict[str, Any]]:
    """People with a password each, stored in turn as each of the four systems would."""
    ready = [list(KINDS.values())[n % 4](password_of(n)) for n in range(min(count, 40))]
    for n in range(count):
        yield {
            "uname": f"person-{n}", "name": f"张{n}", "email": f"person{n}@example.com", "gender": n % 3,
            "user_type": "teacher" if n % 10 == 0 else "student", "intro": "", "created_at": "2024-05-01T12:00:00Z",
            "password_hash": ready[n % 40],
        }  # fmt: skip


def password_of(n: int) -> str:
    """The old password of a generated person."""
    return f"Old-horse-{n % 40}"
