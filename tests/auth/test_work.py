"""The captcha a browser computes: another way to answer the same challenge, spent by the same rules."""

from __future__ import annotations

import hashlib
from itertools import count

import pytest

from tests.callers import done, told
from tests.conftest import PASSWORD

BITS, PIECES = 6, 16
WRONG, EXPIRED = ("验证码错误", 30002, 403), ("验证码过期", 30001, 403)


@pytest.fixture
def app(make_app):
    """The work here is little: 16 pieces of 64 digests on average."""
    return make_app(CAPTCHA_WORK=BITS, CAPTCHA_ANSWER="")


def computed(task: dict) -> str:
    """What the page's worker computes, in Python."""
    numbers = []
    for piece in range(task["pieces"]):
        for number in count():
            digest = hashlib.sha256(f"{task['challenge']}:{piece}:{number}".encode()).digest()
            if int.from_bytes(digest[:4], "big") >> (32 - task["bits"]) == 0:
                break
        numbers.append(str(number))
    return "work:" + ".".join(numbers)


def asked(client) -> dict:
    return client.get("/user/captcha?format=work").json["data"]


def attempt(client, answer: str, **fields):
    values = {"user": "ning", "password": PASSWORD, "captcha": answer, **fields}
    return client.post("/user/login", data=values)


@pytest.fixture
def known(client):
    """Somebody who registered by computing."""
    values = {"uname": "ning", "email": "ning@example.com", "password": PASSWORD, "captcha": computed(asked(client))}
    done(client.post("/user/register", data=values), "注册成功")
    done(client.post("/user/logout"), "已清除登录信息")
    return client


def test_the_work_opens_every_door_the_picture_opens(known):
    done(attempt(known, computed(asked(known))), "登录成功")
    values = {"email": "ning@example.com", "captcha": computed(asked(known))}
    done(known.post("/user/reset", data=values), "已发送恢复码至邮箱")


def test_it_is_good_for_one_try_right_or_wrong(known):
    task = asked(known)
    kept = known.get_cookie("captcha").value
    told(attempt(known, computed(task), password="not-this-one"), "密码错误", 10101, 403)
    told(attempt(known, computed(task)), *EXPIRED)
    known.set_cookie("captcha", kept)
    told(attempt(known, computed(task)), *EXPIRED)
    task = asked(known)
    told(attempt(known, "work:" + ".".join(["0"] * PIECES)), *WRONG)
    told(attempt(known, computed(task)), *EXPIRED)


def test_it_is_the_challenge_of_the_picture_and_the_sound(known):
    """One try over all three: whoever computed cannot look at the picture as well."""
    known.get("/user/captcha")
    kept = known.get_cookie("captcha").value
    task = asked(known)
    assert known.get_cookie("captcha").value == kept
    told(attempt(known, "AAAAA"), *WRONG)
    told(attempt(known, computed(task)), *EXPIRED)


def test_it_belongs_to_the_client_that_asked(known, new_caller):
    other = new_caller()
    foreign = computed(asked(other))
    told(attempt(known, foreign), *EXPIRED)
    asked(known)
    told(attempt(known, foreign), *WRONG)
    done(attempt(other, foreign), "登录成功")


def test_nothing_but_the_whole_work_will_do(known):
    for change in (
        lambda answer: answer.rpartition(".")[0],
        lambda answer: answer + ".1",
        lambda answer: answer.replace(".", ".+", 1),
        lambda answer: answer.replace("work:", "work:٠"),
        lambda answer: answer + "\n",
        lambda answer: "work:",
        lambda answer: "work:" + "9" * 4000,
        lambda answer: answer.removeprefix("work:"),
    ):
        told(attempt(known, change(computed(asked(known)))), *WRONG)


def test_the_setting_switches_it_off(make_app):
    client = make_app(CAPTCHA_WORK=0).test_client()
    refusal = client.get("/user/captcha?format=work")
    assert refusal.json["status"] is False and refusal.json["code"] == 404
    client.get("/user/captcha")
    assert (
        client.post("/user/login", data={"user": "x", "password": "y", "captcha": "work:" + "0." * 15 + "0"}).json[
            "code"
        ]
        == 30002
    )
    assert "data-work" not in client.get("/user/login", headers={"Accept": "text/html"}).get_data(as_text=True)


@pytest.mark.parametrize("bits", [-1, 25])
def test_work_nobody_could_do_stops_the_start(make_app, bits):
    with pytest.raises(ValueError, match="CAPTCHA_WORK"):
        make_app(CAPTCHA_WORK=bits)


def test_asking_for_it_writes_nothing(client, statements):
    asked(client)
    assert all(statement.startswith("SELECT") for statement in statements)


def test_a_spent_challenge_is_not_given_again_in_another_form(known):
    task = asked(known)
    assert asked(known) == task
    told(attempt(known, "AAAAA"), *WRONG)
    assert asked(known)["challenge"] != task["challenge"]
