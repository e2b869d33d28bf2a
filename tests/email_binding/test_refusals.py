"""Every line of document B's table 108 provoked by a request: as JSON always 200, and on the page where one is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import update

from tests.conftest import Browser, Json
from tests.email_binding.conftest import NEW, OLD, accepted, refused
from userapp import codes, delivery
from userapp.errors import MailNotSent
from userapp.extensions import writing
from userapp.models import User

WRONG = "AAAAAAAAAA"
KINDS = pytest.mark.parametrize("kind", [Json, Browser])


def says(reply, number, text):
    """The refusal, to a client as its number, to a reader as its text in a page that has the form again."""
    if reply.mimetype == "text/html":
        assert reply.status_code >= 400 and text in reply.get_data(as_text=True)
        assert "/user/email" in reply.get_data(as_text=True)
    else:
        assert (refused(reply), reply.json["msg"]) == (number, text)


def change_user(app, **values):
    """What another request does to the account in between."""
    with app.app_context(), writing() as connection:
        connection.execute(update(User).where(User.uname == "ning").values(values))


def meddle(monkeypatch, app, place, name, **values):
    """Let the account change just before `name` returns."""
    original = getattr(place, name)

    def then(*args, **kwargs):
        result = original(*args, **kwargs)
        change_user(app, **values)
        return result

    monkeypatch.setattr(place, name, then)


def unmailable(monkeypatch, address):
    """A mail server that does not take mail for one address."""
    original = delivery.send_mail

    def send(to, *rest):
        if to == address:
            raise MailNotSent(kind="SMTPRecipientsRefused")
        original(to, *rest)

    monkeypatch.setattr(delivery, "send_mail", send)


@KINDS
@pytest.mark.parametrize("values", [{}, {"type": "new"}])
def test_10800_no_such_mail(signed_in, kind, values):
    says(signed_in("ning", kind).post("/email/send", data=values), 10800, "未检查到合法的邮件发送参数")


@KINDS
@pytest.mark.parametrize("path", ["/email/send", "/user/email/send"])
def test_10801_verified_needs_no_mail(verified, kind, path):
    reply = verified("ning", kind).post(path, data={"type": "old_send_again"})
    says(reply, 10801, "当前邮箱已验证，无需再次发送邮件")


@KINDS
def test_10802_no_address_or_nothing_pending(signed_in, verified, kind):
    text = "验证邮件已过期，或数据不存在，请重新发送邮件"
    client = signed_in("phoned", kind, phone="13800138000")
    says(client.post("/email/send", data={"type": "old_send_again"}), 10802, text)
    says(client.post("/user/email/bind", data={"captcha": WRONG}), 10802, text)
    codes_given = {"old_captcha": WRONG, "new_captcha": WRONG}
    says(verified("ning", kind).post("/user/email/unbind_confirm", data=codes_given), 10802, text)


@KINDS
def test_10803_verified_already(verified, kind):
    says(verified("ning", kind).post("/user/email/bind", data={"captcha": WRONG}), 10803, "邮箱已验证，可忽略此过程")


@KINDS
@pytest.mark.parametrize("values", [{}, {"captcha": " "}, {"captcha": WRONG}, {"captcha": "号" * 4000}])
def test_10804_missing_or_wrong_code(signed_in, kind, values):
    text = "你的验证码不正确，请输入正确的验证码，或者从新发送到邮箱"
    says(signed_in("ning", kind).post("/user/email/bind", data=values), 10804, text)


@KINDS
def test_10805_verified_by_another_request_in_this_moment(app, signed_in, code_to, kind, monkeypatch):
    client = signed_in("ning", kind, email=OLD)
    code = code_to(OLD)
    meddle(monkeypatch, app, codes, "matches", email_verified=True)
    says(client.post("/user/email/bind", data={"captcha": code}), 10805, "无法更新邮箱状态，请重试")


@KINDS
@pytest.mark.parametrize("address", ["", "ning", "a@b", "a b@example.com"])
def test_10806_malformed(signed_in, verified, kind, address):
    text = "当前邮箱格式不正确"
    says(signed_in("phoned", kind, email="p@example.com").post("/user/email/new", data={"email": address}), 10806, text)
    says(verified("ning", kind).post("/user/email/unbind", data={"new_email": address}), 10806, text)


@KINDS
def test_10807_the_present_address_in_any_spelling(signed_in, verified, kind):
    text = "不允许与当前邮箱相同"
    client = signed_in("other", kind, email="p@example.com")
    says(client.post("/user/email/new", data={"email": "P@Example.com"}), 10807, text)
    says(verified("ning", kind).post("/user/email/unbind", data={"new_email": " OLD@EXAMPLE.com"}), 10807, text)


@KINDS
def test_10808_verified_is_not_replaced(verified, kind):
    says(verified("ning", kind).post("/user/email/new", data={"email": NEW}), 10808, "该操作不允许修改已验证的邮箱")


@KINDS
def test_10809_and_10815_taken(signed_in, verified, make_user, kind):
    make_user("owner", email=NEW)
    client = signed_in("other", kind, email="p@example.com")
    says(client.post("/user/email/new", data={"email": NEW.upper()}), 10809, "当前邮箱已存在，请更换新的邮箱地址")
    reply = verified("ning", kind).post("/user/email/unbind", data={"new_email": NEW.upper()})
    says(reply, 10815, "新的邮箱已被注册，请更换")


@KINDS
def test_10810_the_account_changed_meanwhile(app, signed_in, kind, monkeypatch):
    from userapp.email_binding import mailing

    client = signed_in("ning", kind)
    meddle(monkeypatch, app, mailing, "send", email_verified=True)
    says(client.post("/user/email/new", data={"email": NEW}), 10810, "无法更新用户邮箱地址")


@KINDS
def test_10811_unverified_is_not_changed_by_two_codes(signed_in, kind):
    reply = signed_in("ning", kind).post("/user/email/unbind", data={"new_email": NEW})
    says(reply, 10811, "必须为已验证的邮箱才能执行此操作")


@KINDS
def test_10812_and_10901_leave_everything_as_it_was(app, verified, kind, monkeypatch):
    app.config["MESSAGE_GAP"] = 60
    client = verified("ning", kind)
    with monkeypatch.context() as patch:
        unmailable(patch, OLD)
        says(client.post("/user/email/unbind", data={"new_email": NEW}), 10812, "原邮件地址无法发送邮件")
    with monkeypatch.context() as patch:
        unmailable(patch, NEW)
        reply = client.post("/user/email/unbind", data={"new_email": NEW})
        says(reply, 10901, "发送邮件失败：SMTPRecipientsRefused")
    none = {"old_captcha": WRONG, "new_captcha": WRONG}
    says(client.post("/user/email/unbind_confirm", data=none), 10802, "验证邮件已过期，或数据不存在，请重新发送邮件")


def test_10901_for_a_verification_spends_nothing(app, signed_in, monkeypatch):
    client = signed_in("ning", email=OLD)
    app.config["MESSAGE_GAP"] = 60
    for path, values in (("/email/send", {"type": "old_send_again"}), ("/user/email/new", {"email": NEW})):
        with monkeypatch.context() as patch:
            unmailable(patch, values.get("email", OLD))
            assert refused(client.post(path, data=values)) == 10901
        assert client.get("/user/email/status").json["data"]["email"] == OLD
        accepted(client.post(path, data=values))


@KINDS
def test_10813_and_10814_the_old_code_first_and_only_a_right_pair_is_used_up(changing, kind):
    client, right = changing("ning", kind)
    old_wrong, new_wrong = "原邮箱的验证码不正确，请确认顺序", "新邮箱的验证码不正确，请确认顺序"
    swapped = {"old_captcha": right["new_captcha"], "new_captcha": right["old_captcha"]}
    says(client.post("/user/email/unbind_confirm", data=swapped), 10813, old_wrong)
    says(client.post("/user/email/unbind_confirm", data={"new_captcha": right["new_captcha"]}), 10813, old_wrong)
    says(client.post("/user/email/unbind_confirm", data={"old_captcha": right["old_captcha"]}), 10814, new_wrong)
    says(client.post("/user/email/unbind_confirm", data={**right, "new_captcha": WRONG}), 10814, new_wrong)
    reply = client.post("/user/email/unbind_confirm", data=right)
    assert reply.status_code == 303 or accepted(reply)


@KINDS
def test_10815_taken_while_the_codes_were_on_their_way(app, changing, make_user, kind):
    client, right = changing("ning", kind)
    make_user("quick", email=NEW)
    says(client.post("/user/email/unbind_confirm", data=right), 10815, "新的邮箱已被注册，请更换")
    app.test_client_class = Json
    assert client.get("/user/info", headers={"Accept": "*/*"}).json["data"]["email"] == OLD


@KINDS
def test_10816_the_account_changed_in_this_moment(app, changing, kind, monkeypatch):
    client, right = changing("ning", kind)
    meddle(monkeypatch, app, codes, "matches", email_verified=False)
    says(client.post("/user/email/unbind_confirm", data=right), 10816, "更新邮箱地址失败，请重试")


@KINDS
def test_10817_one_message_a_minute(app, signed_in, kind):
    client = signed_in("ning", kind)
    app.config["MESSAGE_GAP"] = 60
    assert client.post("/email/send", data={"type": "old_send_again"}).status_code in (200, 303)
    reply = client.post("/email/send", data={"type": "old_send_again"})
    says(reply, 10817, "发送过于频繁，请稍后再试")
    assert 0 < int(reply.headers["Retry-After"]) <= 61
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=62)):
        assert client.post("/email/send", data={"type": "old_send_again"}).status_code in (200, 303)


def test_a_get_is_10108_and_a_stranger_minus_2(app, signed_in):
    client = signed_in()
    for path in ("/email/send", "/user/email/bind", "/user/email/new", "/user/email/unbind_confirm"):
        reply = client.get(path)
        assert refused(reply) == 10108 and "POST" in reply.headers["Allow"]
        assert refused(app.test_client().post(path)) == -2
    assert refused(app.test_client().get("/user/email/status")) == -2
