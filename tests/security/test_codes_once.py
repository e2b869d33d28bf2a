"""CODE-02 at its number: five flows, 120 rounds each on SQLite and PostgreSQL (READ COMMITTED): one success a round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, text

from tests.burst import Shot, burst, post
from tests.conftest import ANSWER, PASSWORD
from tests.servers import LiveServer, new_database, running_application
from userapp import codes, create_app, credentials, keys, passwords
from userapp.auth import captcha, recovery
from userapp.extensions import db
from userapp.models import User
from userapp.operators import setup_links

pytestmark = pytest.mark.huge
ROUNDS, AT_ONCE = 120, 10
NUMBERS = count(1)
SETTINGS = {
    "SECRET_KEY": "k" * 40, "CAPTCHA_ANSWER": ANSWER, "ADDRESS_LIMITS": "0", "ARGON2_MEMORY_KIB": "8",
    "ARGON2_TIME": "1", "MESSAGE_GAP": "0", "CODE_TRIES": "1000", "CODE_TRIES_PER_HOUR": "1000", "LOST_MAILBOX": "yes",
}  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody with a token."""

    row: Any
    token: str

    @property
    def next_email(self) -> str:
        """An address to change to."""
        return f"next.{self.row.email}"


@dataclass(frozen=True)
class Service:
    """Two processes on one database, and an application beside them that issues what would be mailed."""

    servers: list[LiveServer]
    app: Any

    def person(self, *, verified: bool) -> Person:
        """Somebody new."""
        name = f"racer{next(NUMBERS)}"
        user = User(uname=name, uname_key=name, uid=name, email=f"{name}@example.com", email_verified=verified)
        user.password_hash = passwords.hash_password(PASSWORD)
        db.session.add(user)
        db.session.flush()
        token = credentials.issue(user, "token", credentials.Origin("", ""), generation=0).key
        db.session.commit()
        row = db.session.execute(select(*User.__table__.c).where(User.uname == name)).one()
        db.session.rollback()  # on SQLite a transaction outside a request holds the write lock
        return Person(row, token)

    def code(self, purpose: str, target: str, person: Person, holder: str = "") -> str:
        """A code as it would have been mailed."""
        found = codes.issue(purpose, target, person.row, holder)
        db.session.commit()
        return found

    def ask(self, path: str, person: Person, **form: str) -> None:
        """One request of a person that must succeed."""
        reply = post(self.servers[0].port, path, form, token=person.token)
        assert reply.json["status"], reply.body

    def shots(self, path: str, forms: list[dict[str, str]], headers: Callable[[], dict[str, str]]) -> list[Shot]:
        """The same request so many times, half of them to each process."""
        ports = [server.port for server in self.servers]
        return [Shot(path, form, headers(), port=ports[turn % 2]) for turn, form in enumerate(forms)]


def reset(service: Service) -> list[Shot]:
    """A forgotten password, each time another new one."""
    person, holder = service.person(verified=True), "h" * 48
    code = service.code("reset", person.row.email, person, recovery._hidden(holder))
    cookie = keys.signer("reset").dumps(holder)
    forms = [{"code": code, "new_password": f"winning-horse-{turn}", "captcha": ANSWER} for turn in range(AT_ONCE)]
    return service.shots("/user/reset", forms, lambda: {"Cookie": f"reset={cookie}; captcha={captcha.issue()}"})


def bind(service: Service) -> list[Shot]:
    """Verifying an address."""
    person = service.person(verified=False)
    form = {"captcha": service.code("email", person.row.email, person)}
    return service.shots("/user/email/bind", [form] * AT_ONCE, lambda: {"token": person.token})


def change(service: Service) -> list[Shot]:
    """Both codes of a changed address."""
    person = service.person(verified=True)
    service.ask("/user/email/unbind", person, new_email=person.next_email)
    form = {
        "old_captcha": service.code("email-old", person.row.email, person),
        "new_captcha": service.code("email-new", person.next_email, person),
    }
    return service.shots("/user/email/unbind_confirm", [form] * AT_ONCE, lambda: {"token": person.token})


def lost(service: Service) -> list[Shot]:
    """The new mailbox's code of somebody who lost the old one."""
    person = service.person(verified=True)
    service.ask("/user/email/lost", person, new_email=person.next_email, password=PASSWORD)
    form = {"new_captcha": service.code("email-lost", person.next_email, person)}
    return service.shots("/user/email/lost_confirm", [form] * AT_ONCE, lambda: {"token": person.token})


def setup(service: Service) -> list[Shot]:
    """An operator's one-time link."""
    link = parse_qs(urlsplit(setup_links.link(service.person(verified=True).row.id)).query)["link"][0]
    forms = [{"link": link, "new_password": f"winning-horse-{turn}"} for turn in range(AT_ONCE)]
    return service.shots("/user/setup", forms, dict)


FLOWS = {reset: {11005}, bind: {10802, 10803, 10805}, change: {10802, 10816}, lost: {10802, 10816}, setup: {11200}}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for each database."""
    folder = tmp_path_factory.mktemp("once")
    with ExitStack() as stack:
        uri = f"sqlite:///{folder / 'shared.sqlite'}"
        if request.param == "postgresql":
            uri = stack.enter_context(new_database(request.getfixturevalue("postgresql_url")))
        values = {f"USERAPP_{key}": value for key, value in SETTINGS.items()}
        values |= {"USERAPP_SQLALCHEMY_DATABASE_URI": uri, "GUNICORN_THREADS": "16"}
        servers = [stack.enter_context(running_application(values)) for _ in range(2)]
        beside = {"INSTANCE": folder / "beside", "DEVTOOLS": True, "SQLALCHEMY_DATABASE_URI": uri}
        beside |= {"BASE_URL": servers[0].url, "TRUSTED_HOSTS": ["127.0.0.1"], "SECRET_KEY": SETTINGS["SECRET_KEY"]}
        app = create_app(beside)
        app.extensions["userapp.courier"].stop()
        with app.app_context():
            if request.param == "postgresql":
                assert db.session.execute(text("SHOW transaction_isolation")).scalar() == "read committed"
                db.session.rollback()
            yield Service(servers, app)
            db.session.remove()
            db.engine.dispose()


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: str(flow.__name__))
def test_a_code_works_once(service: Service, flow: Callable[[Service], list[Shot]]) -> None:
    for number in range(ROUNDS):
        shots = flow(service)
        answers = burst(service.servers[0].port, shots)
        assert {answer.status for answer in answers} <= {200, 403, 409, 410}, answers
        told = [answer.json["code"] for answer in answers]
        assert told.count(0) == 1 and set(told) <= {0, *FLOWS[flow]}, (number, told)
