"""Callers of every role: who they are decides which doors open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.conftest import PASSWORD, Json
from userapp import accounts

ROLES = ("stranger", "session", "token", "admin", "disabled")


@pytest.fixture
def as_role(app: Flask, make_user: Callable[..., dict[str, Any]]) -> Callable[[str], Json]:
    """A new client of a role; all clients of a role are one person."""
    made: dict[str, int] = {}

    def client(role: str) -> Json:
        app.test_client_class = Json
        found: Json = app.test_client()  # type: ignore[assignment]
        if role == "stranger":
            return found
        if role not in made:
            made[role] = make_user(role)["id"]
            if role == "admin":
                with app.app_context():
                    accounts.set_type(made[role], "admin", accounts.OPERATOR)
        if role == "disabled":
            with app.app_context():
                accounts.enable(made[role], accounts.OPERATOR)
        reply = found.login(role, PASSWORD, client="api" if role == "token" else "web")
        if role == "token":
            found.environ_base["HTTP_TOKEN"] = reply.json["data"]["token"]
        if role == "disabled":
            with app.app_context():
                accounts.disable(made[role], accounts.OPERATOR)
        return found

    return client
