"""The fixtures that plugins' authors get do what docs/plugins.md says."""

from __future__ import annotations

from typing import Any

import pytest

from userapp.config import PLUGINS


@pytest.fixture
def app_settings() -> dict[str, Any]:
    """A test module changes its application by overriding this fixture."""
    return {"SITE_NAME": "tested", "PLUGINS": [name for name in PLUGINS if name != "userapp.avatar"]}


def test_the_application_is_made_with_app_settings(app: Any) -> None:
    assert app.config["SITE_NAME"] == "tested"
    assert "avatar" not in app.blueprints


def test_the_clock_moves_only_when_it_is_told(signed_in: Any, clock: Any) -> None:
    client = signed_in()
    clock.forward(days=13)
    assert client.get("/user/info").json["code"] == 0
    clock.forward(days=15)
    assert client.get("/user/info").json["code"] == -2


def test_what_was_mailed_is_in_the_outbox(make_user: Any, outbox: Any) -> None:
    make_user("ning")
    assert [message["to"] for message in outbox()] == ["ning@example.com"]
