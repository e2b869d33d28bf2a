"""Where settings come from, and what is too unsafe to start with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from userapp import create_app
from userapp.addresses import client_address, client_network
from userapp.config import UnsafeStart, parse

SAFE = {"SECRET_KEY": "s" * 40, "BASE_URL": "https://id.example.com", "TRUSTED_HOSTS": ["id.example.com"]}
HERE = {"SECRET_KEY": "s" * 40, "BASE_URL": "http://localhost:8000", "TRUSTED_HOSTS": ["localhost"]}


@pytest.fixture
def start(tmp_path: Path) -> Any:
    """Build an application with these settings only; `file` is the text of its instance/config.py."""

    def make(settings: dict[str, Any], file: str = "") -> Any:
        (tmp_path / "config.py").write_text(file, "utf-8")
        return create_app({"INSTANCE": tmp_path, **settings})

    return make


def test_the_default_is_the_weakest_place(start):
    assert start(SAFE).config["SITE_NAME"] == "userapp"


def test_the_file_wins_over_the_default(start):
    assert start(SAFE, "SITE_NAME = '学校'").config["SITE_NAME"] == "学校"


def test_the_environment_wins_over_the_file(start, monkeypatch):
    monkeypatch.setenv("USERAPP_SITE_NAME", "env")
    assert start(SAFE, "SITE_NAME = '学校'").config["SITE_NAME"] == "env"


def test_an_override_wins_over_everything(start, monkeypatch):
    monkeypatch.setenv("USERAPP_SITE_NAME", "env")
    assert start({**SAFE, "SITE_NAME": "over"}, "SITE_NAME = '学校'").config["SITE_NAME"] == "over"


def test_a_profile_fills_only_what_nobody_set(start):
    config = start({**SAFE, "SECURITY_PROFILE": "strict", "PASSWORD_MIN": 12}).config
    assert (config["PASSWORD_MIN"], config["PASSWORD_MAX"], config["QUERY_TOKEN"]) == (12, 128, "no")


def test_the_default_profile_is_the_documents(start):
    config = start(SAFE).config
    assert (config["PASSWORD_MIN"], config["PASSWORD_MAX"], config["FRESH_SECONDS"]) == (6, 32, 0)


@pytest.mark.parametrize(
    "text,default,value",
    [("0", True, False), ("YES", False, True), ("off", True, False), ("", True, False), ("12", 1, 12), ("-1", 0, -1),
     ("a, b ,,c", [], ["a", "b", "c"]), ("", ["x"], []), (" x ", "", " x ")],
)  # fmt: skip
def test_text_becomes_the_type_of_the_default(text, default, value):
    assert parse("KEY", text, default) == value


@pytest.mark.parametrize(
    "key,text,line",
    [("MAIL_PORT", "smtp", "USERAPP_MAIL_PORT is 'smtp', not a whole number"),
     ("MAIL_PORT", "", "USERAPP_MAIL_PORT is '', not a whole number"),
     ("DEVTOOLS", "perhaps", "USERAPP_DEVTOOLS is 'perhaps', neither yes nor no")],
)  # fmt: skip
def test_what_cannot_be_read_stops_the_start(start, monkeypatch, key, text, line):
    monkeypatch.setenv(f"USERAPP_{key}", text)
    with pytest.raises(UnsafeStart) as caught:
        start(SAFE)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    "change,word",
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY": "s" * 31}, "SECRET_KEY"),
        ({"BASE_URL": ""}, "BASE_URL"),
        ({"BASE_URL": "id.example.com"}, "BASE_URL"),
        ({"BASE_URL": "http://id.example.com"}, "https"),
        ({"TRUSTED_HOSTS": []}, "TRUSTED_HOSTS"),
        ({"DEVTOOLS": True}, "devtools"),
        ({"PLUGINS": ["userapp.auth", "userapp.devtools"]}, "devtools"),
        ({"DEVTOOLS": True, "BASE_URL": "https://localhost.example.com"}, "devtools"),
        ({"DEBUG": True}, "debug"),
        ({"ADDRESS_LIMITS": False}, "debug"),
        ({"CAPTCHA_ANSWER": "ACEHJ"}, "debug"),
        ({"SECURITY_PROFILE": "none"}, "SECURITY_PROFILE"),
    ],
    ids=str,
)  # fmt: skip
def test_an_unsafe_start_is_refused_with_one_line(start, change, word):
    with pytest.raises(UnsafeStart) as caught:
        start({**SAFE, **change})
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_fixed_captcha_answer_needs_devtools(start, monkeypatch, place):
    if place == "environment":
        monkeypatch.setenv("USERAPP_CAPTCHA_ANSWER", "ACEHJ")
    with pytest.raises(UnsafeStart):
        start(SAFE, "CAPTCHA_ANSWER = 'ACEHJ'" if place == "file" else "")


def test_the_same_start_is_fine_in_production_and_on_this_machine(start):
    assert start(SAFE).config["SESSION_COOKIE_NAME"] == "__Host-session"
    assert not start(HERE).config["SESSION_COOKIE_SECURE"]
    assert "userapp.devtools" in start({**HERE, "DEVTOOLS": True, "ADDRESS_LIMITS": False}).config["PLUGINS"]


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_postgresql_address_gets_its_driver(start, scheme):
    config = start({**SAFE, "SQLALCHEMY_DATABASE_URI": f"{scheme}://me@db/userapp"}).config
    assert config["SQLALCHEMY_DATABASE_URI"] == "postgresql+psycopg://me@db/userapp"


@pytest.mark.parametrize(
    "hops,said,address",
    [(0, "203.0.113.9", "127.0.0.1"), (1, "203.0.113.9", "203.0.113.9"),
     (1, "198.51.100.1, 203.0.113.9", "203.0.113.9"),
     (2, "198.51.100.1, 203.0.113.9", "198.51.100.1")],
)  # fmt: skip
def test_only_the_proxies_that_are_ours_are_believed(start, hops, said, address):
    app = start({**HERE, "PROXY_HOPS": hops})
    app.add_url_rule("/me", endpoint="me", view_func=client_address)
    assert app.test_client().get("/me", headers={"X-Forwarded-For": said}).text == address


@pytest.mark.parametrize(
    "address,network",
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_an_ipv6_network_counts_as_one_address(start, address, network):
    with start(HERE).test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert client_network() == network
