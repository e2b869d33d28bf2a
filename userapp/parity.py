"""Do two requests that must look alike look alike? For tests: of our endpoints, of plugins' and of integrators'.

for difference in parity.differences(app, lambda name: client.post("/user/login", data={"user": name, …}),
                                     known="ning", unknown="nobody", exact=True):
    print(difference)
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from difflib import unified_diff
from random import shuffle
from typing import Any

from flask import Flask
from sqlalchemy import event, select

from .extensions import db, reading
from .models import Budget

Ask = Callable[[str], Any]
VARYING = ("Date", "X-Request-Id", "Set-Cookie", "Content-Length", "ETag")
# What differs between any two pages: tokens, nonces, request ids, the moments of an image's address.
NONCE = re.compile(rb"[\w.-]{24,}|[0-9a-f]{16}|_=\d+")


@dataclass(frozen=True)
class Seen:
    """What can be told from one request, by who asks and by who watches the database."""

    status: int
    shape: Any
    headers: dict[str, str]
    cookies: list[str]
    charges: dict[str, int]
    statements: list[str]
    body: bytes


def differences(app: Flask, ask: Ask, known: str, unknown: str, *, exact: bool = False) -> list[str]:
    """In what the answers to `ask(known)` and `ask(unknown)` differ; `exact`: to the byte, nonces apart.

    Without `exact` the message and its number may differ, as the profile `documented` promises its clients.
    """
    one, other = (observe(app, lambda name=name: ask(name)) for name in (known, unknown))  # type: ignore[misc]
    parts = [field.name for field in fields(Seen) if exact or field.name != "body"]
    return [
        f"{part}: {_told(getattr(one, part), getattr(other, part))}"
        for part in parts
        if getattr(one, part) != getattr(other, part)
    ]


def _told(one: Any, other: Any) -> str:
    if isinstance(one, list):
        lines = unified_diff([str(line) for line in one], [str(line) for line in other], lineterm="", n=0)
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))
    return f"{one!r} is not {other!r}"


def observe(app: Flask, request: Callable[[], Any]) -> Seen:
    """Make one request and note everything about it."""
    before = _spent(app)
    with statements(app) as asked:
        reply = request()
    spent = _spent(app)
    spent.subtract(before)
    headers = {name: value for name, value in reply.headers if name not in VARYING}
    cookies = sorted(
        re.sub(r"^([^=]+)=[^;]*|; Expires=[^;]*", r"\1", line) for line in reply.headers.getlist("Set-Cookie")
    )
    body = NONCE.sub(b"*", reply.get_data())
    return Seen(reply.status_code, _shape(reply), headers, cookies, +spent, asked, body)


def overlap(ask: Ask, known: str, unknown: str, samples: int = 200, warm_up: int = 10) -> float:
    """The chance that an unknown name took longer than a known one: 0.5 means that time tells nothing."""
    times: dict[str, list[float]] = {known: [], unknown: []}
    for number in range(samples + warm_up):
        order = [known, unknown]
        shuffle(order)  # nosec B311 - which comes first is no secret
        for name in order:
            start = time.perf_counter()
            ask(name)
            if number >= warm_up:
                times[name].append(time.perf_counter() - start)
    ranked = sorted((taken, name == unknown) for name in times for taken in times[name])
    ranks = sum(rank for rank, (_taken, of_unknown) in enumerate(ranked, 1) if of_unknown)
    return (ranks - samples * (samples + 1) / 2) / samples**2


def _shape(reply: Any) -> Any:
    if reply.is_json:
        return _types(json.loads(reply.get_data()))
    return re.findall(rb"<(/?\w+)", reply.get_data())


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _types(inner) for name, inner in value.items()}
    return [_types(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def _spent(app: Flask) -> Counter[str]:
    spent: Counter[str] = Counter()
    with app.app_context(), reading() as connection:
        for name, times in connection.execute(select(Budget.name, Budget.spent)):
            spent[name] += times
    return spent


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The SQL statements that the calling thread runs within, in order."""
    seen: list[str] = []
    own = threading.get_ident()  # the courier, for one, looks at its queue meanwhile

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if threading.get_ident() == own:
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)
