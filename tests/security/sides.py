"""One service on one database, asked by its WSGI door or over HTTP; what it answers and keeps is to be compared."""

from __future__ import annotations

import http.client
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import delete, select, update

from tests.conftest import ANSWER, HTML, PASSWORD
from userapp import accounts, passwords
from userapp.auth import captcha
from userapp.extensions import db
from userapp.models import Credential, User

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
FORMS = {"Content-Type": FORM}
ROOT = {"user": "root", "password": PASSWORD, "captcha": ANSWER}
API = urlencode(ROOT | {"client": "api"}).encode()
# What differs without meaning: what is drawn by lot, counted by the database, or a moment.
VOLATILE = {
    "id", "token", "avatar", "avatar_more", "next", "created_at", "seen_at", "expires_at", "at", "time", "actor",
    "user", "public_id", "request_id", "key", "server_timestamp", "expire",
}  # fmt: skip
DRAWN = re.compile(r"[0-9a-f]{16,}|\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT|\d{4}-\d\d-\d\dT[\d:.+Z]+")
A_MOMENT = 1_700_000_000
TOLD = re.compile(r'class="(?:notice error|trouble)"[^>]*>([^<]*)<')
KEPT = (User.uname, User.name, User.uid, User.phone, User.email, User.gender, User.intro, User.user_type)


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @cached_property
    def json(self) -> Any:
        """The object, or None where the reply is no JSON."""
        kind = next((value for name, value in self.headers if name.lower() == "content-type"), "")
        return json.loads(self.body) if kind.startswith(JSON) else None

    @property
    def code(self) -> Any:
        """The contract's number, or the status where there is none."""
        return (self.json or {}).get("code", self.status)

    def verdict(self) -> Any:
        """Everything of a reply that a caller could build on."""
        if (found := self.json) is not None:
            return self.status, _settled(found)
        return self.status, TOLD.findall(self.body.decode("utf-8", "replace"))


Transport = Callable[[str, str, Mapping[str, str], bytes], Reply]


def _settled(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: "" if name in VOLATILE else _settled(value) for name, value in found.items()}
    if isinstance(found, list):
        return [_settled(value) for value in found]
    if isinstance(found, str):
        return DRAWN.sub("", found)
    return 0 if isinstance(found, int) and found > A_MOMENT else found


def in_process(app: Flask) -> Transport:
    """Calls to the application itself."""

    def send(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "SCRIPT_NAME": "", "PATH_INFO": path, "QUERY_STRING": query,
            "SERVER_NAME": "localhost", "SERVER_PORT": "80", "HTTP_HOST": "localhost", "REMOTE_ADDR": "127.0.0.1",
            "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.version": (1, 0), "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(), "wsgi.multithread": False,
            "wsgi.multiprocess": False, "wsgi.run_once": False, "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": headers.get("Content-Type", ""),
        }  # fmt: skip
        environ |= {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
        begun: list[Any] = []
        found = app(environ, lambda *line: begun.extend(line))  # type: ignore[arg-type, func-returns-value]
        data = b"".join(found)
        getattr(found, "close", lambda: None)()
        return Reply(int(begun[0][:3]), list(begun[1]), data)

    return send


@contextmanager
def over_http(port: int) -> Iterator[Transport]:
    """Requests to a running service, on one connection for as long as it lasts."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def send(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        for again in (True, False):
            try:
                connection.request(method, target, body, dict(headers))
                reply = connection.getresponse()
                return Reply(reply.status, reply.getheaders(), reply.read())
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                connection.close()  # idle for too long, or something was not read to its end
                if not again:
                    raise
        raise AssertionError

    try:
        yield send
    finally:
        connection.close()


@dataclass
class Side:
    """An administrator's program or browser: nobody else reaches every form. `app` does what no request can."""

    app: Flask
    transport: Transport
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""
    victim: int = 0
    stored: str = ""

    def settle(self) -> None:
        """Make an administrator, somebody to administrate, and sign in."""
        for name in ("root", "victim"):
            values = {"uname": name, "email": f"{name}@example.com", "password": PASSWORD, "captcha": ANSWER}
            reply = self.post("/user/register", values, self.challenge())
            self.victim = reply.json["data"]["id"]
        with self.app.app_context():
            root = db.session.execute(select(User.id).where(User.uname == "root")).scalar_one()
            accounts.set_type(root, "admin", accounts.OPERATOR)
            self.stored = passwords.hash_password(PASSWORD)
        self.sign_in()

    def sign_in(self) -> None:
        """Be root, signed in anew, and nobody else."""
        self.restore()
        with self.app.app_context():
            db.session.execute(delete(Credential))  # thousands of sessions would be listed
            db.session.commit()
        self.cookies, self.csrf = {}, ""
        assert self.post("/user/login", ROOT, self.challenge()).code == 0

    def restore(self) -> None:
        """Root's password is the old one, whatever a form has made of it."""
        with self.app.app_context():
            db.session.execute(update(User).where(User.uname == "root").values(password_hash=self.stored))
            db.session.commit()

    def token(self) -> str:
        """A new token of root's."""
        return str(self.ask("POST", "/user/login", FORMS, API, self.challenge(), keep=False).json["data"]["token"])

    def page_token(self) -> str:
        """What the pages of this session carry."""
        if not self.csrf:
            page = self.ask("GET", "/user/avatar", {"Accept": HTML}).body.decode()
            self.csrf = page.partition('name="csrf_token" value="')[2].partition('"')[0]
        return self.csrf

    def challenge(self) -> dict[str, str]:
        """The cookie of a captcha that is good."""
        with self.app.app_context():
            return {"captcha": captcha.issue()}

    def post(self, path: str, values: dict[str, str], cookies: dict[str, str]) -> Reply:
        """A form, as programs send it."""
        return self.ask("POST", path, FORMS, urlencode(values).encode(), cookies)

    def ask(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        body: bytes = b"",
        more: dict[str, str] | None = None,
        keep: bool = True,
    ) -> Reply:
        """One request with this side's cookies; those of the reply are kept, as a browser does, or left alone."""
        cookies = "; ".join(f"{name}={value}" for name, value in (self.cookies | (more or {})).items())
        reply = self.transport(method, target, headers | ({"Cookie": cookies} if cookies else {}), body)
        for name, value in reply.headers if keep else ():
            if name.lower() == "set-cookie":
                key, _, kept = value.partition(";")[0].partition("=")
                self.cookies[key] = kept
        self.cookies = {name: value for name, value in self.cookies.items() if value and name != "captcha"}
        return reply

    def kept(self) -> list[Any]:
        """What the accounts' rows hold, in the order they were made."""
        with self.app.app_context():
            return [tuple(row) for row in db.session.execute(select(*KEPT).order_by(User.id))]
