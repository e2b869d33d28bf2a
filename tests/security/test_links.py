"""RST-02: no header names a link; every address of ours is built from the setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import ANSWER, HTML, Json
from userapp import delivery, messages

FOREIGN = "attacker.example"
HEADERS = [
    {"Host": "127.0.0.1"}, {"Host": "127.0.0.1:8443"}, {"X-Forwarded-Host": FOREIGN}, {"X-Forwarded-Server": FOREIGN},
    {"Forwarded": f"host={FOREIGN}"}, {"Forwarded": f'for=1.2.3.4;proto=https;host="{FOREIGN}"'},
    {"X-Original-Host": FOREIGN}, {"X-Original-URL": f"https://{FOREIGN}/"}, {"X-Rewrite-URL": f"//{FOREIGN}/"},
    {"X-HTTP-Host-Override": FOREIGN}, {"X-Forwarded-Prefix": f"//{FOREIGN}"}, {"X-Script-Name": f"//{FOREIGN}"},
    {"X-Forwarded-Proto": f"https://{FOREIGN}"}, {"Referer": f"https://{FOREIGN}/"}, {"X-Host": FOREIGN},
]  # fmt: skip
HOSTS = [
    FOREIGN, f"localhost.{FOREIGN}", f"localhost@{FOREIGN}", "localhost:99999", "", f"{FOREIGN}:80",
    f"{FOREIGN}#localhost", f"{FOREIGN}?localhost", f"{FOREIGN}/localhost", f"localhost {FOREIGN}",
    f"localhost,{FOREIGN}", f"localhost\t{FOREIGN}", "xn--localhost-xyz", "localhost:81:81", "[::1",
]  # fmt: skip


def raw(header: dict[str, str]) -> dict[str, str]:
    """Headers as the server hands them over: the test client would take a Host for the address it asks."""
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in header.items()}


def test_no_header_changes_an_address(make_app: Callable[..., Any]) -> None:
    app = make_app(TRUSTED_HOSTS=["localhost", "127.0.0.1"])
    app.test_client_class = Json
    for number, header in enumerate(HEADERS):
        client, address = app.test_client(), f"ning{number}@example.com"
        assert client.register(f"ning{number}", email=address).json["status"]
        token = client.login(f"ning{number}", client="api").json["data"]["token"]
        told = client.get("/user/info", environ_overrides=raw(header | {"token": token})).json["data"]
        assert told["avatar"].startswith("http://localhost/avatar/"), header
        page, asked = raw(header | {"Accept": HTML}), {"email": address, "captcha": ANSWER}
        client.get("/user/captcha", environ_overrides=raw(header))
        replies = [
            client.get("/user/login", environ_overrides=page),
            app.test_client().get("/user/email", environ_overrides=page),  # sends a stranger to sign in
            client.post("/user/reset", data=asked, environ_overrides=raw(header)),
        ]
        assert [reply.status_code for reply in replies] == [200, 303, 200], header
        for reply in replies:
            assert FOREIGN not in reply.get_data(as_text=True) + str(reply.headers), header
    app.extensions["userapp.courier"].stop()
    with app.app_context():
        messages.deliver_due()
        mails = delivery.outbox()
    assert len(mails) == 2 * len(HEADERS) and FOREIGN not in str(mails)
    assert all("http://localhost" in mail["text"] for mail in mails)


@pytest.mark.parametrize("host", HOSTS)
def test_a_foreign_host_is_refused(app: Any, outbox: Any, make_user: Callable[..., Any], host: str) -> None:
    make_user("ning")
    before = len(outbox())
    client = app.test_client()
    client.captcha()
    asked = {"email": "ning@example.com", "captcha": ANSWER}
    for reply in (
        client.get("/user/login", environ_overrides=raw({"Host": host})),
        client.post("/user/reset", data=asked, environ_overrides=raw({"Host": host})),
    ):
        assert reply.status_code == 400
        assert FOREIGN not in reply.get_data(as_text=True) + str(reply.headers)
    assert len(outbox()) == before
