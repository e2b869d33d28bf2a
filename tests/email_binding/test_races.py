"""What happens to addresses at the same moment, on a real server with two workers and either database."""

from __future__ import annotations

import json
import random
import re
import threading
import time
import urllib.request
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from tests.burst import Shot, burst, post
from tests.conftest import ANSWER, PASSWORD
from tests.servers import LiveServer, new_database, running_application
from userapp import create_app
from userapp.email_binding import lost_mailbox
from userapp.extensions import reading, writing
from userapp.models import Budget, LostMailbox, User, now
from userapp.testing import SETTINGS, close

pytestmark = pytest.mark.long
NUMBERS = count(1)
CONFIRM, RESET = "/user/email/unbind_confirm", "/user/reset"
QUICK = {
    "USERAPP_CAPTCHA_ANSWER": ANSWER, "USERAPP_ADDRESS_LIMITS": "0", "USERAPP_ARGON2_MEMORY_KIB": "8",
    "USERAPP_ARGON2_TIME": "1", "WEB_CONCURRENCY": "2", "USERAPP_LOST_MAILBOX": "yes",
}  # fmt: skip


@dataclass
class Service:
    """A running service, and what a program needs of it."""

    server: LiveServer
    app: Flask

    def captcha(self) -> str:
        """The cookie of a fresh challenge."""
        with urllib.request.urlopen(self.server.url + "/user/captcha", timeout=30) as reply:
            cookies = reply.headers.get_all("Set-Cookie")
        return str(next(line for line in cookies if line.startswith("captcha=")).partition(";")[0])

    def ask(self, path: str, form: dict[str, Any], **headers: str) -> Any:
        """One POST; its answer."""
        return post(self.server.port, path, form, **headers)

    def person(self, name: str, email: str, verified: bool = True) -> str:
        """Register somebody and verify the address; a token."""
        form = {"uname": name, "password": PASSWORD, "email": email, "captcha": ANSWER, "client": "api"}
        token = str(self.ask("/user/register", form, Cookie=self.captcha()).json["data"]["token"])
        if verified:
            code = self.mailed(email, r"\b[A-HJ-NP-Z2-9]{10}\b")
            assert self.ask("/user/email/bind", {"captcha": code}, token=token).json["status"]
        return token

    def messages(self, to: str) -> list[str]:
        """The texts sent to an address, newest first."""
        request = urllib.request.Request(self.server.url + "/dev/outbox", headers={"Accept": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return [message["text"] for message in json.load(reply)["data"] if message["to"] == to]

    def mailed(self, to: str, pattern: str) -> str:
        """What a pattern finds in the newest message to an address that has it; the queue is sent by a thread."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for text in self.messages(to):
                if match := re.search(pattern, text):
                    return match[0]
            time.sleep(0.1)
        raise AssertionError(f"nothing sent to {to}")

    def forget_budgets(self) -> None:
        """As if a minute, or a day, had passed."""
        with self.app.app_context(), writing() as connection:
            connection.execute(delete(Budget))

    def change(self, token: str, old: str, new: str) -> dict[str, str]:
        """Begin a change; the two codes."""
        assert self.ask("/user/email/unbind", {"new_email": new}, token=token).json["status"]
        pattern = r"\b[A-HJ-NP-Z2-9]{10}\b"
        return {"old_captcha": self.mailed(old, pattern), "new_captcha": self.mailed(new, pattern)}

    def reset_shot(self, email: str) -> Shot:
        """Ask for a recovery; the request that would end it."""
        asked = self.ask(RESET, {"email": email, "captcha": ANSWER}, Cookie=self.captcha())
        form = {"code": self.mailed(email, r"\b\d{6}\b"), "new_password": "another-horse-7", "captcha": ANSWER}
        return Shot(RESET, form, {"Cookie": f"reset={asked.cookie('reset')}; {self.captcha()}"})

    def move_due(self) -> None:
        """What the purge of another node would do for addresses, sooner or later than a request."""
        time.sleep(random.uniform(0, 0.06))
        with self.app.app_context():
            lost_mailbox.move_due()

    def info(self, token: str) -> Any:
        """Who a token is."""
        request = urllib.request.Request(self.server.url + "/user/info", headers={"token": token})
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)


@pytest.fixture(scope="module", params=["SQLite", pytest.param("PostgreSQL", marks=pytest.mark.postgresql)])
def service(request, tmp_path_factory):
    """The service in gunicorn with two workers, and an application of ours on its database."""
    folder = tmp_path_factory.mktemp("addresses")
    with ExitStack() as stack:
        uri = f"sqlite:///{folder / 'shared.sqlite'}"
        if request.param == "PostgreSQL":
            uri = stack.enter_context(new_database(request.getfixturevalue("postgresql_url")))
        server = stack.enter_context(running_application(QUICK | {"USERAPP_SQLALCHEMY_DATABASE_URI": uri}))
        app = create_app({**SETTINGS, "INSTANCE": folder, "SQLALCHEMY_DATABASE_URI": uri})
        app.extensions["userapp.courier"].stop()  # what it sent would lie in an outbox where nobody looks
        yield Service(server, app)
        close(app)


def test_thirty_sends_at_once_are_one_mail(service):
    """Document B's 10817 beyond it: one message a minute; the registration's own mail was another purpose's."""
    name = f"sender{next(NUMBERS)}"
    email = f"{name}@example.com"
    token = service.person(name, email)
    shot = Shot("/user/email/unbind", {"new_email": f"new-{email}"}, {"token": token})
    answers = [answer.json["code"] for answer in burst(service.server.port, [shot] * 30)]
    assert answers.count(0) == 1 and set(answers) == {0, 10817}, answers
    assert len(service.messages(f"new-{email}")) == 1
    assert len([text for text in service.messages(email) if "旧邮箱" in text]) == 1


def test_two_users_race_to_one_free_address(service):
    for _ in range(5):
        number = next(NUMBERS)
        wanted, people = f"wanted{number}@example.com", []
        for side in "ab":
            old = f"{side}{number}@example.com"
            token = service.person(f"{side}racer{number}", old)
            people.append((token, old, service.change(token, old, wanted)))
            service.forget_budgets()  # a minute must lie between two messages to one address
        shots = [Shot(CONFIRM, right, {"token": token}) for token, _old, right in people]
        answers = [answer.json["code"] for answer in burst(service.server.port, shots)]
        assert sorted(answers) == [0, 10815], answers
        for answer, (token, old, _right) in zip(answers, people, strict=True):
            assert service.info(token)["data"]["email"] == (wanted if answer == 0 else old)


def test_a_change_and_a_reset_to_the_old_address_are_never_both(service):
    won = Counter()
    for _ in range(8):
        name = f"torn{next(NUMBERS)}"
        old, new = f"{name}@example.com", f"new-{name}@example.com"
        token = service.person(name, old)
        right = service.change(token, old, new)
        shots = [Shot(CONFIRM, right, {"token": token}), service.reset_shot(old)]
        changed, recovered = (answer.json["code"] for answer in burst(service.server.port, shots))
        assert (changed == 0) != (recovered == 0), (changed, recovered)
        assert changed in (0, -2, 10802, 10816) and recovered in (0, 11005)
        with service.app.app_context(), reading() as connection:
            email = connection.execute(select(User.email).filter_by(uname=name)).scalar_one()
        assert email == (new if changed == 0 else old)
        assert service.info(token)["status"] is (changed == 0)
        won["change" if changed == 0 else "reset"] += 1
    print(won)


def test_a_move_after_the_wait_and_a_reset_are_never_both(service):
    won = Counter()
    for _ in range(6):
        name = f"lost{next(NUMBERS)}"
        old, new = f"{name}@example.com", f"new-{name}@example.com"
        token = service.person(name, old)
        assert service.ask("/user/email/lost", {"password": PASSWORD, "new_email": new}, token=token).json["status"]
        code = {"new_captcha": service.mailed(new, r"\b[A-HJ-NP-Z2-9]{10}\b")}
        assert service.ask("/user/email/lost_confirm", code, token=token).json["status"]
        with service.app.app_context(), writing() as connection:  # the wait is over
            connection.execute(update(LostMailbox).values(due_at=now()))
        reset = service.reset_shot(old)
        purge = threading.Thread(target=service.move_due)
        purge.start()
        recovered = burst(service.server.port, [reset])[0].json["code"]
        purge.join()
        service.move_due()
        with service.app.app_context(), reading() as connection:
            email = connection.execute(select(User.email).filter_by(uname=name)).scalar_one()
        assert (recovered, email) in ((0, old), (11005, new)), (recovered, email)
        won["reset" if recovered == 0 else "move"] += 1
    print(won)
