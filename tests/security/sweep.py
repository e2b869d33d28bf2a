"""The corpora through every door of several sides at once: no side fails, and all say and keep the same."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_from_bytes

from tests.conftest import ANSWER, HTML, PASSWORD
from tests.security.sides import FORM, JSON, Reply, Side
from tests.security.surface import NOBODY, Door, doors

Text = str | bytes
# So that a text meets the check behind the one before it: what else the form is filled with.
GOOD = {
    "captcha": ANSWER, "user": "root", "password": PASSWORD, "old_password": PASSWORD, "old_pwd": PASSWORD,
    "new_password": "battery-staple-7", "new_pwd": "battery-staple-7", "uname": "lan", "email": "lan@example.com",
    "new_email": "lan@example.com", "type": "old_send_again", "code": "123456", "link": "x", "step": "old",
}  # fmt: skip
# One field at a time: with the others it would be refused before it is looked at.
ALONE = {"user", "uid", "uname", "phone", "email", "code", "sex", "sex_flag", "gender", "create", "end"}
CHALLENGED = ("/user/login", "/user/register", "/user/reset")
IDENTIFIERS = {"user", "uid", "uname", "phone", "email", "new_email", "old_email", "q"}
PASSWORDS = {"password", "old_password", "new_password", "old_pwd", "new_pwd"}
# What the address of a page may say beside the fields its form shows again, and what the lists are asked for.
ANYWHERE = ("lang", "zone", "next", "link", "name", "format", "by", "_t", "restart")
LISTS = {
    "/admin/users": ("q", "by", "user_type", "state", "after"),
    "/admin/events": ("user", "actor", "event", "before"),
}
LEFT_OUT = (
    "/user/logout",
    "/readyz",
    "/metrics",
    "/server_status/time",
    "/dev/outbox",
)  # the session's end; what counts


@dataclass
class Findings:
    """How many requests it was, how they ended, and each that failed or that the sides answered differently."""

    sent: int = 0
    wrong: list[Any] = field(default_factory=list)
    seen: Counter[Any] = field(default_factory=Counter)


@dataclass
class Sweep:
    """Every side gets the same requests, one after the other."""

    sides: Sequence[Side]
    found: Findings = field(default_factory=Findings)

    def __post_init__(self) -> None:
        self.doors = list(doors(self.sides[0].app))

    def fields(self, texts: Iterable[Text], only: Iterable[str] | None = None) -> None:
        """Each text in each field of each form: as form on one side and as JSON on the other, in turns."""
        for door in self.doors:
            fields = [name for name in door.fields if only is None or name in only]
            for number, text in enumerate(texts if fields else ()):
                for turn, name in enumerate(fields):
                    self.ask(door, self.filled(door, name, text), ("form", "json")[(number + turn) % 2], (name, text))
            self.compare_kept(door)

    def in_turn(self, texts: Iterable[Text], only: Iterable[str]) -> None:
        """One text into one of these fields, the next into the next."""
        places = [(door, name) for door in self.doors for name in door.fields if name in only]
        for number, text in enumerate(texts):
            door, name = places[number % len(places)]
            self.ask(door, self.filled(door, name, text), ("form", "json")[number % 2], (name, text))

    def anywhere(self, texts: Iterable[Text]) -> None:
        """Each text where no form asks for it, and in what every body may carry."""
        for door in self.doors:
            for number, text in enumerate(texts if door.method == "POST" and door.rule not in LEFT_OUT else ()):
                for turn, name in enumerate(("anything", "__token", "lang")):
                    way = ("form", "json")[(number + turn) % 2]
                    self.ask(door, self.filled(door, name, text), way, (name, text))
            self.compare_kept(door)

    def pages(self, texts: Iterable[Text]) -> None:
        """Each text in each field of each form, sent by a browser, which is shown it again."""
        for door in self.doors:
            for text in texts if door.fields else ():
                for name in door.fields:
                    self.ask(door, self.filled(door, name, text), "page", (name, text))
            self.compare_kept(door)

    def together(self, texts: Iterable[Text]) -> None:
        """Each text in all fields of a form at once."""
        for door in self.doors:
            for number, text in enumerate(texts if door.fields else ()):
                self.ask(door, dict.fromkeys(door.fields, text), ("json", "form")[number % 2], ("all", text))
            self.compare_kept(door)

    def filters(self, texts: Sequence[Text]) -> None:
        """Each text in each thing the lists are asked for."""
        for door in self.doors:
            for name in LISTS.get(door.rule, ()) if door.method == "GET" else ():
                for text in texts:
                    self.read(door, {name: text}, "*/*", (name, text))

    def addresses(self, texts: Sequence[Text]) -> None:
        """Each text in the address of everything that is read, for programs and browsers."""
        for door in self.doors:
            if door.method != "GET" or door.rule in LEFT_OUT:
                continue
            shown = next((other.fields for other in self.doors if other.rule == door.rule and other.fields), ())
            for number, text in enumerate(texts):
                for turn, names in enumerate(((*ANYWHERE, *shown), ("__token",))):
                    accept = HTML if (number + turn) % 2 else "*/*"
                    self.read(door, dict.fromkeys(names, encoded(text)[:250]), accept, (names[-1], text))

    def read(self, door: Door, values: dict[str, Text], accept: str, what: Any) -> None:
        """A text in an address has as much room as a line of HTTP."""
        query = urlencoded({name: encoded(value)[:1200] for name, value in values.items()})
        self.everywhere(door, f"?{query}", [({"Accept": accept}, b"")] * len(self.sides), what)

    def ask(self, door: Door, values: dict[str, Text], way: str, what: Any) -> None:
        """One form, to the first side as `way` says and to the next the other way; a browser's to all."""
        sent = []
        for side in self.sides:
            if way == "json" and not any(isinstance(value, bytes) for value in values.values()):
                sent.append(({"Content-Type": JSON}, json.dumps(values).encode()))
            else:
                accept = {"Accept": HTML} if way == "page" else {}
                extra = "&csrf_token=" + side.page_token() if way == "page" else ""
                sent.append(({"Content-Type": FORM} | accept, (urlencoded(values) + extra).encode()))
            way = {"json": "form", "form": "json"}.get(way, way)
        self.everywhere(door, "", sent, what)

    def everywhere(self, door: Door, query: str, sent: Sequence[tuple[dict[str, str], bytes]], what: Any) -> None:
        """One request to every side, and what to note of the answers."""
        replies = []
        challenged = door.rule in CHALLENGED and door.method == "POST"
        for side, (headers, body) in zip(self.sides, sent, strict=True):
            more = side.challenge() if challenged else {}
            own = headers | ({"token": side.token()} if door.access == "token_only" else {})
            path = door.path.replace(str(NOBODY), str(side.victim))
            replies.append(side.ask(door.method, path + query, own, body, more, keep=not challenged))
        self.found.sent += len(replies)
        codes = [reply.code for reply in replies]
        self.found.seen[codes[0]] += len(replies)
        if any(map(failed, replies)) or any(not same(replies[0], other) for other in replies[1:]):
            told = apart(*(str(reply.verdict()) for reply in replies))
            self.found.wrong.append((str(door), what[0], what[1][:90], [headers for headers, _body in sent], told))
        if -2 in codes and what[0] != "__token":
            for side in self.sides:
                side.sign_in()
        elif PASSWORDS & set(door.fields) and any(code in (0, 303) for code in codes):
            for side in self.sides:
                side.restore()

    def filled(self, door: Door, name: str, text: Text) -> dict[str, Text]:
        """The form of a door with a text in one field; the others have good values."""
        rest: dict[str, Text] = {other: GOOD[other] for other in door.fields if other in GOOD and other not in ALONE}
        if door.rule in ("/user/register", "/user/login") and name not in ALONE:
            rest["uname"] = "root"
        if door.rule == "/user/register" and name not in ("email", "phone"):
            rest["email"] = f"n{self.found.sent}@example.com"
        if door.rule == "/user/reset" and name not in ("email", "phone"):
            rest |= {"email": "root@example.com"} | ({"code": GOOD["code"]} if name == "new_password" else {})
        return rest | {name: text}

    def compare_kept(self, door: Door) -> None:
        """After a door: the accounts are the same everywhere."""
        if door.method != "POST":
            return
        rows = [side.kept() for side in self.sides]
        for other in rows[1:]:
            if other != rows[0]:
                different = [pair for pair in zip(rows[0], other, strict=False) if pair[0] != pair[1]]
                self.found.wrong.append((str(door), "what is kept", len(rows[0]), len(other), different[:3]))


def same(one: Reply, other: Reply) -> bool:
    """Whether a caller is told the same."""
    return (one.status, one.body) == (other.status, other.body) or one.verdict() == other.verdict()


def apart(*texts: str) -> list[str]:
    """Texts from where they part."""
    at = next((i for i, letters in enumerate(zip(*texts, strict=False)) if len(set(letters)) > 1), 0)
    return [text[max(0, at - 100) : at + 200] for text in texts]


def failed(reply: Reply) -> bool:
    """A failure of the server, whatever status it has."""
    return reply.status >= 500 or reply.code == -3


def urlencoded(values: dict[str, Text]) -> str:
    """A query or a body; a text is UTF-8, even where it has no such form."""
    return "&".join(f"{name}={quote_from_bytes(encoded(value))}" for name, value in values.items())


def encoded(value: Text) -> bytes:
    """The bytes of a text."""
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
