"""Fixtures of every test: those of userapp.testing, the database a run is for, and what only these tests need."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

pytest.register_assert_rewrite("userapp.testing")

from userapp.extensions import db  # noqa: E402
from userapp.testing import ANSWER, HTML, PASSWORD, Browser, Json  # noqa: E402

__all__ = ["ANSWER", "HTML", "ON_POSTGRESQL", "PASSWORD", "Browser", "Json"]

pytest_plugins = ["userapp.testing", "tests.servers", "tests.callers"]

ON_POSTGRESQL = os.environ.get("TEST_ON") == "postgresql"


@pytest.fixture
def database_uri(request: pytest.FixtureRequest) -> str:
    """SQLite in the instance folder; a new PostgreSQL database where TEST_ON says so."""
    return str(request.getfixturevalue("fresh_postgresql")) if ON_POSTGRESQL else ""


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """The SQL statements the test's own thread ran, in order; clear it before what is to be counted."""
    seen: list[str] = []
    own = threading.get_ident()  # the courier looks at its queue meanwhile

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if threading.get_ident() == own:
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
