"""An address that holds a secret is told to nobody; other pages of ours may see where a visitor comes from."""

from __future__ import annotations

import pytest

from tests.conftest import HTML

WITH_SECRET = [
    "/user/email/undo?link=x", "/user/email/keep?link=x", "/user/setup?link=x", "/user/reset?code=123456",
    "/user/login?__token=x", "/nowhere?token=x", "/user/email?captcha=x",
]  # fmt: skip


@pytest.mark.parametrize("accept", [HTML, "application/json"])
def test_a_secret_in_the_address_stays_there(client, accept):
    for path in WITH_SECRET:
        assert client.get(path, headers={"Accept": accept}).headers["Referrer-Policy"] == "no-referrer", path


def test_other_addresses_are_told_to_our_own_pages_only(client):
    for path in ("/", "/user/login?next=/user/info", "/static/site.css"):
        assert client.get(path, headers={"Accept": HTML}).headers["Referrer-Policy"] == "same-origin", path
