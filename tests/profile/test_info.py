"""One's information: every field in both documents' spellings, every refusal, and who is told of a change."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import update

from tests.callers import done, signed_in_as, told
from tests.conftest import Browser, Json
from userapp import codes
from userapp.extensions import db
from userapp.models import Code, User, now

PHONE = "+8613800138000"
JSON = {"Accept": "application/json"}
DOCUMENT_A = {"uid", "uname", "phone", "email", "gender", "intro", "avatar"}
DOCUMENT_B = {"id", "user_type", "name", "avatar", "avatar_more", "email", "uid", "sex", "sex_flag", "description"}


@pytest.fixture
def me(signed_in, kind):
    """Somebody with a phone and an address, signed in as JSON client, then as browser."""
    return signed_in("ning", kind, phone=PHONE, email="ning@example.com")


def data(client):
    return client.get("/user/info", headers=JSON).json["data"]


def verify(app, **values):
    with app.app_context():
        db.session.execute(update(User).values(email_verified=True, **values))
        db.session.commit()


def test_the_reply_has_both_documents_fields_and_no_others(signed_in):
    """Document A, info, 返回参数; document B, /user/info, DataUserInfo; contract 2: one object."""
    body = signed_in("ning", phone=PHONE, email="ning@example.com").get("/user/info").json
    assert set(body["data"]) == DOCUMENT_A | DOCUMENT_B
    assert set(body) == {"status", "code", "msg", "data"} | DOCUMENT_A
    assert (body["status"], body["code"], body["msg"]) == (True, 0, "")
    assert {name: body[name] for name in DOCUMENT_A} == {name: body["data"][name] for name in DOCUMENT_A}


def test_the_fields_have_the_documented_types(signed_in):
    """Document B, /user/info: id a number, sex_flag a number, the rest text; contract 2's table."""
    found = signed_in("ning", phone=PHONE, email="ning@example.com").get("/user/info").json["data"]
    base = {"id": 1, "uid": "1", "uname": "ning", "name": "", "user_type": "student", "phone": PHONE}
    more = {"email": "ning@example.com", "gender": 0, "sex": "", "sex_flag": -1, "intro": "", "description": ""}
    assert {name: found[name] for name in base | more} == base | more
    sizes = found["avatar_more"]
    assert set(sizes) == {"lager", "large", "middle", "small"} and sizes["lager"] == sizes["large"]
    assert found["avatar"] == sizes["middle"] and len(set(sizes.values())) == 3


def test_an_account_without_address_or_phone_says_null(signed_in):
    """Contract 2: E.164 string or null, string or null."""
    assert data(signed_in("ning", phone=PHONE))["email"] is None
    assert data(signed_in("lan", email="lan@example.com"))["phone"] is None


def test_the_service_itself_serves_the_picture(signed_in):
    """Contract 2, avatar: a default picture that the service itself serves, its address from USERAPP_BASE_URL."""
    client = signed_in()
    for url in data(client)["avatar_more"].values():
        assert url.startswith("http://localhost/")
        reply = client.get(url.removeprefix("http://localhost"))
        assert reply.status_code == 200 and reply.mimetype.startswith("image/")
        reply.close()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stranger_is_told_to_sign_in(client, method):
    """Contract 4: -2 当前未登录，请登录; contract 2: counts as document B's, 200."""
    told(client.open("/user/info", method=method), "当前未登录，请登录", -2, 200)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_strangers_browser_is_sent_to_the_sign_in_page(browser, method):
    """Contract 1: a browser gets pages and redirects."""
    reply = browser.open("/user/info", method=method)
    assert reply.status_code == 303 and reply.location.startswith("/user/login")


def test_a_post_without_fields_reads(signed_in):
    """Document B, /user/info: Method: Default; contract 3: POST without fields = read, `msg` \"\"."""
    client = signed_in()
    empty = [{"data": sent, "content_type": "application/json"} for sent in (b"", b" \r\n", b"{}")]
    for body in ({"data": {}}, {"json": {}}, {"data": {"other": "1"}}, {"json": {"other": 1}}, *empty):
        reply = client.post("/user/info", **body)
        assert (reply.json["msg"], reply.json["data"]["uname"], reply.json["uname"]) == ("", "ning", "ning")


GENDERS = [
    ("gender", "0", (0, "", -1)),
    ("gender", "1", (1, "男", 0)),
    ("gender", "2", (2, "女", 1)),
    ("gender", "男", (1, "男", 0)),
    ("sex", "", (0, "", -1)),
    ("sex", "男", (1, "男", 0)),
    ("sex", "女", (2, "女", 1)),
    ("sex_flag", "-1", (0, "", -1)),
    ("sex_flag", "0", (1, "男", 0)),
    ("sex_flag", "1", (2, "女", 1)),
]


def test_gender_has_three_spellings_of_one_column(me):
    """Documents A (gender: 0未设置 1男 2女) and B (sex, sex_flag); contract 2: one column, three spellings."""
    for field, value, (gender, sex, flag) in GENDERS:
        done(me.post("/user/info", data={"gender": "2" if gender != 2 else "1"}), "修改成功")
        done(me.post("/user/info", data={field: value}), "修改成功")
        found = data(me)
        assert (found["gender"], found["sex"], found["sex_flag"]) == (gender, sex, flag), (field, value)


def test_numbers_in_json_mean_their_text(signed_in):
    """Contract 1: a value sent as a JSON number means its text."""
    client = signed_in()
    assert client.post("/user/info", json={"gender": 2}).json["data"]["sex"] == "女"
    assert client.post("/user/info", json={"sex_flag": 0}).json["data"]["sex"] == "男"
    assert client.post("/user/info", json={"sex_flag": -1}).json["data"]["gender"] == 0
    assert client.post("/user/info", json={"intro": None}).json["msg"] == ""


@pytest.mark.parametrize(
    "field,value", [("gender", "3"), ("gender", "x"), ("sex", "m"), ("sex_flag", "2"), ("gender", "-1")]
)
def test_an_unknown_gender_is_30100(me, field, value):
    """Contract 8: 30100 性别不正确."""
    told(me.post("/user/info", data={field: value}), "性别不正确", 30100)
    assert data(me)["gender"] == 0


@pytest.mark.parametrize("field", ["intro", "description"])
def test_the_introduction_has_two_names_and_five_hundred_characters(me, field):
    """Documents A (intro) and B (description); contract 2: string ≤ 500; contract 8: 30101 个人介绍过长."""
    done(me.post("/user/info", data={field: "字" * 500}), "修改成功")
    assert data(me)["intro"] == data(me)["description"] == "字" * 500
    told(me.post("/user/info", data={field: "字" * 501}), "个人介绍过长", 30101)
    assert data(me)["intro"] == "字" * 500
    done(me.post("/user/info", data={field: ""}), "修改成功")
    assert data(me)["intro"] == ""


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "🙂 宁\nzwei", "'; DROP TABLE users; --", "  spaced  ", "‮abc"]
)
def test_an_introduction_is_kept_as_it_was_written(me, text):
    """Document A, info: intro 要修改的个人介绍; shown on the page as text, never as markup."""
    done(me.post("/user/info", data={"intro": text}), "修改成功")
    assert data(me)["intro"] == text
    assert "<script>alert" not in me.get("/user/info", headers={"Accept": "text/html"}).get_data(as_text=True)


def test_what_was_not_sent_is_not_changed(me):
    """Contract 3: POST changes what was sent and nothing else."""
    before = data(me)
    done(
        me.post("/user/info", data={"intro": "新的", "uname": "lan", "uid": "9", "user_type": "admin", "name": "x"}),
        "修改成功",
    )
    assert data(me) == before | {"intro": "新的", "description": "新的"}


def test_a_phone_is_changed_and_the_old_one_told(me, outbox):
    """Document A, info: phone 要修改的手机号; contract 3: an old phone is told of the change."""
    done(me.post("/user/info", data={"phone": "139-0013-9000"}), "修改成功")
    assert data(me)["phone"] == "+8613900139000"
    told_to = [(message["kind"], message["to"]) for message in outbox()]
    assert ("sms", PHONE) in told_to and "13900139000" not in str(outbox())


@pytest.mark.parametrize(
    "phone,number,message", [("12", 10006, "手机号格式不正确"), ("+86139", 10006, "手机号格式不正确")]
)
def test_a_malformed_phone_is_10006(me, phone, number, message):
    """Contract 3, info: 10006 for the phone."""
    told(me.post("/user/info", data={"phone": phone}), message, number)
    assert data(me)["phone"] == PHONE


def test_a_taken_phone_is_10005(me, make_user):
    """Contract 3, info: 10005 for the phone."""
    make_user("lan", phone="+8613900139000")
    told(me.post("/user/info", data={"phone": "139 0013 9000", "intro": "x"}), "手机号已存在", 10005)
    assert (data(me)["phone"], data(me)["intro"]) == (PHONE, "")


def test_an_unverified_address_is_replaced_and_the_old_one_told(me, outbox):
    """Contract 3, info: becomes the new unverified address, mail sent; an old address is told of the change."""
    before = len(outbox())
    done(me.post("/user/info", data={"email": "New@Example.com"}), "修改成功")
    assert data(me)["email"] == "new@example.com"
    assert me.get("/user/email/status", headers=JSON).status_code in (200, 404)
    sent = outbox()[: len(outbox()) - before]
    assert sorted(mail["to"] for mail in sent) == ["new@example.com", "ning@example.com"]
    assert "new@example.com" not in next(mail for mail in sent if mail["to"] == "ning@example.com")["text"]


@pytest.mark.parametrize("email", ["nobody", "a@b", "a@example.com\r\nBcc: x@example.com", "x" * 300 + "@example.com"])
def test_a_malformed_address_is_10806(me, email):
    """Document B, 108: 10806 当前邮箱格式不正确."""
    told(me.post("/user/info", data={"email": email}), "当前邮箱格式不正确", 10806)
    assert data(me)["email"] == "ning@example.com"


def test_a_taken_address_is_10809(me, make_user, outbox):
    """Document B, 108: 10809 当前邮箱已存在，请更换新的邮箱地址."""
    make_user("lan", email="lan@example.com")
    before = len(outbox())
    told(me.post("/user/info", data={"email": "LAN@example.com"}), "当前邮箱已存在，请更换新的邮箱地址", 10809)
    assert data(me)["email"] == "ning@example.com" and len(outbox()) == before


def test_a_verified_address_does_not_move_here(me, app):
    """Document B, 108: 10808 该操作不允许修改已验证的邮箱; contract 8: nor is it cleared."""
    verify(app)
    for email in ("new@example.com", ""):
        told(me.post("/user/info", data={"email": email}), "该操作不允许修改已验证的邮箱", 10808)
    assert data(me)["email"] == "ning@example.com"


def test_the_last_way_to_reach_an_account_cannot_be_cleared(me):
    """Contract 8: an empty phone or email clears it unless it is the last way to reach the account (10010)."""
    done(me.post("/user/info", data={"email": ""}), "修改成功")
    assert data(me)["email"] is None
    told(me.post("/user/info", data={"phone": ""}), "无效参数：缺少手机或邮箱", 10010)
    done(me.post("/user/info", data={"phone": "", "email": "b@example.com"}), "修改成功")
    told(me.post("/user/info", data={"email": " "}), "无效参数：缺少手机或邮箱", 10010)
    assert (data(me)["phone"], data(me)["email"]) == (None, "b@example.com")


@pytest.mark.parametrize("profile,minutes", [("balanced", 16), ("strict", 6)])
@pytest.mark.parametrize("spelling", ["data", "json"])
def test_the_present_phone_and_address_ask_for_no_password(make_app, clock, profile, minutes, spelling):
    """Contract 7: changing e-mail or phone; contract 8: an equal value is no change, and the page sends all."""
    app = make_app(SECURITY_PROFILE=profile)
    here = {"headers": {"Sec-Fetch-Site": "same-origin"}}
    password = "correct-horse-battery-9"
    for kind in (Json, Browser):
        app.test_client_class = kind
        client = app.test_client()
        client.post("/user/register", data={"uname": kind.__name__, "password": password, "captcha": client.captcha(),
            "email": f"{kind.__name__}@example.com", "phone": PHONE if kind is Json else ""}, **here)  # fmt: skip
        clock.forward(minutes=minutes)
        present = {name: data(client)[name] or "" for name in ("phone", "email")}
        sent = {spelling: {**present, "intro": "新的"}} if kind is Json else {"data": {**present, "intro": "新的"}}
        done(client.post("/user/info", **sent, **here), "修改成功")
        assert data(client)["intro"] == "新的"
        for other in ({"phone": "13900139000"}, {"email": "x@example.com"}, {"phone": "", "intro": "x"}):
            if kind is Json:
                told(client.post("/user/info", **{spelling: other}, **here), "请重新输入密码", 4031, 200)
        assert data(client)["intro"] == "新的"


def test_a_value_equal_to_the_present_one_is_no_change(me, app, outbox):
    """Contract 8: a value equal to the present one is no change and no refusal; nobody is told."""
    verify(app)
    before = len(outbox())
    same = {"email": "NING@example.com", "phone": "138-0013-8000", "gender": "0", "intro": ""}
    assert me.post("/user/info", data=same).status_code in (200, 303)
    assert len(outbox()) == before
    with app.app_context():
        user = db.session.get_one(User, 1)
        assert (user.email_verified, user.email, user.phone) == (True, "ning@example.com", PHONE)


def test_a_taken_phone_is_told_before_a_taken_address(me, make_user):
    """Contract 3, info: 10005 and 10809."""
    make_user("lan", phone="+8613900139000", email="lan@example.com")
    both = {"phone": "13900139000", "email": "lan@example.com"}
    told(me.post("/user/info", data=both), "手机号已存在", 10005)


def test_the_unique_columns_decide_where_two_change_at_once(me, make_user, monkeypatch):
    """Contract 3, info: 10809 also for whoever looked before the other wrote."""
    from userapp.profile import services

    make_user("lan", email="lan@example.com")
    monkeypatch.setattr(services, "_refuse_taken", lambda *_looked_too_early: None)
    told(me.post("/user/info", data={"email": "lan@example.com"}), "当前邮箱已存在，请更换新的邮箱地址", 10809)


def test_a_refused_change_spends_nothing_of_the_addresss_messages(make_app):
    """Contract 8: whoever names somebody else's address cannot keep that person's mail away."""
    app = make_app(MESSAGE_GAP=60)
    app.test_client_class = Json
    lan, ning = app.test_client(), app.test_client()
    assert lan.register("lan", phone="+8613900139000").json["status"]
    assert ning.register("ning", phone=PHONE).json["status"]
    with app.app_context():
        db.session.execute(update(User).where(User.uname == "lan").values(email="lan@example.com"))
        db.session.commit()
    told(ning.post("/user/info", data={"email": "lan@example.com"}), "当前邮箱已存在，请更换新的邮箱地址", 10809)
    with app.app_context():
        codes.allow_message("email", "lan@example.com")


def test_a_program_changes_with_its_token_and_gets_no_cookie(client, make_user, token_of):
    """Contract 1: JSON client, token."""
    make_user()
    reply = client.post("/user/info", json={"intro": "从手机"}, headers={"token": token_of()})
    assert reply.json["msg"] == "修改成功" and reply.json["intro"] == "从手机" and "Set-Cookie" not in reply.headers


def test_two_clients_are_two_people(signed_in):
    """Document B, /user/info: 读取登录用户基本信息."""
    ning, lan = signed_in("ning"), signed_in("lan", Browser)
    done(lan.post("/user/info", data={"intro": "兰"}), "修改成功")
    assert (data(ning)["intro"], data(lan)["intro"], signed_in_as(ning)) == ("", "兰", "ning")


def test_a_disabled_account_reads_nothing_more(signed_in, app):
    """Contract 4: no valid credential: -2."""
    client: Json = signed_in()
    with app.app_context():
        db.session.execute(update(User).values(disabled=True))
        db.session.commit()
    told(client.get("/user/info"), "当前未登录，请登录", -2, 200)


def test_a_session_unseen_for_a_while_can_change_what_it_likes(signed_in):
    client = signed_in()
    with time_machine.travel(now() + timedelta(minutes=2)):
        assert client.post("/user/info", data={"intro": "seen again"}).json["status"]
        assert client.get("/user/info").json["data"]["intro"] == "seen again"


@pytest.mark.parametrize("value", [{"phone": "13900139000"}, {"email": "other@example.com"}])
def test_a_reset_sent_to_what_was_replaced_is_void(app, signed_in, value):
    client = signed_in("ning", phone="13800138000", email="ning@example.com")
    stranger = Json(app)
    stranger.post("/user/reset", data={"email": "ning@example.com", "captcha": stranger.captcha()})
    assert client.post("/user/info", data=value).json["status"]
    with app.app_context():
        assert db.session.query(Code).filter_by(purpose="reset").count() == 0


def test_a_reset_under_way_outlives_a_change_that_is_none(app, signed_in):
    client = signed_in("ning", phone="13800138000", email="ning@example.com")
    stranger = Json(app)
    stranger.post("/user/reset", data={"email": "ning@example.com", "captcha": stranger.captcha()})
    same = {"phone": "13800138000", "email": "ning@example.com", "intro": "hello"}
    assert client.post("/user/info", data=same).json["status"]
    with app.app_context():
        assert db.session.query(Code).filter_by(purpose="reset").count() == 1
