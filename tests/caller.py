"""A person at a real server: cookies kept by hand, over HTTP or HTTPS, to the proxy or to one node."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.conftest import ANSWER, PASSWORD

UNVERIFIED = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
UNVERIFIED.check_hostname = False
UNVERIFIED.verify_mode = ssl.CERT_NONE


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> int:
        """The public number, whatever the status."""
        return int(self.json["code"])


class Caller:
    """Asks `url` unless another base is given for one request; cookies go wherever it asks."""

    def __init__(self, url: str, timeout: float = 60) -> None:
        """Nothing is opened yet: each request has a connection of its own."""
        self.url, self.timeout = url, timeout
        self.cookies: dict[str, str] = {}

    def ask(self, path: str, form: Any = None, at: str = "", files: bytes = b"", **headers: str) -> Reply:
        """GET, or POST where there is a form; `files` is a multipart body made elsewhere."""
        base = urlsplit(at or self.url)
        assert base.hostname
        secure = {"context": UNVERIFIED} if base.scheme == "https" else {}
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = kind(base.hostname, base.port, timeout=self.timeout, **secure)  # type: ignore[arg-type]
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **headers}
        body: bytes | None = files or None
        if form is not None:
            body = urlencode(form).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request("POST" if body is not None else "GET", path, body, headers)
            answer = connection.getresponse()
            reply = Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
            for line in answer.headers.get_all("Set-Cookie", []):
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
        finally:
            connection.close()
        return reply

    def captcha(self, at: str = "") -> str:
        """Fetch a challenge; its answer is fixed by the development plugin."""
        assert self.ask("/user/captcha", at=at).status == 200
        return ANSWER

    def register(self, uname: str, at: str = "", **fields: str) -> Reply:
        """Make an account and be signed in to it."""
        form = {"uname": uname, "password": PASSWORD, "email": f"{uname}@example.com", **fields}
        return self.ask("/user/register", {**form, "captcha": self.captcha(at)}, at=at)

    def login(self, user: str, password: str = PASSWORD, at: str = "", **fields: str) -> Reply:
        """Sign in."""
        form = {"user": user, "password": password, **fields}
        return self.ask("/user/login", {**form, "captcha": self.captcha(at)}, at=at)
