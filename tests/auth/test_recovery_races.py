"""Races for one code, one token and one password, against real processes on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest

from tests.burst import Answer, Shot, burst, post
from tests.conftest import ANSWER, PASSWORD
from tests.servers import LiveServer, new_database, running_application
from userapp import create_app
from userapp.auth import captcha

pytestmark = pytest.mark.long
KEY = "k" * 40
ON = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
NUMBERS = count(1)


@dataclass
class Service:
    """One service of one or two processes, and what a client needs of it."""

    servers: list[LiveServer]
    app: Any
    on: str

    @property
    def port(self) -> int:
        """Where the first process listens."""
        return self.servers[0].port

    def challenges(self, number: int) -> list[str]:
        """Captcha cookies as the service signs them, without having their pictures drawn."""
        with self.app.app_context():
            return [captcha.issue() for _ in range(number)]

    def person(self) -> str:
        """Register somebody; returns the name."""
        name = f"runner{next(NUMBERS)}"
        fields = {"uname": name, "password": PASSWORD, "email": f"{name}@example.com", "captcha": ANSWER}
        reply = post(self.port, "/user/register", fields, Cookie=f"captcha={self.challenges(1)[0]}")
        assert reply.json["status"], reply.body
        return name

    def login_shot(self, name: str, password: str = PASSWORD) -> Shot:
        """A sign-in as a program."""
        fields = {"uname": name, "password": password, "client": "api", "captcha": ANSWER}
        return Shot("/user/login", fields, {"Cookie": f"captcha={self.challenges(1)[0]}"})

    def login(self, name: str, password: str = PASSWORD) -> Answer:
        """Sign in as a program."""
        return burst(self.port, [self.login_shot(name, password)])[0]

    def token(self, name: str) -> str:
        """A fresh token."""
        return str(self.login(name).json["data"]["token"])

    def is_alive(self, token: str, server: int = 0) -> bool:
        """Whether a process accepts a token."""
        request = urllib.request.Request(self.servers[server].url + "/user/info", headers={"token": token})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return bool(json.load(answer)["status"])
        except urllib.error.HTTPError as error:
            with error:
                assert error.code == 401, error.code
            return False

    def reset_code(self, name: str) -> tuple[str, str]:
        """Ask for a recovery code: the cookie of the pending reset, and the code that was mailed."""
        fields = {"email": f"{name}@example.com", "captcha": ANSWER}
        reply = post(self.port, "/user/reset", fields, Cookie=f"captcha={self.challenges(1)[0]}")
        assert reply.json["status"], reply.body
        for path in sorted((self.servers[0].instance / "outbox").glob("*.json"), reverse=True):
            message = json.loads(path.read_text("utf-8"))
            if message["to"] == fields["email"] and (found := re.search(r"\b\d{6}\b", message["text"])):
                return reply.cookie("reset"), found[0]
        raise AssertionError("no code was mailed")

    def reset_shots(self, cookie: str, tries: list[tuple[str, str]]) -> list[Shot]:
        """The second step of a recovery, once for each code and password, each with a captcha of its own."""
        return [
            Shot(
                "/user/reset",
                {"code": code, "new_password": new, "captcha": ANSWER},
                {"Cookie": f"reset={cookie}; captcha={challenge}"},
            )
            for (code, new), challenge in zip(tries, self.challenges(len(tries)), strict=True)
        ]


@pytest.fixture(scope="module", params=ON)
def service(request, tmp_path_factory):
    """Two gunicorn processes on one database."""
    on, folder = request.param, tmp_path_factory.mktemp("races")
    with ExitStack() as stack:
        uri = f"sqlite:///{folder / 'shared.sqlite'}"
        if on == "postgresql":
            uri = stack.enter_context(new_database(request.getfixturevalue("postgresql_url")))
        settings = {
            "USERAPP_SQLALCHEMY_DATABASE_URI": uri, "USERAPP_SECRET_KEY": KEY, "USERAPP_CAPTCHA_ANSWER": ANSWER,
            "USERAPP_ADDRESS_LIMITS": "0", "USERAPP_ARGON2_MEMORY_KIB": "8", "USERAPP_ARGON2_TIME": "1",
            "USERAPP_MESSAGE_GAP": "0", "WEB_CONCURRENCY": "1", "GUNICORN_THREADS": "16",
        }  # fmt: skip
        servers = [stack.enter_context(running_application(settings)) for _ in range(2)]
        signer = {
            "INSTANCE": folder / "signer", "SECRET_KEY": KEY, "DEVTOOLS": True, "BASE_URL": servers[0].url,
            "TRUSTED_HOSTS": ["127.0.0.1"], "SQLALCHEMY_DATABASE_URI": "sqlite://",
        }  # fmt: skip
        yield Service(servers, create_app(signer), on)


def test_one_code_by_fifty_at_once_is_used_once_and_the_winners_password_holds(service):
    for _ in range(20 if service.on == "sqlite" else 10):
        name = service.person()
        cookie, code = service.reset_code(name)
        tries = [(code, f"winning-horse-{number}") for number in range(50)]
        answers = burst(service.port, service.reset_shots(cookie, tries))
        assert all(answer.status in (200, 403) for answer in answers), {answer.status for answer in answers}
        won = [index for index, answer in enumerate(answers) if answer.json["status"]]
        assert len(won) == 1
        assert {answer.json["code"] for answer in answers} <= {0, 11005}
        assert service.login(name, tries[won[0]][1]).json["status"]
        assert not service.login(name, tries[won[0] - 1][1]).json["status"]
        assert not service.login(name).json["status"]


def test_of_fifty_wrong_codes_five_are_compared_and_then_the_right_one_is_refused(service):
    for _ in range(5):
        name = service.person()
        cookie, code = service.reset_code(name)
        wrong = [f"{(int(code) + step) % 10**6:06d}" for step in range(1, 51)]
        answers = burst(service.port, service.reset_shots(cookie, [(guess, "winning-horse-1") for guess in wrong]))
        numbers = [answer.json["code"] for answer in answers]
        assert 1 <= numbers.count(11007) <= 5 and set(numbers) == {11007, 11005}, numbers
        last = burst(service.port, service.reset_shots(cookie, [(code, "winning-horse-1")]))[0]
        assert last.json["code"] == 11005
        assert service.login(name).json["status"], "a reset that failed must leave the password alone"


def refresh_shot(token: str) -> Shot:
    """A refresh, as document B's clients send it."""
    return Shot("/user/refresh_token", {"confirm": int(time.time())}, {"token": token})


def test_two_racing_refreshes_leave_one_usable_token(service):
    name = service.person()
    token = service.token(name)
    for _ in range(50):
        answers = burst(service.port, [refresh_shot(token), refresh_shot(token)])
        assert {answer.status for answer in answers} == {200}
        given = [answer.json["data"]["token"] for answer in answers if answer.json["status"]]
        assert len(given) == 1 and {answer.json["code"] for answer in answers} <= {0, 10301, -2}
        assert not service.is_alive(token)
        assert service.is_alive(given[0]) and service.is_alive(given[0], server=1)
        token = given[0]


def test_nothing_issued_on_the_old_password_outlives_its_change(service):
    name, password = service.person(), PASSWORD
    kept = service.token(name)
    for turn in range(200):
        other, new = str(service.login(name, password).json["data"]["token"]), f"turning-horse-{turn}"
        change = Shot("/user/change_password", {"old_pwd": password, "new_pwd": new}, {"token": kept})
        shots = [change, refresh_shot(other), service.login_shot(name, password)]
        shots = shots[turn % 3 :] + shots[: turn % 3]
        answers = dict(zip((shot.path for shot in shots), burst(service.port, shots), strict=True))
        assert {answer.status for answer in answers.values()} <= {200, 403}, answers
        changed = answers.pop("/user/change_password").json
        assert changed["status"], changed
        password, kept = new, changed["data"]["token"]
        issued = [answer.json["data"]["token"] for answer in answers.values() if answer.json["status"]]
        for token in (other, *issued):
            assert not service.is_alive(token, server=turn % 2), f"turn {turn}: alive after the change"
        assert service.is_alive(kept, server=turn % 2)
    assert not service.login(name).json["status"]


def test_all_other_credentials_are_dead_within_a_second_on_every_process(service):
    name = service.person()
    tokens, kept = [service.token(name) for _ in range(5)], service.token(name)
    assert all(service.is_alive(token, server) for token in tokens for server in (0, 1))
    fields = {"old_pwd": PASSWORD, "new_pwd": "winning-horse-1"}
    changed = post(service.port, "/user/change_password", fields, token=kept).json
    assert [service.is_alive(token, server) for server in (1, 0) for token in [*tokens, kept]] == [False] * 12
    assert service.is_alive(changed["data"]["token"], server=1)
    cookie, code = service.reset_code(name)
    assert burst(service.port, service.reset_shots(cookie, [(code, "winning-horse-2")]))[0].json["status"]
    assert not service.is_alive(changed["data"]["token"], server=1)
