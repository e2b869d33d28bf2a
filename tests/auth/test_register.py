"""Registration: who may be called what, which line each refusal has, and the mail that goes out."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from tests.callers import done, signed_in_as, told
from tests.conftest import ANSWER, PASSWORD, Json
from userapp import delivery
from userapp.errors import MailNotSent
from userapp.extensions import db
from userapp.models import User

PHONE = "13800138000"


def accounts(app):
    with app.app_context():
        return db.session.execute(select(func.count()).select_from(User)).scalar_one()


def test_a_registration_answers_the_user_and_signs_in(caller, app):
    """Document A, register; contract 3: `data` is the user; the session is signed in (cookie)."""
    reply = caller.register("ning", email="Ning@Example.com", phone="138 0013 8000")
    done(reply, "注册成功")
    if reply.is_json:
        body = reply.json
        expected = {"id": 1, "uid": "1", "uname": "ning", "email": "ning@example.com", "phone": "+86" + PHONE}
        assert {name: body["data"][name] for name in expected} == expected
        assert body["uid"] == "1" and body["uname"] == "ning" and body["data"]["user_type"] == "student"
    assert signed_in_as(caller) == "ning"


@pytest.mark.parametrize("spelling", ["data", "json"])
@pytest.mark.parametrize("blank", ["", " ", "  \t"])
def test_a_blank_phone_or_email_is_none(client, blank, spelling):
    """Contract 6: 10010 无效参数：缺少手机或邮箱; the one that is there is enough."""
    values = {"password": PASSWORD, "phone": blank, "email": blank}
    sent = values | {"uname": "ning", "captcha": client.captcha()}
    told(client.post("/user/register", **{spelling: sent}), "无效参数：缺少手机或邮箱", 10010, 403)
    for uname, way in (("ning", {"phone": f" {PHONE} "}), ("lan", {"email": " a@example.com "})):
        sent = values | way | {"uname": uname, "captcha": client.captcha()}
        done(client.post("/user/register", **{spelling: sent}), "注册成功")


@pytest.mark.parametrize("way", [{"phone": PHONE}, {"email": "a@example.com"}])
@pytest.mark.parametrize("spelling", ["data", "json"])
def test_a_phone_or_an_email_is_enough(client, way, spelling):
    """Document A, register: phone或email 手机或邮箱至少一项; contract 1: as form and as JSON."""
    values = {"uname": "ning", "password": PASSWORD, "captcha": client.captcha(), **way}
    done(client.post("/user/register", **{spelling: values}), "注册成功")


def test_the_uid_is_assigned_from_the_id(client, make_user):
    """Contract 2, uid: assigned from `id`."""
    assert [(user["id"], user["uid"]) for user in (make_user("ning"), make_user("lan"), make_user("mei"))] == [
        (1, "1"), (2, "2"), (3, "3"),
    ]  # fmt: skip


def test_a_uid_that_an_import_took_is_not_given_again(client, make_user, app):
    """Contract 2, uid: unique, unless an administrator or an import sets it."""
    make_user()
    with app.app_context():
        db.session.get_one(User, 1).uid = "2"
        db.session.commit()
    user = make_user("lan")
    assert user["id"] == 2 and user["uid"] != "2" and user["uid"].isdigit() and len(user["uid"]) <= 30


def test_a_program_that_registers_gets_a_token(client):
    """Contract 3: client = android / ios / api also get `token` and `expire` in `data`."""
    reply = client.register("ning", email="a@example.com", client="ios")
    assert client.get("/user/info", headers={"token": reply.json["data"]["token"]}).json["data"]["uname"] == "ning"
    assert signed_in_as(client) is None


def test_a_get_is_told_to_post(client):
    """Document A, register: 请求方式：POST."""
    reply = client.get("/user/register")
    told(reply, "请使用 POST 请求", 10108, 403)
    assert "POST" in reply.headers["Allow"]


REFUSED = [
    ({"uname": ""}, 10009, "无效参数：缺少用户名或密码"),
    ({"uname": "   "}, 10009, "无效参数：缺少用户名或密码"),
    ({"password": ""}, 10009, "无效参数：缺少用户名或密码"),
    ({"email": ""}, 10010, "无效参数：缺少手机或邮箱"),
    ({"email": "", "phone": ""}, 10010, "无效参数：缺少手机或邮箱"),
    ({"uname": "12345"}, 10007, "用户名不能全为数字"),
    ({"uname": "１２３"}, 10007, "用户名不能全为数字"),
    ({"uname": "٣٤٥"}, 10007, "用户名不能全为数字"),
    ({"uname": "a b"}, 10008, "用户名包含特殊字符"),
    ({"uname": "a@b.cn"}, 10008, "用户名包含特殊字符"),
    ({"uname": "a"}, 10008, "用户名包含特殊字符"),
    ({"uname": "x" * 31}, 10008, "用户名包含特殊字符"),
    ({"uname": "x" * 4000}, 10008, "用户名包含特殊字符"),
    ({"uname": "+86-13800138000"}, 10008, "用户名包含特殊字符"),
    ({"uname": "138-0013-8000"}, 10008, "用户名包含特殊字符"),
    ({"uname": "<b>"}, 10008, "用户名包含特殊字符"),
    ({"uname": "ning\u200b"}, 10008, "用户名包含特殊字符"),
    ({"uname": "ning🙂"}, 10008, "用户名包含特殊字符"),
    ({"email": "nobody"}, 10000, "邮箱格式不正确"),
    ({"email": "a@b"}, 10000, "邮箱格式不正确"),
    ({"email": "a@example.com\nBcc: x@example.com"}, 10000, "邮箱格式不正确"),
    ({"email": "x" * 300 + "@example.com"}, 10000, "邮箱格式不正确"),
    ({"phone": "12"}, 10006, "手机号格式不正确"),
    ({"phone": "010-62770334"}, 10006, "手机号格式不正确"),
    ({"phone": "abc"}, 10006, "手机号格式不正确"),
    ({"password": "xyz12"}, 10001, "密码长度必须在6-32位之间"),
    ({"password": "x9" * 17}, 10001, "密码长度必须在6-32位之间"),
    ({"password": "123456"}, 10205, "密码过于常见，请更换"),
    ({"password": "PASSWORD"}, 10205, "密码过于常见，请更换"),
    ({"uname": "ninglan7", "password": "NingLan7"}, 10205, "密码过于常见，请更换"),
    ({"password": "a@example.com"}, 10205, "密码过于常见，请更换"),
    ({"phone": PHONE, "password": PHONE}, 10205, "密码过于常见，请更换"),
]


@pytest.mark.parametrize("kind_of_caller", ["data", "json"])
def test_each_refusal_has_its_line_and_spends_no_captcha(app, client, kind_of_caller):
    """Contract 6, register 100 and 10205; contract 8: refused for its parameters has not spent the captcha."""
    good = {"uname": "ning", "email": "a@example.com", "password": PASSWORD, "captcha": client.captcha()}
    for wrong, number, message in REFUSED:
        reply = client.post("/user/register", **{kind_of_caller: good | wrong})
        assert (reply.json["code"], reply.json["msg"], reply.status_code) == (number, message, 403), wrong
    assert accounts(app) == 0
    done(client.post("/user/register", **{kind_of_caller: good}), "注册成功")


def test_each_refusal_is_shown_on_the_page(browser, app):
    """Contract 6, register 100, as a person reads it."""
    good = {"uname": "ning", "email": "a@example.com", "password": PASSWORD, "captcha": ANSWER}
    for wrong, number, message in REFUSED:
        told(browser.post("/user/register", data=good | wrong), message, number, 403)
    assert accounts(app) == 0


@pytest.mark.parametrize(
    "again,number,message",
    [
        ({"uname": "ning"}, 10004, "用户名已存在"),
        ({"uname": "NING"}, 10004, "用户名已存在"),
        ({"uname": "ｎｉｎｇ"}, 10004, "用户名已存在"),
        ({"phone": "+86 138 0013 8000"}, 10005, "手机号已存在"),
        ({"phone": "0086-138-0013-8000"}, 10005, "手机号已存在"),
        ({"email": "NING@EXAMPLE.COM"}, 10002, "当前邮箱已存在"),
    ],
)
def test_what_somebody_has_cannot_be_had_twice(caller, make_user, app, again, number, message):
    """Contract 6: 10002, 10004, 10005; contract 2: uname, phone and email are unique in one canonical form."""
    make_user("ning", phone=PHONE, email="ning@example.com")
    values = {"uname": "lan", "email": "lan@example.com", **again}
    told(caller.register(**values), message, number, 403)
    assert accounts(app) == 1 and signed_in_as(caller) is None


def test_the_unique_columns_decide_where_two_look_at_once(client, make_user, app, monkeypatch):
    """Contract 6: 10004, also for whoever looked before the other wrote; 10003 无法创建新的用户 for anything else."""
    from userapp.auth import services

    make_user("ning")
    look, calls = services._refuse_taken, []

    def blind_at_first(user):
        calls.append(user)
        if len(calls) > 1:
            look(user)

    monkeypatch.setattr(services, "_refuse_taken", blind_at_first)
    told(client.register("NING", email="other@example.com"), "用户名已存在", 10004, 403)
    assert len(calls) == 2 and accounts(app) == 1
    monkeypatch.setattr(services, "_refuse_taken", lambda user: None)
    told(client.register("NING", email="other@example.com"), "无法创建新的用户", 10003, 403)


def test_what_is_asked_of_the_database(client, statements):
    """The captcha is spent, the names are looked up; account, number, session and event are one transaction."""
    done(client.register("ning", phone=PHONE), "注册成功")
    kinds = [statement.split()[0] for statement in statements if not statement.startswith("BEGIN")]
    assert kinds == ["INSERT", "SELECT", "INSERT", "UPDATE", "INSERT", "INSERT"]
    statements.clear()
    done(client.login("ning"), "登录成功")
    assert len([statement for statement in statements if not statement.startswith("BEGIN")]) <= 11


@pytest.mark.parametrize("name", ["宁", "寧寧", "ning_lan-7", "Ñandú", "나나", "x" * 30])
def test_names_of_any_script_are_welcome_from_two_characters_on(client, name):
    """Contract 3, register: 2–30 letters and digits of any script, `_`, `-`."""
    reply = client.register(name, email="a@example.com")
    assert reply.json["code"] == (0 if len(name) >= 2 else 10008)
    if reply.json["status"]:
        assert reply.json["uname"] == name and client.login(name).json["code"] == 0


def test_a_new_address_gets_the_mail_that_verifies_it(caller, outbox):
    """Contract 3, register: with an e-mail, the activation mail goes out."""
    done(caller.register("ning", email="ning@example.com"), "注册成功")
    mails = outbox()
    assert [(mail["kind"], mail["to"]) for mail in mails] == [("mail", "ning@example.com")]
    assert PASSWORD not in str(mails)


def test_a_registration_by_phone_alone_sends_nothing(client, outbox):
    """Contract 3, register: with an e-mail."""
    done(client.register("ning", phone=PHONE), "注册成功")
    assert outbox() == []


def test_a_mail_that_cannot_be_sent_does_not_undo_the_registration(client, outbox, monkeypatch, app):
    """Contract 3, register: its failure does not undo the registration."""

    def fail(*_arguments):
        raise MailNotSent(kind="ConnectionRefusedError")

    monkeypatch.setattr(delivery, "send_mail", fail)
    done(client.register("ning", email="ning@example.com"), "注册成功")
    assert outbox() == [] and accounts(app) == 1
    app.test_client_class = Json
    assert app.test_client().login("ning").json["code"] == 0


def test_an_address_over_its_messages_registers_without_a_mail(make_app):
    """Contract 5: per target address at most one message a minute; contract 3: no failure of mail undoes it."""
    from userapp import codes, messages

    app = make_app(MESSAGE_GAP=60)
    app.test_client_class = Json
    with app.app_context():
        codes.allow_message("email", "ning@example.com")
    done(app.test_client().register("ning", email="ning@example.com"), "注册成功")
    with app.app_context():
        messages.deliver_due()
        assert delivery.outbox() == []


def test_a_refused_registration_leaves_the_targets_budget_alone(make_app):
    """Contract 5: a message is charged when it goes out, not when a name was taken."""
    from userapp import messages

    app = make_app(MESSAGE_GAP=60)
    app.extensions["userapp.courier"].stop()
    app.test_client_class = Json
    done(app.test_client().register("ning", phone=PHONE), "注册成功")
    told(app.test_client().register("ning", email="lan@example.com"), "用户名已存在", 10004, 403)
    done(app.test_client().register("lan", email="lan@example.com"), "注册成功")
    with app.app_context():
        messages.deliver_due()
        assert [mail["to"] for mail in delivery.outbox()] == ["lan@example.com"]


def test_the_profile_sets_the_length_of_passwords(make_app):
    """Contract 7, password length: strict 15–128, told with the numbers of the setting."""
    app = make_app(SECURITY_PROFILE="strict")
    app.test_client_class = Json
    reply = app.test_client().register("ning", "fourteen-chars", email="a@example.com")
    told(reply, "密码长度必须在15-128位之间", 10001, 403)
    done(app.test_client().register("ning", "x7-" * 42, email="a@example.com"), "注册成功")


def test_the_password_is_stored_as_argon2id_only(client, app):
    """Contract 4: argon2id."""
    client.register("ning", email="a@example.com")
    with app.app_context():
        assert db.session.execute(select(User.password_hash)).scalar_one().startswith("$argon2id$")


def test_registering_while_signed_in_makes_the_new_one_the_session(caller, make_user):
    """Contract 4: a new session key at every sign-in; no mixing of accounts."""
    make_user()
    done(caller.login("ning"), "登录成功")
    done(caller.register("lan", email="lan@example.com"), "注册成功")
    assert signed_in_as(caller) == "lan"


@pytest.mark.parametrize("spelling", ["data", "json"])
def test_the_session_whose_cookie_a_registration_replaces_is_dead(client, make_user, spelling):
    """Contract 4: nobody could end it any more."""
    make_user()
    done(client.login("ning"), "登录成功")
    former = client.get_cookie("session").value
    values = {"uname": "lan", "email": "lan@example.com", "password": PASSWORD, "captcha": client.captcha()}
    done(client.post("/user/register", **{spelling: values}), "注册成功")
    assert signed_in_as(client) == "lan"
    client.set_cookie("session", former)
    assert signed_in_as(client) is None
