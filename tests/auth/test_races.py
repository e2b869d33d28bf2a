"""What happens at the same moment happens once, on a real server with several workers and either database."""

from __future__ import annotations

import urllib.request
from collections import Counter

import pytest

from tests.burst import Shot, burst
from tests.conftest import ANSWER, PASSWORD

pytestmark = pytest.mark.long

QUICK = {
    "USERAPP_CAPTCHA_ANSWER": ANSWER, "USERAPP_ADDRESS_LIMITS": "0", "USERAPP_ARGON2_MEMORY_KIB": "8",
    "USERAPP_ARGON2_TIME": "1", "WEB_CONCURRENCY": "2",
}  # fmt: skip
VARIANTS = ["Ningning", "ningning", "NINGNING", "ｎｉｎｇｎｉｎｇ", "NｉnGnInG"]
PHONES = ["1380013800{}", "+861380013800{}", "+86 138 0013 800{}", "0086-138-0013-800{}", "１３８００１３８００{}"]


@pytest.fixture(params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.postgresql)])
def server(request, live_server):
    """The service in gunicorn with two workers."""
    settings = dict(QUICK)
    if request.param == "PostgreSQL":
        settings["USERAPP_SQLALCHEMY_DATABASE_URI"] = request.getfixturevalue("fresh_postgresql")
    return request.param, live_server(**settings)


def challenge(server):
    """The cookie of a fresh captcha."""
    with urllib.request.urlopen(server.url + "/user/captcha", timeout=20) as reply:
        cookies = reply.headers.get_all("Set-Cookie")
    return next(line for line in cookies if line.startswith("captcha=")).partition(";")[0]


def registration(column, round_number, number):
    """The form of one of twenty people who want the same name, phone or address, each in a spelling of its own."""
    values = {"uname": f"guest{round_number}x{number}", "password": PASSWORD, "captcha": ANSWER}
    if column == "uname":
        same = {"uname": VARIANTS[number % 5] + "abc"[round_number], "email": f"a{round_number}.{number}@example.com"}
    elif column == "phone":
        same = {"phone": PHONES[number % 5].format(round_number)}
    else:
        name, domain = ("ning", "NING", "Ning")[number % 3], ("example.com", "EXAMPLE.com")[number % 2]
        same = {"email": f"{name}{round_number}@{domain}"}
    return values | same


def codes(answers):
    assert all(answer.body.startswith(b"{") for answer in answers), answers
    return Counter(answer.json["code"] for answer in answers)


def test_one_captcha_is_processed_once_of_fifty(server):
    """Document A, captcha: 验证码只能使用一次; 50 rounds on SQLite, 20 on PostgreSQL."""
    database, service = server
    for round_number in range(50 if database == "SQLite" else 20):
        values = {"user": f"nobody{round_number}", "password": PASSWORD, "captcha": ANSWER}
        answers = burst(service.port, [Shot("/user/login", values, {"Cookie": challenge(service)})] * 50)
        assert codes(answers) == {10100: 1, 30001: 49}, f"round {round_number} on {database}"


@pytest.mark.parametrize("column", ["uname", "phone", "email"])
def test_twenty_registrations_of_one_name_make_one_account(server, column):
    """Contract 6: 10004 用户名已存在, 10005 手机号已存在, 10002; contract 2: unique in one canonical form."""
    _database, service = server
    for round_number in range(3):
        bodies = [registration(column, round_number, number) for number in range(20)]
        answers = burst(service.port, [Shot("/user/register", form, {"Cookie": challenge(service)}) for form in bodies])
        taken = {"uname": 10004, "phone": 10005, "email": 10002}[column]
        assert codes(answers) == {0: 1, taken: 19}, answers


def test_of_fifty_guesses_at_once_five_are_compared(server):
    """Contract 8: five failures per account, counted before the hash, exact under concurrency."""
    _database, service = server
    values = {"user": "nobody", "password": "wrong-horse-9", "captcha": ANSWER}
    answers = burst(service.port, [Shot("/user/login", values, {"Cookie": challenge(service)}) for _ in range(50)])
    assert codes(answers) == {10100: 5, 10110: 45}
