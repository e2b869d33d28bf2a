"""Document A's recovery in a browser: each line of both tables is told on the page, beside the field it is about."""

import re

import pytest

NEW = "another-horse-7"


def post(browser, **fields):
    return browser.post("/user/reset", data={"captcha": browser.captcha(), **fields})


def told(reply, msg, status=403):
    assert reply.status_code == status
    assert msg in reply.get_data(as_text=True)


@pytest.fixture
def asked(browser, make_user, outbox):
    """A browser that asked for a code, and the code."""
    make_user()
    assert post(browser, email="ning@example.com").location == "/user/reset"
    texts = [message["text"] for message in outbox()]
    return browser, next(found[0] for text in texts if (found := re.search(r"\b\d{6}\b", text)))


def test_验证码错误_is_told_on_the_page(browser, make_user):
    make_user()
    told(browser.post("/user/reset", data={"email": "ning@example.com", "captcha": "wrong"}), "验证码错误")


def test_找不到用户_is_told_on_the_page(browser):
    told(post(browser, email="nobody@example.com"), "找不到用户")


def test_参数错误_is_told_on_the_page(browser):
    told(post(browser), "参数错误")


def test_发送短信失败_is_told_on_the_page(app, browser, make_user):
    make_user(phone="13800138000")
    app.config["SMS_URL"] = "webhook+https://127.0.0.1:1/"
    told(post(browser, phone="13800138000"), "发送短信失败")


def test_发送邮件失败_names_the_kind_on_the_page(app, browser, make_user):
    make_user()
    app.config["MAIL_SERVER"] = "unreachable"
    app.extensions["mail"].server, app.extensions["mail"].port = "127.0.0.1", 1
    told(post(browser, email="ning@example.com"), "发送邮件失败：ConnectionRefusedError")


def test_恢复码错误_is_told_on_the_page(asked):
    browser, code = asked
    told(post(browser, code="x" + code[1:], new_password=NEW), "恢复码错误")


def test_未获取恢复码或已失效_is_told_on_the_page(browser):
    told(post(browser, code="123456", new_password=NEW), "未获取恢复码或已失效")


@pytest.mark.parametrize("new,msg", [("short", "密码长度必须在6-32位之间"), ("woaini1314", "密码过于常见，请更换")])
def test_a_bad_new_password_is_told_on_the_page(asked, new, msg):
    browser, code = asked
    told(post(browser, code=code, new_password=new), msg)


def test_修改成功_leads_to_signing_in(asked):
    browser, code = asked
    reply = post(browser, code=code, new_password=NEW)
    assert reply.location == "/user/login"
    assert "修改成功" in browser.get("/user/login").get_data(as_text=True)
