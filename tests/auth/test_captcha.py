"""The captcha: fetched as picture or sound, spent by one try, forgiving about everything but the answer."""

from __future__ import annotations

import datetime
import io
import wave

import pytest
import time_machine

from tests.callers import done, told
from tests.conftest import ANSWER, PASSWORD

MISSING, EXPIRED, WRONG = ("请输入验证码", 30000, 403), ("验证码过期", 30001, 403), ("验证码错误", 30002, 403)


def attempt(client, captcha=ANSWER, user="ning", password=PASSWORD, **fields):
    return client.post("/user/login", data={"user": user, "password": password, "captcha": captcha, **fields})


def test_the_picture_is_a_png_with_a_cookie_and_is_never_cached(client):
    """Document A, captcha, 返回内容：image/png，cookie."""
    reply = client.get("/user/captcha")
    assert (reply.status_code, reply.mimetype) == (200, "image/png")
    assert reply.headers["Cache-Control"] == "no-store"
    cookie = reply.headers["Set-Cookie"]
    assert (
        cookie.startswith("captcha=") and "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Max-Age=300" in cookie
    )
    assert ANSWER not in cookie and ANSWER.lower() not in cookie.lower()


def test_issuing_writes_nothing(client, statements):
    """Contract 3 and 7: a flood of pictures costs no storage."""
    statements.clear()
    client.get("/user/captcha")
    client.get("/user/captcha?format=audio")
    assert all(statement.startswith("SELECT") for statement in statements)


@pytest.mark.parametrize("path", ["/user/login", "/user/register"])
def test_a_missing_answer_is_30000_an_unfetched_challenge_30001_a_wrong_answer_30002(caller, make_user, path):
    """Document A, login, 403: 请输入验证码|验证码过期|验证码错误."""
    make_user()
    values = {"user": "ning", "uname": "other", "email": "o@example.com", "password": PASSWORD}
    told(caller.post(path, data=values), *MISSING)
    told(caller.post(path, data=values | {"captcha": "   "}), *MISSING)
    told(caller.post(path, data=values | {"captcha": ANSWER}), *EXPIRED)
    caller.captcha()
    told(caller.post(path, data=values | {"captcha": "NOPE9"}), *WRONG)


def test_a_right_try_spends_the_challenge(caller, new_caller, make_user):
    """Document A, captcha: 验证码只能使用一次."""
    make_user()
    caller.captcha()
    kept = caller.get_cookie("captcha").value
    done(attempt(caller), "登录成功")
    again = new_caller()
    again.set_cookie("captcha", kept)
    told(attempt(again), *EXPIRED)


def test_a_wrong_try_spends_the_challenge(caller, make_user):
    """Document A, reset: 输入错误会使CAPTCHA失效, which contract 3 says of every purpose."""
    make_user()
    caller.captcha()
    told(attempt(caller, "NOPE9"), *WRONG)
    told(attempt(caller), *EXPIRED)


def test_a_refused_password_has_spent_the_challenge(caller, make_user):
    """Document A, captcha: 验证码只能使用一次, also when what came with it was wrong."""
    make_user()
    caller.captcha()
    told(attempt(caller, password="not-this-one"), "密码错误", 10101, 403)
    told(attempt(caller), *EXPIRED)


def test_a_request_refused_for_its_parameters_or_method_has_not_spent_it(caller, make_user):
    """Contract 8, captcha: a request refused for its method or parameters has not spent it."""
    make_user()
    caller.captcha()
    told(caller.post("/user/login", data={"user": "ning", "captcha": ANSWER}), "无效参数", 10107, 403)
    told(attempt(caller, ""), *MISSING)
    caller.get("/user/login", headers={"Accept": "application/json"})
    bad = {"uname": "12345", "email": "o@example.com", "password": PASSWORD, "captcha": ANSWER}
    told(caller.post("/user/register", data=bad), "用户名不能全为数字", 10007, 403)
    done(attempt(caller), "登录成功")


@pytest.mark.parametrize("seconds,message", [(295, None), (306, EXPIRED)])
def test_a_challenge_lives_five_minutes(caller, make_user, seconds, message):
    """Document A, login, 403: 验证码过期; contract 3: after 5 min."""
    make_user()
    moment = datetime.datetime.now(datetime.UTC)
    with time_machine.travel(moment, tick=False) as clock:
        caller.captcha()
        kept = caller.get_cookie("captcha").value
        clock.shift(seconds)
        caller.set_cookie("captcha", kept)  # a client that does not forget cookies
        reply = attempt(caller)
    if message:
        told(reply, *message)
    else:
        done(reply, "登录成功")


def test_a_spent_challenge_stays_spent_as_long_as_it_could_be_used(client, make_user):
    """Document A, captcha: 验证码只能使用一次, until its last second."""
    make_user()
    with time_machine.travel(datetime.datetime.now(datetime.UTC), tick=False) as clock:
        client.captcha()
        kept = client.get_cookie("captcha").value
        done(attempt(client), "登录成功")
        clock.shift(299)
        client.set_cookie("captcha", kept)
        told(attempt(client), *EXPIRED)


def test_a_refresh_replaces_the_cookie_and_an_older_challenge_is_good_once_more(caller, new_caller, make_user):
    """Document A, captcha: 刷新验证码即重新获取; contract 3: a kept older challenge is still good for one use."""
    make_user()
    caller.captcha()
    older = caller.get_cookie("captcha").value
    caller.captcha()
    assert caller.get_cookie("captcha").value != older
    done(attempt(caller), "登录成功")
    other = new_caller()
    other.set_cookie("captcha", older)
    done(attempt(other), "登录成功")
    last = new_caller()
    last.set_cookie("captcha", older)
    told(attempt(last), *EXPIRED)


@pytest.mark.parametrize("typed", ["acehj", " AcEhJ ", "ＡＣＥＨＪ"])
def test_case_width_and_outer_spaces_do_not_matter(caller, make_user, typed):
    """Contract 3, captcha: case-insensitive."""
    make_user()
    caller.captcha()
    done(attempt(caller, typed), "登录成功")


@pytest.mark.parametrize("typed", ["ACEH", "ACEHJA", "A CEHJ", ANSWER * 500, "🙂", "0"])
def test_anything_else_is_wrong(client, make_user, typed):
    """Document A, login, 403: 验证码错误."""
    client.captcha()
    told(attempt(client, typed), *WRONG)


def test_a_forged_or_foreign_cookie_is_no_challenge(client, make_app):
    """Document A, login, 403: 验证码过期."""
    client.captcha()
    good = client.get_cookie("captcha").value
    foreign = make_app(SECRET_KEY="t" * 40).test_client()
    foreign.get("/user/captcha")
    for cookie in (
        "",
        "x",
        good[:-5] + ("A" if good[-5] != "A" else "B") + good[-4:],  # the last character has bits that count for nothing
        foreign.get_cookie("captcha").value,
        "é" * 400,
    ):
        client.set_cookie("captcha", cookie)
        told(attempt(client), *EXPIRED)


def test_the_sound_speaks_the_challenge_one_has(client, make_app, monkeypatch):
    """Contract 3, captcha: ?format=audio gives the same challenge as WAV."""
    from userapp.auth import picture, speech

    said, drawn = [], []
    speak, draw = speech.speak, picture.draw
    monkeypatch.setattr(speech, "speak", lambda answer: said.append(answer) or speak(answer))
    monkeypatch.setattr(picture, "draw", lambda answer: drawn.append(answer) or draw(answer))
    client = make_app(CAPTCHA_ANSWER="").test_client()
    client.get("/user/captcha")
    kept = client.get_cookie("captcha").value
    reply = client.get("/user/captcha?format=audio")
    assert (reply.status_code, reply.mimetype, "Set-Cookie" in reply.headers) == (200, "audio/wav", False)
    with wave.open(io.BytesIO(reply.data)) as sound:
        assert sound.getnframes() / sound.getframerate() > 1
    assert said == drawn and len(said[0]) == 5 and client.get_cookie("captcha").value == kept
    values = {"user": "ning", "password": PASSWORD, "captcha": said[0]}
    assert client.post("/user/login", data=values).json["msg"] == "无此用户"
    assert client.post("/user/login", data=values).json["msg"] == "验证码过期"


def test_the_sound_alone_brings_a_challenge_of_its_own(client, make_user):
    """Contract 3: a person who cannot see needs no picture first."""
    make_user()
    assert client.get("/user/captcha?format=audio").mimetype == "audio/wav"
    done(attempt(client), "登录成功")


def test_a_challenge_survives_a_change_of_the_secret(make_app, monkeypatch):
    """SECRET_KEY_FALLBACKS: a rotation of the key breaks nobody's open form."""
    from userapp.auth import picture

    drawn = []
    monkeypatch.setattr(picture, "draw", lambda answer: drawn.append(answer) or b"")
    before = make_app(CAPTCHA_ANSWER="", SECRET_KEY="a" * 40).test_client()
    before.get("/user/captcha")
    kept = before.get_cookie("captcha").value
    after = make_app(CAPTCHA_ANSWER="", SECRET_KEY="b" * 40, SECRET_KEY_FALLBACKS=["a" * 40]).test_client()
    after.set_cookie("captcha", kept)
    assert attempt(after, drawn[0]).json["msg"] == "无此用户"
    after.set_cookie("captcha", kept)
    assert attempt(after, drawn[0]).json["msg"] == "验证码过期"
    retired = make_app(CAPTCHA_ANSWER="", SECRET_KEY="b" * 40).test_client()
    retired.set_cookie("captcha", kept)
    assert attempt(retired, drawn[0]).json["msg"] == "验证码过期"


def test_the_answer_differs_from_challenge_to_challenge(make_app, monkeypatch):
    """Contract 7: the answer follows from a random nonce and our key alone."""
    from userapp.auth import picture

    drawn = []
    monkeypatch.setattr(picture, "draw", lambda answer: drawn.append(answer) or b"")
    client = make_app(CAPTCHA_ANSWER="").test_client()
    for _ in range(200):
        client.get("/user/captcha")
    assert len(set(drawn)) > 190 and set("".join(drawn)) == set(picture.ALPHABET)


def test_no_captcha_counts_only_beside_the_development_plugin(make_app):
    """Document A, reset: no_captcha 是否关闭验证码（debug）; contract 7."""
    values = {"user": "ning", "password": PASSWORD, "no_captcha": "true"}
    assert make_app().test_client().post("/user/login", data=values).json["msg"] == "无此用户"
    production = make_app(DEVTOOLS=False, ADDRESS_LIMITS=True, CAPTCHA_ANSWER="").test_client()
    assert production.post("/user/login", data=values).json["msg"] == "请输入验证码"
