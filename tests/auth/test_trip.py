"""The main trip: register, read, change, sign out, sign in by each identifier."""

import pytest

from tests.conftest import FETCHED, PASSWORD, Json


@pytest.fixture(autouse=True)
def pictures(monkeypatch):
    """Here every challenge comes by its route."""
    monkeypatch.setattr(Json, "captcha", FETCHED)


def test_a_json_client_makes_the_whole_trip(client):
    reply = client.register("ning", email="ning@example.com", phone="138 0013 8000")
    assert (reply.status_code, reply.json["msg"]) == (200, "注册成功")
    assert client.get("/user/info").json["data"]["phone"] == "+8613800138000"
    assert client.post("/user/info", json={"intro": "你好"}).json["msg"] == "修改成功"
    assert client.get("/user/logout").json["msg"] == "已清除登录信息"
    assert client.get("/user/info").json["code"] == -2
    for user in ("NING", "1", "+86-13800138000", "Ning@Example.com"):
        reply = client.login(user)
        assert (reply.status_code, reply.json["msg"], reply.json["uid"]) == (200, "登录成功", "1")


@pytest.mark.parametrize("name,value", [("uid", "1"), ("uname", "ｎｉｎｇ"), ("email", "ning@example.com")])
def test_one_named_field_signs_in(client, make_user, name, value):
    make_user("ning")
    answer = {name: value, "password": PASSWORD, "captcha": client.captcha()}
    assert client.post("/user/login", json=answer).json["msg"] == "登录成功"


def test_a_browser_makes_the_whole_trip(browser):
    reply = browser.register("ning", email="ning@example.com")
    assert (reply.status_code, reply.location) == (303, "/user/")
    assert "你好，ning" in browser.get("/user/").get_data(as_text=True)
    assert browser.post("/user/info", data={"intro": "会唱歌"}).status_code == 303
    assert "会唱歌" in browser.get("/user/info").get_data(as_text=True)
    assert browser.post("/user/logout").status_code == 303
    assert browser.get("/user/info").location.startswith("/user/login?next=")


def test_reading_ones_information_is_one_select_and_no_cookie(signed_in, statements):
    client = signed_in()
    statements.clear()
    reply = client.get("/user/info")
    assert reply.json["status"] and "Set-Cookie" not in reply.headers
    assert [statement[:6] for statement in statements] == ["SELECT"]
