"""Administrators: accounts that were given the type by hand, as the command line does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.conftest import PASSWORD, Json
from userapp import accounts


@pytest.fixture
def make_admin(app: Flask, make_user: Callable[..., dict[str, Any]]) -> Callable[..., Json]:
    """A client of a given kind, freshly signed in as a new administrator."""

    def make(uname: str = "root", kind: type[Json] = Json) -> Json:
        user_id = make_user(uname)["id"]
        with app.app_context():
            accounts.set_type(user_id, "admin", accounts.OPERATOR)
        app.test_client_class = kind
        client: Json = app.test_client()  # type: ignore[assignment]
        assert client.login(uname, PASSWORD).status_code in (200, 303)
        return client

    return make


@pytest.fixture
def admin(make_admin: Callable[..., Json]) -> Json:
    """An administrator's JSON client."""
    return make_admin()
