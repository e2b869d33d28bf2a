"""Sign-in: every line of document A's table, in its order; identifiers, kinds of client, failures and devices."""

from __future__ import annotations

import datetime
import hashlib

import pytest
import time_machine
from sqlalchemy import select, update

from tests.callers import done, signed_in_as, told
from tests.conftest import ANSWER, PASSWORD, Json
from userapp import passwords
from userapp.auth import guesses
from userapp.extensions import db
from userapp.models import User
from userapp.profiles import PROFILES

PHONE = "13800138000"
JSON = {"Accept": "application/json"}
OTHER = "another-secret-7"


def change(app, **values):
    with app.app_context():
        db.session.execute(update(User).values(**values))
        db.session.commit()


def stored_hash(app):
    with app.app_context():
        return db.session.execute(select(User.password_hash)).scalar_one()


# document A's table


def test_a_right_password_signs_in_with_the_documented_fields(client, make_user):
    """Document A, login, 200 登录成功; 登录成功时，返回json信息: uid, uname, phone, email, gender, intro, avatar."""
    make_user(phone=PHONE, email="ning@example.com")
    reply = client.login("ning")
    body = reply.json
    assert (reply.status_code, body["status"], body["code"], body["msg"]) == (200, True, 0, "登录成功")
    flat = {"uid": "1", "uname": "ning", "phone": "+86" + PHONE, "email": "ning@example.com", "gender": 0, "intro": ""}
    assert {name: body[name] for name in flat} == flat == {name: body["data"][name] for name in flat}
    assert body["avatar"] == body["data"]["avatar"] and body["avatar"].startswith("http://localhost/")
    assert "token" not in body["data"] and "expire" not in body["data"]


def test_the_session_is_returned_in_a_cookie(caller, make_user):
    """Document A, login, 200: 在cookie中返回session，存储登录信息."""
    make_user()
    reply = caller.login("ning")
    done(reply, "登录成功")
    cookie = next(line for line in reply.headers.getlist("Set-Cookie") if line.startswith("session="))
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert signed_in_as(caller) == "ning"


def test_a_get_is_told_to_post(client):
    """Document A, login, 403: 请使用 POST 请求."""
    reply = client.get("/user/login")
    told(reply, "请使用 POST 请求", 10108, 403)
    assert "POST" in reply.headers["Allow"]
    assert client.put("/user/login").status_code in (403, 405)


def test_a_get_by_a_browser_is_the_page(browser):
    """Contract 3, login: POST (GET = page)."""
    reply = browser.get("/user/login")
    assert (reply.status_code, reply.mimetype) == (200, "text/html")


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"user": "ning"},
        {"password": PASSWORD},
        {"user": "", "password": PASSWORD},
        {"user": "   ", "password": PASSWORD},
        {"user": "ning", "password": ""},
        {"uid": "1", "uname": "ning", "password": PASSWORD},
        {"email": "ning@example.com", "phone": PHONE, "password": PASSWORD},
        {"name": "ning", "password": PASSWORD},
        {"user": "ning", "password": PASSWORD, "client": "fridge"},
    ],
)
def test_missing_or_contradicting_parameters_are_refused_before_the_captcha(caller, values):
    """Document A, login, 403: 无效参数; contract 8: two or more of the four are 10107."""
    caller.captcha()
    told(caller.post("/user/login", data=values), "无效参数", 10107, 403)
    told(caller.post("/user/login", data=values | {"captcha": ANSWER}), "无效参数", 10107, 403)


@pytest.mark.parametrize("user", ["nobody", "77", "13900139000", "nobody@example.com", "'; --", "@", "x" * 254])
def test_an_unknown_user_is_refused(caller, user):
    """Document A, login, 403: 无此用户."""
    told(caller.login(user), "无此用户", 10100, 403)


def test_a_wrong_password_is_refused(caller, make_user):
    """Document A, login, 403: 密码错误."""
    make_user()
    told(caller.login("ning", "wrong-horse-9"), "密码错误", 10101, 403)
    assert signed_in_as(caller) is None


@pytest.mark.parametrize("password", [PASSWORD + " ", " " + PASSWORD, PASSWORD.upper(), PASSWORD[:-1], "x" * 4000])
def test_a_password_counts_to_the_character(client, make_user, password):
    """Contract 4: never truncated or trimmed."""
    make_user()
    told(client.login("ning", password), "密码错误", 10101, 403)


def test_a_password_is_the_same_in_any_width(client, make_user):
    """Contract 4: counted in characters after NFKC."""
    make_user()
    done(client.login("ning", "ｃｏｒｒｅｃｔ-horse-９"), "登录成功")


def test_checks_come_in_the_order_of_the_table(client, make_user):
    """Document A, login, 403, and contract 6: method, parameters, captcha (missing, expired, wrong), user, password."""
    make_user()

    def ask(**values):
        return client.post("/user/login", data=values).json["msg"]

    assert client.get("/user/login", query_string={"user": "ning"}).json["msg"] == "请使用 POST 请求"
    assert ask(captcha="NOPE9") == "无效参数"
    assert ask(user="nobody", password="bad") == "请输入验证码"
    assert ask(user="nobody", password="bad", captcha="NOPE9") == "验证码过期"
    client.captcha()
    assert ask(user="nobody", password="bad", captcha="NOPE9") == "验证码错误"
    client.captcha()
    assert ask(user="nobody", password="bad", captcha=ANSWER) == "无此用户"
    client.captcha()
    assert ask(user="ning", password="bad", captcha=ANSWER) == "密码错误"


def test_the_reply_to_a_wrong_captcha_tells_nobody_who_exists(client, make_user):
    """Contract 6: the captcha comes before the user."""
    make_user()
    replies = []
    for user in ("ning", "nobody"):
        client.captcha()
        replies.append(client.post("/user/login", data={"user": user, "password": "x", "captcha": "NOPE9"}).data)
    assert replies[0] == replies[1]


def test_an_unexpected_failure_is_500(app, caller, make_user, monkeypatch):
    """Document A, login: 500 服务器错误."""
    make_user()
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fall(*_arguments):
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(passwords, "verify", fall)
    reply = caller.login("ning")
    told(reply, "服务器错误", -3, 500)
    assert "secret of ours" not in reply.get_data(as_text=True)


# identifiers


@pytest.mark.parametrize(
    "user", ["ning", "NING", "ｎｉｎｇ", " ning ", "1", "１", PHONE, "+86 138-0013-8000", "NING@Example.COM"]
)
def test_user_is_recognised_by_its_shape(caller, make_user, user):
    """Document A, login: 传入user则自动判断类型."""
    make_user(phone=PHONE, email="ning@example.com")
    done(caller.login(user), "登录成功")
    assert signed_in_as(caller) == "ning"


@pytest.mark.parametrize(
    "field,value",
    [("uid", "1"), ("uname", "NING"), ("phone", PHONE), ("phone", "0086" + PHONE), ("email", "Ning@example.com")],
)
@pytest.mark.parametrize("spelling", ["data", "json"])
def test_each_of_the_four_named_fields_signs_in(client, make_user, field, value, spelling):
    """Document A, login: (user)或(uid,uname,phone,email)其中一项; contract 1: as form and as JSON."""
    make_user(phone=PHONE, email="ning@example.com")
    values = {field: value, "password": PASSWORD, "captcha": client.captcha()}
    done(client.post("/user/login", **{spelling: values}), "登录成功")


def test_a_number_in_json_means_its_text(client, make_user):
    """Contract 1: a value sent as a JSON number or boolean means its text."""
    make_user(phone=PHONE)
    for name, value in (("user", 1), ("uid", 1), ("phone", int(PHONE))):
        done(
            client.post("/user/login", json={name: value, "password": PASSWORD, "captcha": client.captcha()}),
            "登录成功",
        )


@pytest.mark.parametrize("field,value", [("uid", "ning"), ("uname", "1"), ("email", PHONE), ("phone", "1")])
def test_a_named_field_finds_nothing_of_another_kind(client, make_user, field, value):
    """Document A, login, 403: 无此用户."""
    make_user(phone=PHONE, email="ning@example.com")
    values = {field: value, "password": PASSWORD, "captcha": client.captcha()}
    told(client.post("/user/login", data=values), "无此用户", 10100, 403)


def test_user_wins_over_the_named_fields(client, make_user):
    """Contract 8: `user` wins over the four named fields."""
    make_user()
    make_user("lan", OTHER)
    values = {"user": "ning", "uname": "lan", "uid": "2", "password": PASSWORD, "captcha": client.captcha()}
    assert client.post("/user/login", data=values).json["uname"] == "ning"


# kinds of client


@pytest.mark.parametrize("program", ["android", "ios", "api"])
def test_a_program_gets_a_working_token_and_no_session_cookie(client, make_user, program):
    """Contract 8: client=android|ios|api answers with a token and sets no session cookie."""
    make_user()
    reply = client.login("ning", client=program)
    data = reply.json["data"]
    assert (
        len(data["token"]) == 64 and set(data["token"]) <= set("0123456789abcdef") and isinstance(data["expire"], int)
    )
    assert not any(line.startswith(("session=", "token=")) for line in reply.headers.getlist("Set-Cookie"))
    assert signed_in_as(client) is None
    for way in ({"token": data["token"]}, {"Authorization": "Bearer " + data["token"]}):
        assert client.get("/user/info", headers=way).json["data"]["uname"] == "ning"
    assert client.get("/user/info", query_string={"__token": data["token"]}).json["data"]["uname"] == "ning"
    assert client.post("/user/info", data={"__token": data["token"]}).json["data"]["uname"] == "ning"
    assert client.post("/user/info", json={"__token": data["token"]}).json["data"]["uname"] == "ning"


def test_client_web_is_the_default(client, make_user):
    """Contract 3, login: client = web (default)."""
    make_user()
    assert "token" not in client.login("ning", client="web").json["data"]
    assert signed_in_as(client) == "ning"


def test_a_dead_token_beats_a_live_session(caller, make_user):
    """Contract 8: the first credential present decides, even if it is dead."""
    make_user()
    done(caller.login("ning"), "登录成功")
    for way in ({"token": "0" * 64}, {"token": ""}, {"Authorization": "Bearer junk"}):
        assert caller.get("/user/info", headers=JSON | way).json["code"] == -2
    assert caller.get("/user/info?__token=junk", headers=JSON).json["code"] == -2
    caller.set_cookie("token", "0" * 64)
    assert caller.get("/user/info", headers=JSON).json["code"] == -2
    caller.delete_cookie("token")
    assert signed_in_as(caller) == "ning"


def test_a_new_sign_in_clears_the_token_cookie(caller, make_user):
    """Contract 8: a new sign-in and a sign-out clear the `token` cookie."""
    make_user()
    caller.set_cookie("token", "0" * 64)
    done(caller.login("ning"), "登录成功")
    assert caller.get_cookie("token") is None
    assert signed_in_as(caller) == "ning"


@pytest.mark.parametrize("spelling", ["data", "json"])
def test_a_session_whose_cookie_is_replaced_is_dead(client, make_user, token_of, spelling):
    """Contract 4: a new session key at every sign-in; also beside a token, alive or dead, that decides who asks."""
    make_user()
    for token in ("", token_of(), "0" * 64):
        done(client.login("ning"), "登录成功")
        former = client.get_cookie("session").value
        if token:
            client.set_cookie("token", token)
        values = {"user": "ning", "password": PASSWORD, "captcha": client.captcha()}
        done(client.post("/user/login", **{spelling: values}), "登录成功")
        assert signed_in_as(client) == "ning"
        client.set_cookie("session", former)
        assert signed_in_as(client) is None


@pytest.mark.parametrize("spelling", ["data", "json"])
@pytest.mark.parametrize("program", ["android", "ios", "api"])
def test_a_programs_new_sign_in_clears_it_too(client, make_user, program, spelling):
    """Contract 8: a new sign-in clears the `token` cookie; left there it would decide before the new `__token`."""
    make_user()
    for path, more in (("/user/login", {"user": "ning"}), ("/user/register", {"uname": "lan", "email": "l@a.cn"})):
        client.set_cookie("token", "0" * 64)
        values = {"password": PASSWORD, "captcha": client.captcha(), "client": program, **more}
        reply = client.post(path, **{spelling: values})
        assert client.get_cookie("token") is None
        token = {"__token": reply.json["data"]["token"]}
        assert client.post("/user/info", **{spelling: token}).json["uname"] == reply.json["uname"]


def test_only_a_remembered_session_outlives_the_browser(caller, new_caller, make_user):
    """Contract 4: `remember` off = browser session."""
    make_user()

    def lasting(who, **fields):
        lines = who.login("ning", **fields).headers.getlist("Set-Cookie")
        return "Expires=" in next(line for line in lines if line.startswith("session="))

    assert not lasting(caller)
    assert lasting(new_caller(), remember="1")
    assert not lasting(new_caller(), remember="0")


def test_each_sign_in_gets_a_new_key(caller, make_user):
    """Contract 4: a new session key at every sign-in (no fixation)."""
    make_user()
    keys = set()
    for _ in range(3):
        done(caller.login("ning"), "登录成功")
        with caller.session_transaction() as session:
            keys.add(session["_user_id"])
    assert len(keys) == 3


def test_a_session_planted_before_sign_in_is_worth_nothing(client, make_user, app):
    """Contract 4: no fixation."""
    make_user()
    client.captcha()
    with client.session_transaction() as session:
        session["_user_id"] = "f" * 64
    planted = client.get_cookie("session").value
    done(client.login("ning"), "登录成功")
    app.test_client_class = Json
    attacker = app.test_client()
    attacker.set_cookie("session", planted)
    assert signed_in_as(attacker) is None


# what the profiles hide


@pytest.mark.parametrize(
    "profile,by_name,by_address",
    [
        ("documented", ("无此用户", "密码错误"), ("无此用户", "密码错误")),
        ("balanced", ("无此用户", "密码错误"), ("用户名或密码错误", "用户名或密码错误")),
        ("strict", ("用户名或密码错误", "用户名或密码错误"), ("用户名或密码错误", "用户名或密码错误")),
    ],
)
def test_the_profile_decides_who_is_told_apart(make_app, profile, by_name, by_address):
    """Contract 7, first row, and 10111 用户名或密码错误."""
    app = make_app(SECURITY_PROFILE=profile)
    app.test_client_class = Json
    made = app.test_client().register("ning", "correct-horse-battery-9", email="ning@example.com", phone=PHONE)
    assert made.json["status"], made.json

    def ask(user):
        reply = app.test_client().login(user, "wrong-horse-battery-9")
        assert reply.status_code == 403
        assert (reply.json["code"] == 10111) == (reply.json["msg"] == "用户名或密码错误")
        return reply.json["msg"]

    assert (ask("nobody"), ask("ning")) == by_name == (ask("77"), ask("1"))
    for unknown, known in (("no@example.com", "ning@example.com"), ("13900139000", PHONE)):
        assert (ask(unknown), ask(known)) == by_address


def test_after_twenty_disclosures_an_address_is_told_nothing_more(make_app):
    """Contract 7: after 20 such answers to one address in an hour the generic 10111."""
    app = make_app(ADDRESS_LIMITS=True, ADDRESS_LOGIN_TRIES=1000)
    app.test_client_class = Json
    with time_machine.travel(datetime.datetime.now(datetime.UTC), tick=False) as clock:
        client = app.test_client()
        said = [client.login(f"nobody{n}").json["code"] for n in range(22)]
        assert said == [10100] * 20 + [10111] * 2
        clock.shift(3601)
        assert client.login("nobody").json["code"] == 10100


def test_neighbours_in_one_ipv6_network_share_the_twenty(make_app):
    """Contract 7: one address (IPv6 /64)."""
    app = make_app(ADDRESS_LIMITS=True, DISCLOSURES=1)
    app.test_client_class = Json

    def ask(address, user):
        client = app.test_client()
        client.environ_base["REMOTE_ADDR"] = address
        return client.login(user).json["code"]

    assert [ask(a, f"no{n}") for n, a in enumerate(["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"])] == [
        10100, 10111, 10100,
    ]  # fmt: skip


# failures


def test_the_sixth_guess_is_refused_with_the_time_to_wait(caller, new_caller, make_user):
    """Contract 6 and 8: five failures in five minutes per account, then 10110 尝试次数过多，请稍后再试 (429)."""
    make_user()
    with time_machine.travel(datetime.datetime.now(datetime.UTC), tick=False) as clock:
        for _ in range(5):
            told(caller.login("ning", "wrong-horse-9"), "密码错误", 10101, 403)
        for password in ("wrong-horse-9", PASSWORD):
            reply = new_caller().login("NING", password)
            told(reply, "尝试次数过多，请稍后再试", 10110, 429)
            assert 290 <= int(reply.headers["Retry-After"]) <= 302
        clock.shift(302)
        done(caller.login("ning"), "登录成功")


def test_an_unknown_name_is_counted_like_a_known_one(client):
    """Contract 7: the budgets charged are the same for known and unknown accounts."""
    assert [client.login("nobody").json["code"] for _ in range(6)] == [10100] * 5 + [10110]


def test_all_four_identifiers_share_the_five(client, make_user):
    """Contract 8: counted per account."""
    make_user(phone=PHONE, email="ning@example.com")
    users = ["ning", "1", PHONE, "ning@example.com", "NING", "ning"]
    assert [client.login(user, "wrong-horse-9").json["code"] for user in users] == [10101] * 5 + [10110]


def test_a_right_password_clears_the_failures(client, make_user, app):
    """Contract 8: five failures, not five sign-ins."""
    make_user()
    app.test_client_class = Json
    for _ in range(2):
        for _ in range(4):
            assert app.test_client().login("ning", "wrong-horse-9").json["code"] == 10101
        assert app.test_client().login("ning").json["code"] == 0


def test_a_known_device_has_five_of_its_own(caller, new_caller, make_user):
    """Contract 8: nobody can lock an owner out: a device that signed in before has its own five."""
    make_user()
    done(caller.login("ning"), "登录成功")
    caller.post("/user/logout")
    for _ in range(5):
        new_caller().login("ning", "wrong-horse-9")
    told(new_caller().login("ning"), "尝试次数过多，请稍后再试", 10110, 429)
    for _ in range(5):
        told(caller.login("ning", "wrong-horse-9"), "密码错误", 10101, 403)
    told(caller.login("ning"), "尝试次数过多，请稍后再试", 10110, 429)


def test_a_known_device_signs_in_while_strangers_are_locked_out(caller, new_caller, make_user):
    """Contract 8: so that nobody can lock an owner out."""
    make_user()
    done(caller.login("ning"), "登录成功")
    caller.post("/user/logout")
    for _ in range(6):
        new_caller().login("ning", "wrong-horse-9")
    done(caller.login("ning"), "登录成功")
    told(new_caller().login("ning"), "尝试次数过多，请稍后再试", 10110, 429)


def test_too_many_wrong_in_a_row_leave_known_devices_and_recovery(caller, new_caller, make_user, app):
    """LOG-01: a hundred in `strict`, over any time; no lock that its owner cannot open."""
    app.config.update(LOGIN_TRIES_IN_A_ROW=6)
    make_user()
    done(caller.login("ning"), "登录成功")
    caller.post("/user/logout")
    with time_machine.travel(datetime.datetime.now(datetime.UTC), tick=False) as clock:
        for tries in (4, 6):  # a right password begins the count anew
            for _ in range(tries):
                told(new_caller().login("ning", "wrong-horse-9"), "密码错误", 10101, 403)
                clock.shift(400)
            if tries == 4:
                done(new_caller().login("ning"), "登录成功")
        told(new_caller().login("ning"), "尝试次数过多，请稍后再试", 10110, 429)
        clock.shift(30 * 86400)
        told(new_caller().login("ning"), "尝试次数过多，请稍后再试", 10110, 429)
        done(caller.login("ning"), "登录成功")
        with app.app_context():
            guesses.forget(db.session.connection(), "1")  # as a recovery does
            db.session.commit()
        done(new_caller().login("ning"), "登录成功")


def test_a_profile_says_how_many_in_a_row(make_app):
    """The documents know no such limit."""
    found = {name: make_app(SECURITY_PROFILE=name).config["LOGIN_TRIES_IN_A_ROW"] for name in PROFILES}
    assert found == {"documented": 0, "balanced": 0, "strict": 100}


def test_a_live_token_is_a_known_device_too(client, make_user, token_of):
    """Contract 8: or a live token."""
    make_user()
    token = token_of()
    for _ in range(6):
        client.login("ning", "wrong-horse-9")
    values = {"user": "ning", "password": PASSWORD, "client": "api"}
    refused = client.post("/user/login", data=values | {"captcha": client.captcha()})
    allowed = client.post("/user/login", data=values | {"captcha": client.captcha()}, headers={"token": token})
    assert (refused.json["code"], allowed.json["code"]) == (10110, 0)


def test_the_device_of_one_account_is_no_device_of_another(client, make_user, app):
    """Contract 8: signed in to the account before."""
    make_user()
    make_user("lan", OTHER)
    client.login("lan", OTHER)
    app.test_client_class = Json
    for _ in range(5):
        app.test_client().login("ning", "wrong-horse-9")
    assert client.login("ning").json["code"] == 10110


def test_guesses_from_one_address_are_counted_over_all_accounts(make_app):
    """Contract 7: failures per account and per address are counted in the database."""
    app = make_app(ADDRESS_LIMITS=True, ADDRESS_LOGIN_TRIES=6)
    app.test_client_class = Json
    client = app.test_client()
    codes = [client.login(f"nobody{n}").json["code"] for n in range(7)]
    assert codes == [10100] * 6 + [10110]


# the account


def test_a_disabled_account_is_told_so_only_with_its_password(caller, make_user, app):
    """Contract 8: 10109 账号已停用 (403)."""
    make_user()
    change(app, disabled=True)
    told(caller.login("ning", "wrong-horse-9"), "密码错误", 10101, 403)
    told(caller.login("ning"), "账号已停用", 10109, 403)
    assert signed_in_as(caller) is None


def test_an_account_without_a_password_cannot_be_entered(client, make_user, app):
    """Document A, login, 403: 密码错误."""
    make_user()
    change(app, password_hash=None)
    told(client.login("ning"), "密码错误", 10101, 403)


@pytest.mark.parametrize("bare", [True, False])
def test_an_imported_hash_is_renewed_at_sign_in(client, make_user, app, bare):
    """Contract 4: imported hashes verify and are re-hashed at the next sign-in."""
    make_user()
    with app.app_context():
        digest = hashlib.md5(PASSWORD.encode()).hexdigest()
        salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), b"salt", 10)
        import base64

        django = "pbkdf2_sha256$10$salt$" + base64.b64encode(salted).decode()
        imported = passwords.wrap_legacy(digest if bare else django)
    change(app, password_hash=imported)
    told(client.login("ning", "wrong-horse-9"), "密码错误", 10101, 403)
    assert stored_hash(app) == imported
    done(client.login("ning"), "登录成功")
    assert stored_hash(app).startswith("$argon2id$")
    done(client.login("ning"), "登录成功")


def test_a_hash_with_old_parameters_is_renewed_at_sign_in(client, make_user, app):
    """Contract 4: argon2id with the parameters of the settings."""
    make_user()
    app.config["ARGON2_TIME"] = 3
    done(client.login("ning"), "登录成功")
    assert ",t=3," in stored_hash(app)


@pytest.mark.parametrize(
    "target,followed", [("/user/info", True), ("//evil.example", False), ("/\\evil.example", False)]
)
def test_a_browser_goes_on_only_within_the_service(browser, make_user, target, followed):
    """Contract 1: a browser gets redirects (303); `next` never leads away."""
    make_user()
    reply = browser.login("ning", next=target)
    assert reply.status_code == 303 and (reply.location == target) == followed
    assert followed or reply.location == "/user/"


def test_signing_in_again_leaves_no_session_behind(app, signed_in):
    client = signed_in()
    before = client.get("/user/sessions").json["data"]
    assert client.login("ning").json["status"]
    after = client.get("/user/sessions").json["data"]
    assert len(after) == len(before) and {one["public_id"] for one in after} != {one["public_id"] for one in before}
    client.login("ning", "wrong-password-1")
    assert client.get("/user/info").json["status"], "what was refused ends nothing"
