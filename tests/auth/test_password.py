"""Document A's `/user/password` and document B's `/user/change_password`: tables 102, one service."""

import pytest

from tests.conftest import PASSWORD, Browser

NEW = "another-horse-7"


def change_a(client, old, new):
    return client.post("/user/password", data={"old_password": old, "new_password": new})


def change_b(client, old, new):
    return client.post("/user/change_password", json={"old_pwd": old, "new_pwd": new})


LINES = [
    ("", NEW, 10200, "密码不允许使用空值"),
    (PASSWORD, "", 10200, "密码不允许使用空值"),
    (PASSWORD, "short", 10201, "密码长度必须在6-32位之间"),
    (PASSWORD, "x" * 33, 10201, "密码长度必须在6-32位之间"),
    (PASSWORD, PASSWORD, 10202, "两次密码不能相同"),
    ("wrong-wrong", NEW, 10203, "原始密码不正确"),
    (PASSWORD, "woaini1314", 10205, "密码过于常见，请更换"),
]


@pytest.mark.parametrize("old,new,code,msg", LINES)
def test_each_line_of_table_102(signed_in, old, new, code, msg):
    client = signed_in()
    reply = change_a(client, old, new)
    assert (reply.status_code, reply.json["code"], reply.json["msg"]) == (403, code, msg)
    reply = change_b(client, old, new)
    assert (reply.status_code, reply.json["code"], reply.json["msg"]) == (200, code, msg)
    assert client.get("/user/info").json["status"]


@pytest.mark.parametrize("old,new,code,msg", LINES)
def test_each_line_beside_its_field_in_a_browser(signed_in, old, new, code, msg):
    page = change_a(signed_in(kind=Browser), old, new)
    assert page.status_code == 403 and msg in page.get_data(as_text=True)


def test_a_change_renews_the_caller_and_ends_everything_else(signed_in, token_of, outbox):
    client = signed_in()
    other, kept = token_of(), client.get_cookie("session").value
    reply = change_a(client, PASSWORD, NEW)
    assert (reply.status_code, reply.json["msg"]) == (200, "成功地修改了密码")
    assert client.get("/user/info").json["status"]
    assert client.get_cookie("session").value != kept
    stranger = client.application.test_client()
    stranger.set_cookie("session", kept)
    assert stranger.get("/user/info").json["code"] == -2
    assert stranger.get("/user/info", headers={"token": other}).json["code"] == -2
    assert client.login("ning", PASSWORD).json["msg"] == "密码错误"
    assert client.login("ning", NEW).json["msg"] == "登录成功"
    assert any(message["subject"].endswith("密码已更改") for message in outbox())


def test_document_b_answers_with_a_new_token(signed_in):
    client = signed_in()
    data = change_b(client, PASSWORD, NEW).json["data"]
    assert set(data) == {"token", "expire"} and len(data["token"]) == 64
    stranger = client.application.test_client()
    assert stranger.get("/user/info", headers={"token": data["token"]}).json["status"]
    assert client.get("/user/info").json["status"]


def test_a_token_caller_goes_on_with_the_token_it_is_given(make_user, token_of, client):
    make_user()
    old = token_of()
    reply = client.post(
        "/user/change_password", headers={"token": old}, json={"old_pwd": PASSWORD, "new_pwd": NEW}
    )  # fmt: skip
    assert client.get("/user/info", headers={"token": old}).json["code"] == -2
    assert client.get("/user/info", headers={"token": reply.json["data"]["token"]}).json["status"]
    assert "Set-Cookie" not in reply.headers


def test_five_wrong_old_passwords_are_enough(signed_in):
    client = signed_in()
    for _ in range(5):
        assert change_a(client, "wrong-wrong", NEW).json["code"] == 10203
    reply = change_a(client, PASSWORD, NEW)
    assert (reply.status_code, reply.json["code"]) == (429, 10110) and reply.headers["Retry-After"]


def test_a_stranger_is_401_on_a_and_minus_2_on_b(client):
    assert change_a(client, "a", "b").status_code == 401
    reply = change_b(client, "a", "b")
    assert (reply.status_code, reply.json["code"]) == (200, -2)
