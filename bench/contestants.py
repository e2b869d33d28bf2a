"""Who is measured: how each is started, and the requests it is sent."""

from __future__ import annotations

import json
import site
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from . import people
from .environments import HERE, PEERS, packages_of, python_of

ROOT = HERE.parent
SECRET = "s" * 40
FORM = "application/x-www-form-urlencoded"
Challenges = Iterator[tuple[str, str]]


def request(method: str, path: str, headers: str = "", kind: str = "", body: str = "") -> bytes:
    """One HTTP request in bytes; `headers` are whole lines."""
    data = body.encode()
    content = f"Content-Type: {kind}\r\nContent-Length: {len(data)}\r\n" if kind else ""
    top = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nUser-Agent: bench\r\n"
    return (top + headers + content + "\r\n").encode() + data


@dataclass(frozen=True)
class Application:
    """A server: its module below peers/ (none: userapp itself), and how it signs somebody in and registers."""

    name: str
    module: str
    login: Callable[[int, Challenges], bytes]
    register: Callable[[int, Challenges], bytes]
    environment: dict[str, str] = field(default_factory=dict)
    granian: bool = False
    compiled: bool = False

    def command(self) -> tuple[list[str], Path]:
        """What starts it, and where."""
        target = "app:app" if not self.module else f"{self.module}:app"
        if self.granian:
            options = ["--interface", "wsgi", "--workers", "2", "--blocking-threads", "8", "--host", "127.0.0.1"]
            return [python_of("granian"), "-m", "granian", *options, "--port", "{port}", "wsgi:app"], ROOT
        if not self.module:
            conf = str(ROOT / "deploy" / "gunicorn.conf.py")
            return [sys.executable, "-m", "gunicorn", "-c", conf, "wsgi:app"], ROOT
        conf = str(HERE / "gunicorn_conf.py")
        return [python_of(self.module), "-m", "gunicorn", "-c", conf, target], PEERS

    def variables(self, database: str, folder: Path) -> dict[str, str]:
        """Its environment on a database."""
        if self.module:
            return {"DATABASE_URL": database, "PYTHONPATH": str(HERE), **self.environment}
        values = {
            "INSTANCE": str(folder), "SECRET_KEY": SECRET, "BASE_URL": "http://127.0.0.1:8000",
            "TRUSTED_HOSTS": "127.0.0.1", "SQLALCHEMY_DATABASE_URI": database, "LOG_LEVEL": "WARNING",
            # one client plays everybody: what is counted for each address is counted, and never used up
            "RATELIMIT_DEFAULT": "1000000000 per minute", "ADDRESS_LOGIN_TRIES": "1000000000",
            "ALL_LOGIN_TRIES": "1000000000",
        }  # fmt: skip
        paths = {"PYTHONPATH": site.getsitepackages()[0]} if self.granian else {}
        if self.compiled:
            values |= {"ARGON2_COMPILED": "1", "HASH_NICENESS": "4"}  # as the container has it
            paths["PYTHONPATH"] = str(packages_of("compiled"))
        return {f"USERAPP_{key}": value for key, value in values.items()} | paths | self.environment

    def seeding(self, count: int) -> tuple[list[str], Path]:
        """What fills its database."""
        if not self.module:
            return [sys.executable, "-m", "bench.ours", "seed", str(count)], ROOT
        return [python_of(self.module), f"{self.module}.py", str(count)], PEERS


def form(path: str, headers: str = "", **fields: str) -> bytes:
    return request("POST", path, headers, FORM, urlencode(fields))


def _json(path: str, **fields: str) -> bytes:
    return request("POST", path, "", "application/json", json.dumps(fields))


def _ours(path: str, challenges: Challenges, **fields: str) -> bytes:
    cookie, answer = next(challenges)
    return form(path, f"Cookie: captcha={cookie}\r\n", captcha=answer, password=people.PASSWORD, **fields)


def _phone(number: int) -> str:
    return f"+86138{number % 10**8:08d}"


def our_login(number: int, challenges: Challenges, client: str = "web") -> bytes:
    """userapp's sign-in, its captcha included."""
    return _ours("/user/login", challenges, user=people.name(number), client=client)


def our_register(number: int, challenges: Challenges) -> bytes:
    """userapp's registration, its captcha included; with a phone, for with an address it would also send a mail."""
    return _ours("/user/register", challenges, uname=people.name(number), phone=_phone(number))


PASSWORD = people.PASSWORD
OURS = Application("userapp", "", our_login, our_register)
GRANIAN = Application("userapp under granian", "", our_login, our_register, granian=True)
COMPILED = Application("userapp, argon2 compiled", "", our_login, our_register, compiled=True)
FLOORS = Application(
    "floors",
    "floors",
    lambda number, _: form("/hash", password=PASSWORD),
    lambda number, _: form("/make-hash", password=PASSWORD),
)
LIBSODIUM = Application(
    "floor of libsodium",
    "floors",
    lambda number, _: form("/libsodium/hash", password=PASSWORD),
    lambda number, _: form("/libsodium/make-hash", password=PASSWORD),
)
FLASK_SECURITY = Application(
    "Flask-Security",
    "flask_security_app",
    lambda number, _: _json("/login?include_auth_token", email=people.address(number), password=PASSWORD),
    lambda number, _: _json("/register", email=people.address(number), password=PASSWORD, password_confirm=PASSWORD),
)
DJANGO = Application(
    "django-allauth",
    "django_app",
    lambda number, _: _json("/_allauth/app/v1/auth/login", username=people.name(number), password=PASSWORD),
    lambda number, _: _json(
        "/_allauth/app/v1/auth/signup", username=people.name(number), email=people.address(number), password=PASSWORD
    ),
)
FASTAPI = Application(
    "fastapi-users",
    "fastapi_app",
    lambda number, _: form("/bearer/login", username=people.address(number), password=PASSWORD),
    lambda number, _: _json("/register", email=people.address(number), password=PASSWORD),
    {"BENCH_WORKER": "uvicorn_worker.UvicornWorker"},
)
EVERYBODY = [FLOORS, LIBSODIUM, OURS, GRANIAN, COMPILED, FLASK_SECURITY, DJANGO, FASTAPI]
