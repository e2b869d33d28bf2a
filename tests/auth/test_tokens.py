"""Document B's tokens (table 103), where a token may stand, and the list of sessions."""

import time
from datetime import UTC, datetime

import pytest

from tests.conftest import Browser


@pytest.fixture
def token(make_user, token_of):
    make_user()
    return token_of()


@pytest.mark.parametrize("scale", [1, 1000])
def test_a_refresh_gives_a_new_token_and_kills_the_old(client, token, scale):
    reply = client.post("/user/refresh_token", headers={"token": token}, data={"confirm": int(time.time() * scale)})
    new = reply.json["data"]["token"]
    assert reply.json["msg"] == "" and new != token
    assert client.get("/user/info", headers={"token": new}).json["status"]
    assert client.get("/user/info", headers={"token": token}).json["code"] == -2


@pytest.mark.parametrize("confirm", ["", "soon", "nan", "-1", lambda: time.time() - 12, lambda: time.time() + 12])
def test_10300_for_a_confirm_that_is_off(client, token, confirm):
    value = confirm() if callable(confirm) else confirm
    reply = client.post("/user/refresh_token", headers={"token": token}, data={"confirm": value})
    assert (reply.status_code, reply.json["code"]) == (200, 10300)
    assert client.get("/user/info", headers={"token": token}).json["status"]


@pytest.mark.parametrize("spelling", ["data", "json"])
@pytest.mark.parametrize("off", [-10, 10])
def test_ten_seconds_are_ten_seconds_on_both_sides(client, token, clock, spelling, off):
    """Contract 3: at most 10 s before or after server time, as `/server_status/time` tells it: in whole seconds."""
    clock.forward(microseconds=999_000 - datetime.now(UTC).microsecond)
    second = client.get("/server_status/time").json["data"]["second"]
    for confirm, code in ((second + off + off // 10, 10300), (second + off, 0)):
        reply = client.post("/user/refresh_token", headers={"token": token}, **{spelling: {"confirm": confirm}})
        assert reply.json["code"] == code


@pytest.mark.parametrize("places,code", [("9", 0), ("2", 10300)])
def test_a_confirm_may_be_written_with_an_exponent(client, token, places, code):
    """Contract 1: a value sent as a JSON number; there are programs that write large ones so."""
    body = f'{{"confirm": {time.time() * 1000:.{places}e}}}'
    more = {"headers": {"token": token}, "content_type": "application/json"}
    assert client.post("/user/refresh_token", data=body, **more).json["code"] == code


def test_10301_for_the_loser_of_a_race(app, token):
    from userapp import credentials

    with app.app_context():
        caller = credentials.find(token, "token")
        assert credentials.rotate(caller)
        assert credentials.rotate(caller) is None


def test_a_session_cannot_refresh(signed_in):
    reply = signed_in().post("/user/refresh_token", data={"confirm": int(time.time())})
    assert (reply.status_code, reply.json["code"]) == (200, -2)


def test_a_token_stands_in_four_places_and_the_first_decides(client, token):
    for place in (
        {"headers": {"token": token}},
        {"headers": {"Authorization": f"Bearer {token}"}},
        {"query_string": {"__token": token}},
    ):
        assert client.get("/user/info", **place).json["status"]
    assert client.post("/user/info", data={"__token": token}).json["status"]
    assert client.post("/user/info", json={"__token": token}).json["status"]
    dead = client.get("/user/info", headers={"token": "0" * 64, "Authorization": f"Bearer {token}"})
    assert dead.json["code"] == -2
    client.set_cookie("token", token)
    assert client.get("/user/info").json["status"]


def test_set_token_cookie_for_a_token_and_for_a_session(client, token, signed_in):
    reply = client.get("/user/set_token_cookie", headers={"token": token})
    assert reply.json["data"] is None and client.get_cookie("token").value == token
    assert client.get("/user/info").json["status"]
    other = signed_in("lan")
    assert other.post("/user/set_token_cookie").json["status"]
    assert len(other.get_cookie("token").value) == 64
    assert other.get("/user/info").json["data"]["uname"] == "lan"
    other.get("/user/logout")
    assert other.get_cookie("token") is None


def test_sessions_are_listed_and_ended(client, signed_in, token_of):
    owner = signed_in()
    token = token_of()
    listed = owner.get("/user/sessions").json["data"]
    assert {item["kind"] for item in listed} == {"session", "token"} and sum(item["current"] for item in listed) == 1
    chosen = next(item["public_id"] for item in listed if item["kind"] == "token")
    assert owner.post("/user/sessions", data={"end": chosen}).json["status"]
    assert client.get("/user/info", headers={"token": token}).json["code"] == -2
    assert owner.post("/user/sessions", data={"end": "nobody"}).status_code == 404
    made = owner.post("/user/sessions", data={"create": "备份"}).json["data"]["token"]
    assert client.get("/user/info", headers={"token": made}).json["status"]
    assert owner.post("/user/sessions", data={"end": "others"}).json["status"]
    assert client.get("/user/info", headers={"token": made}).json["code"] == -2
    assert owner.get("/user/info").json["status"]


def test_the_security_page_shows_and_ends(signed_in):
    browser = signed_in(kind=Browser)
    page = browser.post("/user/sessions", data={"create": "backup"}).get_data(as_text=True)
    assert "新的访问令牌" in page and "backup" in page
    assert browser.post("/user/sessions", data={"end": "others"}).location == "/user/security"
    assert "backup" not in browser.get("/user/security").get_data(as_text=True)
