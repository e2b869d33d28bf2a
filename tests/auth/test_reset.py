"""Document A's recovery (邮件找回密码): both tables, line by line."""

import re

import pytest

from tests.conftest import ANSWER, PASSWORD, Json

NEW = "another-horse-7"


def ask(client, **fields):
    values = {"captcha": client.captcha(), **(fields or {"email": "ning@example.com"})}
    return client.post("/user/reset", data=values)


def finish(client, code, new=NEW):
    return client.post("/user/reset", data={"captcha": client.captcha(), "code": code, "new_password": new})


@pytest.fixture
def code_in(outbox):
    def look():
        texts = [message["text"] for message in outbox()]
        return next(found[0] for text in texts if (found := re.search(r"\b\d{6}\b", text)))

    return look


def refused(reply, status, code, msg):
    assert (reply.status_code, reply.json["code"], reply.json["msg"]) == (status, code, msg)


def test_200_已发送恢复码至邮箱_then_修改成功(client, make_user, token_of, code_in, outbox):
    make_user()
    token = token_of()
    reply = ask(client)
    assert (reply.status_code, reply.json["msg"]) == (200, "已发送恢复码至邮箱")
    reply = finish(client, code_in())
    assert (reply.status_code, reply.json["msg"]) == (200, "修改成功")
    assert client.get("/user/info").json["code"] == -2
    assert client.get("/user/info", headers={"token": token}).json["code"] == -2
    notice = next(message for message in outbox() if message["subject"].endswith("密码已更改"))
    assert NEW not in notice["text"]
    assert client.login("ning", PASSWORD).json["msg"] == "密码错误"
    assert client.login("ning", NEW).json["msg"] == "登录成功"


def test_200_已发送恢复码至手机(client, make_user, code_in, outbox):
    make_user(phone="13800138000")
    reply = ask(client, phone="+86 138 0013 8000")
    assert (reply.status_code, reply.json["msg"]) == (200, "已发送恢复码至手机")
    assert [message["to"] for message in outbox() if message["kind"] == "sms"] == ["+8613800138000"]
    assert finish(client, code_in()).json["msg"] == "修改成功"


def test_403_验证码错误_for_a_missing_a_wrong_and_a_spent_captcha(client, make_user):
    make_user()
    for captcha in ("", "wrong"):
        client.captcha()
        refused(
            client.post("/user/reset", data={"email": "ning@example.com", "captcha": captcha}), 403, 30002, "验证码错误"
        )
    refused(client.post("/user/reset", data={"email": "ning@example.com", "captcha": ANSWER}), 403, 30002, "验证码错误")


@pytest.mark.parametrize("fields", [{"email": "nobody@example.com"}, {"phone": "13900139000"}, {"email": "junk"}])
def test_403_找不到用户(client, make_user, fields):
    make_user()
    refused(ask(client, **fields), 403, 11004, "找不到用户")


def test_403_发送邮件失败_names_the_kind_and_spends_nothing(make_app):
    app = make_app(MAIL_SERVER="127.0.0.1", MAIL_PORT=1, MAIL_TIMEOUT=2, MESSAGE_GAP=60)
    app.test_client_class = Json
    client = app.test_client()
    client.register("ning", phone="13800138000", email="ning@example.com")
    app.config["MESSAGE_GAP"] = 60
    for _ in range(2):
        refused(ask(client), 403, 10901, "发送邮件失败：ConnectionRefusedError")


def test_403_发送短信失败_without_a_gateway(make_app):
    app = make_app(SMS_URL="webhook+https://127.0.0.1:1/", SMS_TIMEOUT=2)
    app.test_client_class = Json
    client = app.test_client()
    client.register("ning", phone="13800138000")
    refused(ask(client, phone="13800138000"), 403, 10902, "发送短信失败")


def test_403_未获取恢复码或已失效_for_a_client_that_did_not_ask(app, client, make_user, code_in):
    make_user()
    ask(client)
    refused(finish(app.test_client(), code_in()), 403, 11005, "未获取恢复码或已失效")


def test_403_恢复码错误_five_times_then_the_right_one_is_refused(client, make_user, code_in):
    make_user()
    ask(client)
    code = code_in()
    for _ in range(5):
        refused(finish(client, "000000" if code != "000000" else "111111"), 403, 11007, "恢复码错误")
    refused(finish(client, code), 403, 11005, "未获取恢复码或已失效")


@pytest.mark.parametrize("fields", [{}, {"code": "123456"}, {"new_password": NEW}, {"email": "a@b.cn", "phone": "1"}])
def test_403_参数错误(client, fields):
    refused(client.post("/user/reset", data={"captcha": client.captcha(), **fields}), 403, 11012, "参数错误")


@pytest.mark.parametrize("new,code", [("short", 11008), ("x" * 33, 11008), ("woaini1314", 10205)])
def test_a_bad_new_password_spends_no_try(client, make_user, code_in, new, code):
    make_user()
    ask(client)
    for _ in range(6):
        assert finish(client, code_in(), new).json["code"] == code
    assert finish(client, code_in()).json["msg"] == "修改成功"


def test_a_code_works_once(client, make_user, code_in):
    make_user()
    ask(client)
    kept, code = client.get_cookie("reset").value, code_in()
    assert finish(client, code).json["status"]
    client.set_cookie("reset", kept)
    refused(finish(client, code, "third-horse-5"), 403, 11005, "未获取恢复码或已失效")


def test_a_password_change_voids_the_code(app, signed_in, outbox, code_in):
    owner, thief = signed_in(), app.test_client()
    ask(thief)
    code = code_in()
    owner.post("/user/password", data={"old_password": PASSWORD, "new_password": NEW})
    refused(finish(thief, code, "third-horse-5"), 403, 11005, "未获取恢复码或已失效")


def test_an_address_change_voids_the_code(app, signed_in, code_in):
    owner, thief = signed_in(), app.test_client()
    ask(thief)
    code = code_in()
    owner.post("/user/info", data={"email": "new@example.com"})
    refused(finish(thief, code), 403, 11005, "未获取恢复码或已失效")


def test_a_browser_recovers_too(browser, make_user, code_in):
    make_user()
    reply = ask(browser)
    assert reply.status_code == 303
    page = browser.get("/user/reset").get_data(as_text=True)
    assert "one-time-code" in page and "已发送恢复码至邮箱" in page
    assert "恢复码错误" in finish(browser, "x").get_data(as_text=True)
    assert finish(browser, code_in()).location == "/user/login"


def test_over_budget_is_429(make_app):
    app = make_app(MESSAGE_GAP=60)
    app.test_client_class = Json
    client = app.test_client()
    client.register("ning", email="ning@example.com")
    assert ask(client).status_code == 200
    for address in ("ning@example.com", "nobody@example.com", "nobody@example.com"):
        reply = ask(client, email=address)
    assert (reply.status_code, reply.json["code"]) == (429, 10817) and reply.headers["Retry-After"]


def test_strict_answers_every_address_alike(make_app):
    app = make_app(SECURITY_PROFILE="strict")
    app.test_client_class = Json
    client = app.test_client()
    client.register("ning", "a-much-longer-horse", email="ning@example.com")
    stranger = app.test_client()
    known, unknown = ask(stranger), ask(stranger, email="nobody@example.com")
    assert known.json == unknown.json and known.json["msg"] == "已发送恢复码至邮箱"
