"""RST-02: no header names a link; every address of ours is built from the setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import HTML, Json

FOREIGN = "attacker.example"
HEADERS = [
    {"Host": "127.0.0.1"}, {"X-Forwarded-Host": FOREIGN}, {"Forwarded": f"host={FOREIGN}"},
    {"X-Original-Host": FOREIGN},
    {"X-Forwarded-Prefix": f"//{FOREIGN}"}, {"Referer": f"https://{FOREIGN}/"}, {"X-Host": FOREIGN},
]  # fmt: skip


def test_no_header_changes_an_address(make_app: Callable[..., Any]) -> None:
    app = make_app(TRUSTED_HOSTS=["localhost", "127.0.0.1"])
    app.test_client_class = Json
    client = app.test_client()
    assert client.register("ning", email="ning@example.com").json["status"]
    token = client.login("ning", client="api").json["data"]["token"]
    for header in HEADERS:
        reply = client.get("/user/info", headers=header | {"token": token})
        assert reply.json["data"]["avatar"].startswith("http://localhost/avatar/"), header
        page = client.get("/user/login", headers=header | {"Accept": HTML})
        assert FOREIGN not in page.get_data(as_text=True) + str(page.headers), header


@pytest.mark.parametrize("host", [FOREIGN, f"localhost.{FOREIGN}", f"localhost@{FOREIGN}", "localhost:99999", ""])
def test_a_foreign_host_is_refused(app: Any, host: str) -> None:
    reply = app.test_client().get("/user/login", headers={"Host": host})
    assert reply.status_code == 400
    assert host not in reply.get_data(as_text=True) or not host
